"""Files in the integer dialect: the same integers as their golden outputs, and as plain numpy."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from integer_dialect import NODES, attributes
from random_networks import evaluate_graph
from siracusa_bench import needs_compiler
from tilewright import api
from tilewright.cli.main import main
from tilewright.errors import ModelError, OptionError, UnsupportedError
from tilewright.frontend.dialect.fitting import fit
from tilewright.ir.graph import Contract
from tilewright.ir.types import Array, DType
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.pipeline import Options, compile_model, import_graph, load_target
from tilewright.run.host import HostOptions
from tilewright.run.inputs import match_inputs
from tilewright.run.runners import run_bundle

DIALECT = Path(__file__).resolve().parents[3] / "shared/models/integer_dialect"
NETWORKS = sorted(str(p.parent.relative_to(DIALECT)) for p in DIALECT.rglob("network.onnx"))
needs_goldens = pytest.mark.skipif(
    not DIALECT.is_dir(), reason="../shared/models/integer_dialect is not there"
)


def type_for(array: Array) -> DType:
    """The narrowest type that holds an input; files do not say it."""
    if array.min() >= -128 and array.max() <= 127:
        return DType.S8
    return DType.U8 if array.min() >= 0 and array.max() <= 255 else DType.S32


def golden_case(network: str) -> tuple[Path, Options, dict[str, Array], list[Array]]:
    """(file, options, inputs, outputs) of a network with goldens."""
    folder = DIALECT / network
    graph = onnx.load(folder / "network.onnx").graph
    constant = {item.name for item in graph.initializer}
    names = [item.name for item in graph.input if item.name not in constant]
    arrays = dict(zip(names, np.load(folder / "inputs.npz").values(), strict=True))
    types = {name: type_for(array) for name, array in arrays.items() if array.size}
    inputs = {name: arrays[name].astype(type_.value) for name, type_ in types.items()}
    others = {name: type_ for name, type_ in types.items() if type_ is not DType.S8}
    golden = [*np.load(folder / "outputs.npz").values()]
    return folder / "network.onnx", Options(input_types=others), inputs, golden


@needs_goldens
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    "target", ["host", pytest.param("siracusa", marks=[pytest.mark.slow, needs_compiler])]
)
def test_c_gives_the_golden_outputs_twice(network: str, target: str) -> None:
    path, options, inputs, golden = golden_case(network)
    made = compile_model(path, load_target(target), options)
    batch = match_inputs(made.graph, inputs)
    result = run_bundle(
        made.bundle, made.program, made.target.toolchain, batch, HostOptions(repeat=2)
    )
    assert result.runs_identical
    for name, wanted in zip(made.graph.outputs, golden, strict=True):
        np.testing.assert_array_equal(result.outputs[name].reshape(wanted.shape), wanted)


Node = tuple[str, tuple[str, ...], dict[str, object]]


def saved(
    folder: Path, inputs: dict[str, tuple[int, ...]], nodes: list[Node], constants: dict[str, Array]
) -> Path:
    """A file of the dialect: every tensor is declared float32; its output is the last node's."""
    made = [
        helper.make_node(kind, list(names), [f"y{i}"], name=f"n{i}", **attributes)
        for i, (kind, names, attributes) in enumerate(nodes)
    ]
    graph = helper.make_graph(
        made, "drawn",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(f"y{len(nodes) - 1}", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(a.astype(np.float32), n) for n, a in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    path = folder / "drawn.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def expected(path: Path, inputs: dict[str, Array]) -> Array:
    """The last node's output, node by node in int64."""
    graph = onnx.load(path).graph
    known = {
        i.name: np.rint(onnx.numpy_helper.to_array(i)).astype(np.int64) for i in graph.initializer
    }
    known |= {name: array.astype(np.int64) for name, array in inputs.items()}
    for node in graph.node:
        known[node.output[0]] = NODES[node.op_type](
            attributes(node), *(known[name] for name in node.input)
        )
    return known[graph.node[-1].output[0]]


CONV = {
    "group": 1, "dilations": [1, 1], "strides": [1, 1], "kernel_shape": [3, 3],
    "pads": [1, 0, 1, 1],
}  # fmt: skip
GEMM = {"transA": 0, "transB": 1}


@st.composite
def layers(draw: st.DrawFn) -> tuple[dict[str, tuple[int, ...]], list[Node], dict[str, Array]]:
    """Something that makes int32, and one or two RequantShift behind it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(("Conv", "Gemm", "MatMul", "Both", "Add", "Mul", "iHardswish", "")))
    shape = (1, 5, 4, 6) if kind == "Conv" else (3, 7)
    inputs, constants, nodes = {"x": shape}, dict[str, Array](), list[Node]()
    made, reach, channels = "x", 255, (5, 1, 1) if kind == "Conv" else (7,)
    if kind == "Conv":
        constants["w"] = rng.integers(-128, 128, (4, 5, 3, 3))
        nodes.append(("Conv", ("x", "w"), CONV))
        reach, channels = 255 * 128 * 45, draw(st.sampled_from(((4, 1, 1), (4,))))
    elif kind == "Gemm":
        constants |= {"w": rng.integers(-128, 128, (4, 7)), "b": rng.integers(-9999, 9999, (4,))}
        nodes.append(("Gemm", ("x", "w", "b"), GEMM))
        reach, channels = 255 * 128 * 7 + 9999, draw(st.sampled_from(((4,), (3, 1))))
    elif kind == "MatMul":
        constants |= {"w": rng.integers(-128, 128, (7, 4)), "b": rng.integers(-9999, 9999, (4,))}
        nodes += [("MatMul", ("x", "w"), {}), ("Add", ("b", "y0"), {})]
        reach, channels = 255 * 128 * 7 + 9999, (4,)
    elif kind:
        inputs["z"] = (7, 2) if kind == "Both" else draw(st.sampled_from((shape, (1, 7), (3, 1))))
        single = ("x",), {"three": 40, "six": 90, "one_over_six": 3}
        names, more = single if kind == "iHardswish" else (("x", "z"), {})
        inputs = {"x": shape} if kind == "iHardswish" else inputs
        nodes.append(("MatMul" if kind == "Both" else kind, names, more))
        reach = {"Add": 510, "iHardswish": 255 * 270, "Both": 255 * 255 * 7}.get(kind, 255 * 255)
        channels = (2,) if kind == "Both" else (7,)
    for _ in range(draw(st.sampled_from((1, 2)))):
        made = f"y{len(nodes) - 1}" if nodes else "x"
        shift = draw(st.sampled_from((0, 1, 8, 16, 24)))
        most = max(2**31 // (2 * reach) - 1, 1)
        real = int(2**shift * 128 / reach * 2 ** draw(st.floats(-2, 2)))
        size = draw(st.sampled_from(((), (1,), channels))) if len(nodes) < 3 else ()
        mul = rng.integers(max(real // 2, 1), max(real, 1) * 2 + 1, size)
        mul = np.clip(mul, 1, min(most, 2**20))
        add = rng.integers(-(2**20), 2**20, size) * draw(st.sampled_from((0, 1)))
        constants |= {f"m{len(nodes)}": np.asarray(mul), f"a{len(nodes)}": np.asarray(add)}
        levels = draw(st.sampled_from((256, 256, 128, 16)))
        signed = draw(st.sampled_from((0, 1)))
        said = {"div": float(2**shift), "n_levels_out": levels, "signed": signed}
        nodes.append(("RequantShift", (made, f"m{len(nodes)}", f"a{len(nodes)}"), said))
        reach = 255
    return inputs, nodes, constants


@settings(derandomize=True, deadline=None, max_examples=150)
@given(layers(), st.booleans(), st.integers(0, 2**32 - 1))
def test_drawn_layers_are_what_numpy_says(
    tmp_path_factory: pytest.TempPathFactory, drawn, is_unsigned: bool, seed: int
) -> None:
    inputs, nodes, constants = drawn
    path = saved(tmp_path_factory.mktemp("dialect"), inputs, nodes, constants)
    rng = np.random.default_rng(seed)
    low, dtype = (0, DType.U8) if is_unsigned else (-128, DType.S8)
    fed = {n: rng.integers(low, low + 256, s).astype(dtype.value) for n, s in inputs.items()}
    graph = import_graph(path, Options(input_types=dict.fromkeys(inputs, dtype)))
    assert graph.contract is Contract.PULP
    made = evaluate_graph(graph, fed)[graph.outputs[0]]
    np.testing.assert_array_equal(made, expected(path, fed))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=3),
    st.integers(-(2**31), 2**31 - 1), st.integers(0, 31), st.sampled_from((0, -128)),
    st.tuples(st.integers(0, 2**16), st.booleans()), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_tables_give_what_is_added_after_the_product(
    muls: list[int], add: int, shift: int, zero: int, size: tuple[int, bool], seed: int
) -> None:
    rng, (reach, is_small) = np.random.default_rng(seed), size
    mul = np.array(muls) >> (16 if is_small else 0)
    added = rng.integers(-(2**31), 2**31, len(muls)) >> (12 if is_small else 0)
    added[0] = add
    made = fit(mul, added, np.full(len(muls), reach), shift, zero)
    if made is None:
        assert (mul <= 0).any() or ((mul & 1) == 0).any()
        return
    sums = rng.integers(-reach, reach + 1, (50, len(muls)))
    half = 1 << shift >> 1
    word = (sums * mul + added).astype(np.int32).astype(np.int64) + half
    wanted = np.clip((word.astype(np.int32).astype(np.int64) >> shift) + zero, -128, 127)
    biased = (sums + made.bias.astype(np.int64)).astype(np.int32).astype(np.int64)
    output = Requantise(made.rounding, zero)
    np.testing.assert_array_equal(output.apply(biased, made.multiplier, made.shift), wanted)
    if made.rounding is Rounding.HALF_UP:
        assert np.abs(sums + made.bias).max() < 2**31


SHIFT = {"div": 256.0, "n_levels_out": 256.0, "signed": 1.0}
SWISH = {"three": 1, "six": 2, "one_over_six": 3}
TABLES = {"m": np.array(3), "a": np.array(0)}


@pytest.mark.parametrize(
    ("nodes", "constants", "error", "said"),
    [
        ([("RequantShift", ("x", "m", "a"), {**SHIFT, "div": 100.0})], TABLES, UnsupportedError,
         "div is 100, not a power of two"),
        ([("RequantShift", ("x", "m", "a"), {"div": 256.0, "signed": 1.0})], TABLES, ModelError,
         "attribute n_levels is missing"),
        ([("RequantShift", ("x", "m", "a"), SHIFT)], {**TABLES, "m": np.array(0.5)}, ModelError,
         "m: holds numbers that are no integers"),
        ([("RequantShift", ("x", "m", "a"), SHIFT)], {**TABLES, "m": np.ones(5)}, ModelError,
         "5 numbers for \\[3, 7\\]"),
        ([("RequantShift", ("x", "m", "a"), SHIFT), ("IntegerDiv", ("y0", "y0"), {}),
          ("Sinh", ("y1",), {})], TABLES, UnsupportedError, "IntegerDiv, Sinh"),
        ([("Mul", ("x", "x"), {}), ("iHardswish", ("y0",), SWISH)],
         {}, UnsupportedError, "numbers beyond 8 bits; a RequantShift before"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused_in_words(
    nodes, constants, error: type[Exception], said: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, {"x": (3, 7)}, nodes, constants)
    with pytest.raises(error, match=said):
        import_graph(path)


def test_input_types_and_contract_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path, {"x": (3, 7)}, [("RequantShift", ("x", "m", "a"), SHIFT)], TABLES)
    assert main(["run", str(path), "--input-type", "x=uint8", "--json"]) == 0
    assert main(["run", str(path), "--input-type", "z=uint8"]) == 2
    assert "the network's inputs are x" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["run", str(path), "--input-type", "x=int9"])
    assert "int8, uint8, int32" in capsys.readouterr().err
    with pytest.raises(OptionError, match="the file's own integers are those of contract pulp"):
        api.run_model(path, "host", Options(contract=Contract.TFLITE))
