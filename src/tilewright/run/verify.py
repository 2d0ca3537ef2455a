"""Do the definitions, the generated C and a third party agree on one network? Layer by layer.

The parties: the *definition*, operator by operator as imported and lowered; the same *planned*,
after rewrite rules and pruning, in the arena where the plan puts every tensor; the *generated C*;
and LiteRT's reference kernels (every tensor) or ONNX Runtime (each layer on equal inputs, and the
whole network's outputs).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tilewright.errors import ToolError
from tilewright.ir.graph import Graph, Value, ValueName
from tilewright.ir.types import Array
from tilewright.run.compare import Agreement, Comparison, Pair, Tolerance, compare
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.interpret import Interpretation
from tilewright.run.judged import judge_network
from tilewright.run.result import RunResult
from tilewright.run.runners import run_bundle
from tilewright.run.sequences import evaluate_in_turn, interpret_in_turn, with_states
from tilewright.run.subject import DEFINITION, Subject, has_float_layers

PLANNED, GENERATED = "planned", "generated C"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """Every comparison that was made, and why others were not.

    agreements  of the whole network with the third party, output by output
    notes       which layers the third party judged in another form than the file's, and why
    """

    inferences: int
    comparisons: tuple[Comparison, ...]
    agreements: tuple[Agreement, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every promise is kept."""
        return all(comparison.holds for comparison in self.comparisons)


def verify(subject: Subject, batch: Batch, *, sanitizes: bool, tell: Progress) -> Verification:
    """Compare all parties on every inference of ``batch``.

    Raises ToolError without a C compiler; without the third party's package it is left out.
    """
    tell("evaluating the definitions")
    whole = evaluate_in_turn(subject.lowered, batch)
    planned = interpret_in_turn(subject.program, subject.graph, batch)
    tell("building and running the generated C")
    options = HostOptions(observes=True, sanitizes=sanitizes)
    result = run_bundle(subject.bundle, subject.program, subject.toolchain, batch, options)
    comparisons = [
        _optimised(subject, whole, planned),
        _generated(subject, planned, result),
        _generated_outputs(subject, planned, result),
    ]
    tell("running the third party")
    try:
        judged = judge_network(subject, with_states(subject.lowered, batch, whole), whole)
    except ToolError as missing:
        return Verification(batch.inferences, tuple(comparisons), (), (str(missing),))
    comparisons += judged.comparisons
    return Verification(
        batch.inferences, tuple(comparisons), judged.agreements, judged.skipped, judged.notes
    )


def _own_tolerance(graph: Graph) -> Tolerance:
    return Tolerance.ONE_STEP if has_float_layers(graph) else Tolerance.EXACT


def _optimised(
    subject: Subject, whole: list[dict[ValueName, Array]], planned: list[Interpretation]
) -> Comparison:
    """By name where both have the value whole; the outputs always."""

    def pairs() -> Iterator[Pair]:
        for values, interpretation in zip(whole, planned, strict=True):
            for call in subject.program.observed:
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
            for call, raw in zip(subject.program.observed, layers, strict=True):
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
            for name in result.outputs:
                array = interpretation.outputs[name]
                yield Pair("output", name, array, result.outputs[name][index])

    tolerance = _own_tolerance(subject.graph)
    return compare((PLANNED, GENERATED), "outputs", pairs(), tolerance)
