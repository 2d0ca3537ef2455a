"""SVDF and LSTM: run after run, what LiteRT's reference kernels make of their states."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest

from evaluate import evaluate_graph
from tflite_models import Operator, Tensor, build, constant, litert, schema
from tilewright.api import verify_model
from tilewright.frontend.lower import lower
from tilewright.frontend.tflite_import import import_tflite
from tilewright.ir.types import Array, Shape

RUNS = 5


@dataclass
class Drawn:
    """Tensors of one operator."""

    rng: np.random.Generator

    def int8(self, name: str, shape: Shape, scale: float) -> Tensor:
        stored: Array = self.rng.integers(-127, 128, shape).astype(np.int8)
        return constant(name, stored, (scale,))

    def int16(self, name: str, shape: Shape, scale: float) -> Tensor:
        """Small enough for sums of 32 bits, which the reference has."""
        stored: Array = self.rng.integers(-(2**12), 2**12, shape).astype(np.int16)
        return Tensor(name, "int16", shape, (scale,), (0,), 0, stored)

    def bias(self, name: str, size: int, reach: int = 2000) -> Tensor:
        stored: Array = self.rng.integers(-reach, reach, size).astype(np.int32)
        return constant(name, stored, (1e-5,))

    def real(self, name: str, shape: Shape) -> Tensor:
        return constant(name, (self.rng.standard_normal(shape) / 2).astype(np.float32))


def with_states(model: bytes, states: tuple[str, ...], intermediates: int = 0) -> bytes:
    """The same file with tensors that are kept from run to run, and with scratch tensors."""
    made = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    (graph,) = made.subgraphs
    for tensor in graph.tensors:
        tensor.isVariable = tensor.name.decode() in states
    if intermediates:
        places = [i for i, t in enumerate(graph.tensors) if t.name.startswith(b"between")]
        graph.operators[0].intermediates = np.array(places, np.int32)
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def compare(model: bytes, folder: Path, rng: np.random.Generator) -> None:
    """Several runs of both: equal bytes, or real numbers within 1e-5."""
    path = folder / "model.tflite"
    path.write_bytes(model)
    source = import_tflite(path, {})
    graph = lower(source, source.contract)
    judge = litert.Interpreter(
        model_content=model, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    judge.allocate_tensors()
    (given,) = judge.get_input_details()
    held: dict[str, Array] = {}
    for state in source.states:
        value = graph.values[state.before]
        zero = 0 if value.quantisation is None else value.quantisation.zero_point
        held[state.before] = np.full(value.type.shape, zero, value.type.dtype.numpy)
    for _ in range(RUNS):
        x = drawn_like(given, rng)
        judge.set_tensor(given["index"], x)
        judge.invoke()
        values = evaluate_graph(graph, {given["name"]: x, **held})
        kept = graph.outputs[len(graph.outputs) - len(source.states) :]
        held = {s.before: values[name] for s, name in zip(source.states, kept, strict=True)}
        ours = values[graph.outputs[0]]
        theirs = judge.get_tensor(judge.get_output_details()[0]["index"])
        if theirs.dtype == np.float32:
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(ours, theirs)


def drawn_like(given: Mapping[str, Any], rng: np.random.Generator) -> Array:
    shape = tuple(given["shape"])
    if given["dtype"] is np.float32:
        return rng.standard_normal(shape).astype(np.float32)
    info = np.iinfo(given["dtype"])
    return rng.integers(info.min, info.max + 1, shape).astype(given["dtype"])


def svdf(rng: np.random.Generator, *, rank: int, memory: int, is_real: bool = False) -> bytes:
    units, length, batch = 3, 7, 2
    filters, drawn = units * rank, Drawn(rng)
    if is_real:
        kinds = ("float32", "float32", (), ())
        middle = [
            drawn.real("feature", (filters, length)), drawn.real("time", (filters, memory)),
            drawn.real("bias", (units,)),
        ]  # fmt: skip
    else:
        kinds = ("int8", "int16", (0.05,), (-3,))
        middle = [
            drawn.int8("feature", (filters, length), 0.01),
            drawn.int16("time", (filters, memory), 2.0**-12), drawn.bias("bias", units, 20000),
        ]  # fmt: skip
    state = Tensor("state", kinds[1], (batch, filters * memory), (2e-4,) * (not is_real), (0,))
    tensors = [
        Tensor("x", kinds[0], (batch, length), kinds[2], kinds[3]), *middle, state,
        Tensor("y", kinds[0], (batch, units), kinds[2], (4,) * (not is_real)),
    ]  # fmt: skip
    fields = {"rank": rank, "fusedActivationFunction": 1}
    op = Operator("SVDF", [t.name for t in tensors[:-1]], "y", "SVDFOptions", fields, version=3)
    return with_states(build(tensors, [op], ["x"], ["y"]), ("state",))


@pytest.mark.parametrize("is_real", [False, True])
@pytest.mark.parametrize(("rank", "memory"), [(1, 4), (2, 1), (2, 5)])
def test_svdf(tmp_path: Path, rank: int, memory: int, is_real: bool) -> None:
    rng = np.random.default_rng(rank + memory)
    compare(svdf(rng, rank=rank, memory=memory, is_real=is_real), tmp_path, rng)


def lstm(
    rng: np.random.Generator, steps: int, batch: int, *, is_time_major: bool, clip: float = 0.0
) -> bytes:
    length, size, drawn = 6, 5, Drawn(rng)
    shape = (steps, batch) if is_time_major else (batch, steps)
    scales = rng.uniform(0.004, 0.02, 8)
    into = [drawn.int8(f"w{i}", (size, length), scales[i]) for i in range(4)]
    back = [drawn.int8(f"r{i}", (size, size), scales[4 + i]) for i in range(4)]
    bias = [drawn.bias(f"b{i}", size) for i in range(4)]
    hidden, zero = 0.006, 9
    tensors = [
        Tensor("x", "int8", (*shape, length), (0.02,), (-7,)), *into, *back, *bias,
        Tensor("h", "int8", (batch, size), (hidden,), (zero,)),
        Tensor("c", "int16", (batch, size), (2.0**-11,), (0,)),
        *(Tensor(f"between{i}", "float32", (0,)) for i in range(4)),
        Tensor("between4", "int8", (0,), (hidden,), (zero,)),
        Tensor("y", "int8", (*shape, size), (hidden,), (zero,)),
    ]  # fmt: skip
    inputs = [
        "x", *(t.name for t in into), *(t.name for t in back), "", "", "",
        *(t.name for t in bias), "", "", "h", "c", "", "", "", "",
    ]  # fmt: skip
    fields = {"fusedActivationFunction": 4, "timeMajor": is_time_major, "cellClip": clip}
    options = "UnidirectionalSequenceLSTMOptions"
    op = Operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, "y", options, fields, version=3)
    return with_states(build(tensors, [op], ["x"], ["y"]), ("h", "c"), 5)


@pytest.mark.parametrize(
    ("steps", "batch", "is_time_major", "clip"),
    [(1, 1, False, 0.0), (7, 1, False, 3.5), (3, 2, False, 0.0), (4, 2, True, 0.0)],
)
def test_int8_lstm(
    tmp_path: Path, steps: int, batch: int, is_time_major: bool, clip: float
) -> None:
    rng = np.random.default_rng(steps * 10 + batch)
    model = lstm(rng, steps, batch, is_time_major=is_time_major, clip=clip)
    compare(model, tmp_path, rng)


@dataclass
class Sizes:
    """A float LSTM: T, B, inputs, cells, outputs."""

    steps: int = 4
    batch: int = 2
    length: int = 3
    cells: int = 5
    outputs: int = 5


def one_way(drawn: Drawn, at: Sizes, prefix: str, *, has_input_gate: bool) -> list[Tensor | None]:
    """Inputs 1 to 17 of a float LSTM."""
    first = 0 if has_input_gate else 1
    none: list[Tensor | None] = [None] * first
    into = [drawn.real(f"{prefix}w{i}", (at.cells, at.length)) for i in range(first, 4)]
    back = [drawn.real(f"{prefix}r{i}", (at.cells, at.outputs)) for i in range(first, 4)]
    seen = [drawn.real(f"{prefix}p{i}", (at.cells,)) for i in range(first, 3)]
    bias = [drawn.real(f"{prefix}b{i}", (at.cells,)) for i in range(first, 4)]
    has_projection = at.outputs != at.cells
    projection = [drawn.real(f"{prefix}j", (at.outputs, at.cells))] if has_projection else [None]
    return [*none, *into, *none, *back, *none, *seen, *none, *bias, *projection, None]


def states(at: Sizes, prefix: str) -> list[Tensor]:
    return [
        Tensor(f"{prefix}h", "float32", (at.batch, at.outputs)),
        Tensor(f"{prefix}c", "float32", (at.batch, at.cells)),
    ]


OPTIONS = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "BIDIRECTIONAL_SEQUENCE_LSTM": "BidirectionalSequenceLSTMOptions",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNNOptions",
    "RNN": "RNNOptions",
}


def real_layer(
    kind: str, given: list[Tensor | None], y: Tensor, kept: tuple[str, ...], **fields: Any
) -> bytes:
    tensors = [t for t in given if t is not None]
    names = ["" if t is None else t.name for t in given]
    op = Operator(kind, names, "y", OPTIONS[kind], fields)
    return with_states(build([*tensors, y], [op], ["x"], ["y"]), kept)


@pytest.mark.parametrize("outputs", [5, 4])
@pytest.mark.parametrize("has_input_gate", [True, False])
def test_float_lstm(tmp_path: Path, outputs: int, has_input_gate: bool) -> None:
    rng, at = np.random.default_rng(outputs), Sizes(outputs=outputs)
    x = Tensor("x", "float32", (at.batch, at.steps, at.length))
    layer = one_way(Drawn(rng), at, "", has_input_gate=has_input_gate)
    y = Tensor("y", "float32", (at.batch, at.steps, at.outputs))
    given = [x, *layer, *states(at, "")]
    fields = {"fusedActivationFunction": 4, "cellClip": 0.8, "projClip": 0.5}
    model = real_layer("UNIDIRECTIONAL_SEQUENCE_LSTM", given, y, ("h", "c"), **fields)
    compare(model, tmp_path, rng)


def test_float_lstm_both_ways(tmp_path: Path) -> None:
    rng, at = np.random.default_rng(8), Sizes()
    x = Tensor("x", "float32", (at.steps, at.batch, at.length))
    layers = [t for p in "fb" for t in one_way(Drawn(rng), at, p, has_input_gate=True)]
    given = [x, *layers, *states(at, "f"), *states(at, "b"), *[None] * 9]
    y = Tensor("y", "float32", (at.steps, at.batch, 2 * at.cells))
    fields = {"fusedActivationFunction": 4, "mergeOutputs": True, "timeMajor": True}
    kept = ("fh", "fc", "bh", "bc")
    compare(real_layer("BIDIRECTIONAL_SEQUENCE_LSTM", given, y, kept, **fields), tmp_path, rng)


@pytest.mark.parametrize("kind", ["RNN", "UNIDIRECTIONAL_SEQUENCE_RNN"])
def test_float_rnn(tmp_path: Path, kind: str) -> None:
    rng, at = np.random.default_rng(9), Sizes()
    drawn = Drawn(rng)
    steps = () if kind == "RNN" else (at.steps,)
    given: list[Tensor | None] = [
        Tensor("x", "float32", (at.batch, *steps, at.length)),
        drawn.real("w", (at.cells, at.length)), drawn.real("r", (at.cells, at.cells)),
        drawn.real("b", (at.cells,)), Tensor("h", "float32", (at.batch, at.cells)),
    ]  # fmt: skip
    y = Tensor("y", "float32", (at.batch, *steps, at.cells))
    compare(real_layer(kind, given, y, ("h",), fusedActivationFunction=4), tmp_path, rng)


def test_verify_lets_litert_keep_its_own_states(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(lstm(np.random.default_rng(3), 2, 1, is_time_major=False))
    report = verify_model(path)
    assert report.holds
    assert "LiteRT" in {c.right for c in report.verification.comparisons}
