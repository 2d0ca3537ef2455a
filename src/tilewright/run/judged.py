"""A network before a third party: LiteRT tensor by tensor, ONNX Runtime layer by layer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tilewright.ir.graph import Contract, Graph, Node, Value, ValueName
from tilewright.ir.types import Array, DType
from tilewright.run.compare import Agreement, Comparison, Pair, Tolerance, agreement, compare
from tilewright.run.inputs import Batch
from tilewright.run.subject import DEFINITION, Subject, Values, has_float_layers

NOTHING_KNOWN: Mapping[str, bool] = MappingProxyType({})

OUTPUT = "output"
"""Stands for a node's name where a whole network's output is compared."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a third party said, why it did not say more, and what it was given instead.

    notes  which layers were judged in another form than the file's, and why
    """

    comparisons: tuple[Comparison, ...]
    agreements: tuple[Agreement, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """One judge's comparisons, the network's outputs [inferences][outputs], and its notes."""

    comparisons: list[Comparison]
    outputs: list[list[Pair]]
    notes: tuple[str, ...] = ()


def judge_network(
    subject: Subject, batch: Batch, whole: Sequence[dict[ValueName, Array]]
) -> Judged:
    """Compare definitions with the third party that the model's format has.

    whole  every value of every inference, as ``evaluate`` makes them
    Raises ToolError where the third party's package is missing.
    """
    inputs = [
        {_source_name(subject.lowered.values[n]): a for n, a in batch.one(i).items()}
        for i in range(batch.inferences)
    ]
    is_tflite = subject.model.suffix.lower() == ".tflite"
    judge = _judged_by_litert if is_tflite else _judged_by_onnxruntime
    said = judge(subject, inputs, whole)
    missing = tuple(
        f"{c.right}, {c.what}: no tensor of the file has a counterpart here"
        for c in said.comparisons
        if c.tensors == 0
    )
    compared = tuple(c for c in said.comparisons if c.tensors)
    return Judged(compared, _agreements(subject.lowered, said.outputs), missing, said.notes)


def _agreements(graph: Graph, outputs: Sequence[Sequence[Pair]]) -> tuple[Agreement, ...]:
    """outputs [inferences][network outputs]"""
    found: list[Agreement] = []
    # What LiteRT keeps from run to run is no output of its own.
    is_whole = not outputs or len(outputs[0]) == len(graph.outputs)
    for name, *pairs in zip(graph.outputs if is_whole else graph.results, *outputs, strict=True):
        quantisation = graph.values[name].quantisation
        zero = quantisation.zero_point if quantisation is not None else 0
        found.append(agreement(pairs[0].tensor, pairs, zero))
    return tuple(found)


def _judged_by_litert(
    subject: Subject, inputs: list[dict[str, Array]], whole: Sequence[Values]
) -> _Said:
    from tilewright.run.judges.litert import LiteRt

    judge = LiteRt(subject.model)
    graph = subject.lowered
    states = [state.before for state in graph.states]
    tensors: list[Pair] = []
    outputs: list[list[Pair]] = []
    for feed, values in zip(inputs, whole, strict=True):
        theirs = judge.tensors(feed, kept={_source_name(graph.values[n]) for n in states})
        is_real = {name: array.dtype.kind == "f" for name, array in theirs.items()}
        for node, name, ours in _ours(graph, values, is_real):
            if name in theirs:
                tensors.append(Pair(node, name, _as_stored(ours, theirs[name]), theirs[name]))
        names = [(name, _source_name(graph.values[name])) for name in graph.results]
        outputs.append(
            [
                Pair(OUTPUT, known, _as_stored(values[name], theirs[known]), theirs[known])
                for name, known in names
            ]
        )
    promise = Tolerance.ONE_STEP if has_float_layers(graph) else Tolerance.EXACT
    is_own = graph.contract in (Contract.TFLITE, Contract.FLOAT32)
    tolerance = promise if is_own else Tolerance.REPORTED
    return _Said([compare((DEFINITION, "LiteRT"), "every tensor", tensors, tolerance)], outputs)


def _judged_by_onnxruntime(
    subject: Subject, inputs: list[dict[str, Array]], whole: Sequence[Values]
) -> _Said:
    # It needs onnx, which takes as long to import as a small network to compile.
    from tilewright.run.judges.onnxruntime import OnnxRuntime

    judge = OnnxRuntime(subject.model)
    graph = subject.lowered
    layers: list[Pair] = []
    stretches: list[Pair] = []
    outputs: list[list[Pair]] = []
    for feed, values in zip(inputs, whole, strict=True):
        known = {name: (node, ours) for node, name, ours in _ours(graph, values)}
        judged = judge.layers(feed, {name: ours for name, (_, ours) in known.items()})
        for name in (n for n in known if n in judged):
            layer = judged[name]
            # One step of a rounding on the way is a large part of a real number.
            roundings = 0 if layer.ours.dtype.kind == "f" else 1
            of_one = layers if layer.roundings <= roundings else stretches
            of_one.append(Pair(known[name][0], name, layer.ours, layer.theirs))
        outputs.append(
            [
                Pair(OUTPUT, known_as, _as_stored(values[name], array), array)
                for name, (known_as, array) in zip(
                    graph.outputs, judge.outputs(feed).items(), strict=True
                )
            ]
        )
    everything = [pair for inference in outputs for pair in inference]
    return _Said(_promised(graph.contract, layers, stretches, everything), outputs, judge.notes)


def _promised(
    contract: Contract, layers: list[Pair], stretches: list[Pair], outputs: list[Pair]
) -> list[Comparison]:
    """A layer keeps its promise on equal inputs; what differences grow to is reported apart.

    stretches  of several layers, where a tensor in between is not ours to give: one step of the
               first may be many of the last, so that nobody is at fault
    """
    is_own = contract in (Contract.ONNX, Contract.FLOAT32)
    tolerance = Tolerance.ONE_STEP if is_own else Tolerance.REPORTED
    whole = Tolerance.EXACT if contract is Contract.FLOAT32 else Tolerance.REPORTED
    parties = (DEFINITION, "ONNX Runtime")
    comparisons = [compare(parties, "each layer, equal inputs", layers, tolerance)]
    if stretches:
        what = "several layers at once (drift)"
        comparisons.append(compare(parties, what, stretches, Tolerance.REPORTED))
    return [*comparisons, compare(parties, "network outputs", outputs, whole)]


def _ours(
    graph: Graph, values: Values, is_real: Mapping[str, bool] = NOTHING_KNOWN
) -> Iterator[tuple[str, str, Array]]:
    """Node, source tensor name and array in the source's layout, for each tensor of the file.

    Where several nodes hold the same source tensor the last one holds it as the file stores it.
    is_real  whether the third party holds real numbers under a name; nodes that hold others of
             them, to compute with, are left out
    """
    holders: dict[str, Node] = {}
    for node in graph.nodes:
        value = graph.values[node.output]
        name = _source_name(value)
        if value.origin is not None and is_real.get(name, value.type.dtype.is_float) is (
            value.type.dtype.is_float
        ):
            holders[name] = node
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
