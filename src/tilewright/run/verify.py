"""Do the definitions, the generated C and a third party agree on one network? Layer by layer.

The parties: the *definition*, operator by operator as imported and lowered; the same *planned*,
after rewrite rules and pruning, in the arena where the plan puts every tensor; the *generated C*;
and LiteRT's reference kernels (every tensor) or ONNX Runtime (each layer on equal inputs, and the
whole network's outputs).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilewright.backend.bundle import Bundle
from tilewright.errors import ToolError
from tilewright.ir.graph import Contract, Graph, Value, ValueName
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.ir.types import Array, DType
from tilewright.ops.quantise import Dequantize, Quantize
from tilewright.run.compare import Comparison, Pair, Tolerance, compare
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import Batch
from tilewright.run.interpret import Interpretation, interpret
from tilewright.run.result import RunResult

DEFINITION, PLANNED, GENERATED = "definition", "planned", "generated C"

Values = Mapping[ValueName, Array]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is verified: one compilation, without the compiler.

    lowered  the integer network before optimisation: every channel of the file is there
    graph    after it: what the program computes
    """

    model: Path
    lowered: Graph
    graph: Graph
    program: Program
    bundle: Bundle
    toolchain: Toolchain


@dataclass(frozen=True, slots=True)
class Verification:
    """Every comparison that was made, and why others were not."""

    inferences: int
    comparisons: tuple[Comparison, ...]
    skipped: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every promise is kept."""
        return all(comparison.holds for comparison in self.comparisons)


def verify(subject: Subject, batch: Batch, *, sanitizes: bool, tell: Progress) -> Verification:
    """Compare all parties on every inference of ``batch``.

    Raises ToolError without a C compiler; without the third party's package it is left out.
    """
    tell("evaluating the definitions")
    inferences = range(batch.inferences)
    whole = [evaluate(subject.lowered, batch.one(i)) for i in inferences]
    planned = [interpret(subject.program, subject.graph, batch.one(i)) for i in inferences]
    tell("building and running the generated C")
    options = HostOptions(observes=True, sanitizes=sanitizes)
    result = run_on_host(subject.bundle, subject.program, subject.toolchain, batch, options)
    comparisons = [
        _optimised(subject, whole, planned),
        _generated(subject, planned, result),
        _generated_outputs(subject, planned, result),
    ]
    skipped: list[str] = []
    try:
        tell("running the third party")
        comparisons += _judged(subject, batch, whole)
    except ToolError as missing:
        skipped.append(str(missing))
    return Verification(batch.inferences, tuple(comparisons), tuple(skipped))


def evaluate(graph: Graph, inputs: Values) -> dict[ValueName, Array]:
    """Every value of one inference, by the operators' definitions."""
    known: dict[ValueName, Array] = {**graph.constants, **inputs}
    for node in graph.nodes:
        known[node.output] = node.op.evaluate(*(known[name] for name in node.inputs))
    return known


def has_float_layers(graph: Graph) -> bool:
    """Whether some layer computes in real numbers: rounding then depends on who computes."""
    return any(
        graph.type(node.output).dtype.is_float and not isinstance(node.op, Dequantize)
        for node in graph.nodes
        if not isinstance(node.op, Quantize)
    )


def _own_tolerance(graph: Graph) -> Tolerance:
    return Tolerance.ONE_STEP if has_float_layers(graph) else Tolerance.EXACT


def _optimised(
    subject: Subject, whole: list[dict[ValueName, Array]], planned: list[Interpretation]
) -> Comparison:
    """By name where both have the value whole; the outputs always."""

    def pairs() -> Iterator[Pair]:
        for values, interpretation in zip(whole, planned, strict=True):
            for call in subject.program.actions:
                value = call.output.value
                left, right = values.get(value.name), interpretation.values[value.name]
                if left is not None and left.shape == right.shape and _is_whole(value):
                    yield Pair(call.node.name, value.name, left, right)
            for before, after in zip(subject.lowered.outputs, subject.graph.outputs, strict=True):
                left, right = values[before], interpretation.outputs[after]
                yield Pair("output", after, left, right)

    tolerance = _own_tolerance(subject.graph)
    return compare((DEFINITION, PLANNED), "layers and outputs", pairs(), tolerance)


def _is_whole(value: Value) -> bool:
    return value.origin is not None and value.origin.kept is None


def _generated(subject: Subject, planned: list[Interpretation], result: RunResult) -> Comparison:
    def pairs() -> Iterator[Pair]:
        for interpretation, layers in zip(planned, result.layers, strict=True):
            for call, raw in zip(subject.program.actions, layers, strict=True):
                type_ = call.output.value.type
                made = np.frombuffer(raw, type_.dtype.numpy).reshape(type_.shape)
                name = call.output.value.name
                yield Pair(call.node.name, name, interpretation.values[name], made)

    tolerance = _own_tolerance(subject.graph)
    return compare((PLANNED, GENERATED), "every layer", pairs(), tolerance)


def _generated_outputs(
    subject: Subject, planned: list[Interpretation], result: RunResult
) -> Comparison:
    def pairs() -> Iterator[Pair]:
        for index, interpretation in enumerate(planned):
            for name, array in interpretation.outputs.items():
                yield Pair("output", name, array, result.outputs[name][index])

    tolerance = _own_tolerance(subject.graph)
    return compare((PLANNED, GENERATED), "outputs", pairs(), tolerance)


def _judged(
    subject: Subject, batch: Batch, whole: list[dict[ValueName, Array]]
) -> list[Comparison]:
    inputs = [
        {_source_name(subject.lowered.values[n]): a for n, a in batch.one(i).items()}
        for i in range(batch.inferences)
    ]
    if subject.model.suffix.lower() == ".tflite":
        return _judged_by_litert(subject, inputs, whole)
    return _judged_by_onnxruntime(subject, inputs, whole)


def _judged_by_litert(
    subject: Subject, inputs: list[dict[str, Array]], whole: list[dict[ValueName, Array]]
) -> list[Comparison]:
    from tilewright.run.judges.litert import LiteRt

    judge = LiteRt(subject.model)

    def pairs() -> Iterator[Pair]:
        for index, values in enumerate(whole):
            theirs = judge.tensors(inputs[index])
            for node, name, ours in _ours(subject.lowered, values):
                if name in theirs:
                    yield Pair(node, name, _as_stored(ours, theirs[name]), theirs[name])

    is_own = subject.lowered.contract in (Contract.TFLITE, Contract.FLOAT32)
    exact = Tolerance.EXACT if is_own else Tolerance.REPORTED
    tolerance = exact if not has_float_layers(subject.lowered) else Tolerance.ONE_STEP
    parties = (DEFINITION, "LiteRT")
    return [compare(parties, "every tensor", pairs(), tolerance)]


def _judged_by_onnxruntime(
    subject: Subject, inputs: list[dict[str, Array]], whole: list[dict[ValueName, Array]]
) -> list[Comparison]:
    # It needs onnx, which takes as long to import as a small network to compile.
    from tilewright.run.judges.onnxruntime import OnnxRuntime

    judge = OnnxRuntime(subject.model)

    def layers() -> Iterator[Pair]:
        for index, values in enumerate(whole):
            known = {name: (node, ours) for node, name, ours in _ours(subject.lowered, values)}
            judged = judge.layers(inputs[index], {name: ours for name, (_, ours) in known.items()})
            for name, (node, _) in known.items():
                if name in judged:
                    yield Pair(node, name, *judged[name])

    def outputs() -> Iterator[Pair]:
        for index, values in enumerate(whole):
            theirs = list(judge.outputs(inputs[index]).items())
            for name, (theirs_name, array) in zip(subject.lowered.outputs, theirs, strict=True):
                yield Pair("output", theirs_name, _as_stored(values[name], array), array)

    is_own = subject.lowered.contract in (Contract.ONNX, Contract.FLOAT32)
    tolerance = Tolerance.ONE_STEP if is_own else Tolerance.REPORTED
    is_real = subject.lowered.contract is Contract.FLOAT32
    whole_network = Tolerance.EXACT if is_real else Tolerance.REPORTED
    parties = (DEFINITION, "ONNX Runtime")
    return [
        compare(parties, "each layer, equal inputs", layers(), tolerance),
        compare(parties, "network outputs", outputs(), whole_network),
    ]


def _ours(graph: Graph, values: Values) -> Iterator[tuple[str, str, Array]]:
    """Node, source tensor name and array in the source's layout, for each tensor of the file.

    Where several nodes hold the same source tensor the last one holds it as the file stores it.
    """
    holders = {
        _source_name(graph.values[node.output]): node
        for node in graph.nodes
        if graph.values[node.output].origin is not None
    }
    for name, node in holders.items():
        yield node.name, name, as_in_source(graph.values[node.output], values[node.output])


def _source_name(value: Value) -> str:
    return value.origin.name if value.origin is not None else value.name


def as_in_source(value: Value, array: Array) -> Array:
    """An array in the layout of the source tensor that it holds."""
    if value.origin is None or value.origin.perm is None:
        return array
    return array.transpose(tuple(np.argsort(value.origin.perm)))


def _as_stored(ours: Array, theirs: Array) -> Array:
    """Ours in their type and shape, where that is the same numbers: int8 for uint8, other views."""
    if ours.dtype == DType.S8.numpy and theirs.dtype == DType.U8.numpy:
        ours = np.ascontiguousarray(ours).view(np.uint8) ^ np.uint8(128)
    is_view = ours.shape != theirs.shape and ours.size == theirs.size
    return ours.reshape(theirs.shape) if is_view else ours
