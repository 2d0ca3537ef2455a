"""How good a network is on data: the same as the command line's ``evaluate``, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tilewright.errors import OptionError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.target import Target
from tilewright.ir.types import Array
from tilewright.pipeline import (
    Compilation,
    Options,
    compile_model,
    import_graph,
    load_target,
)
from tilewright.report.accuracy import AccuracyReport
from tilewright.run.accuracy import (
    ClassScore,
    Noise,
    class_scores,
    labels_name,
    labels_of,
    noise_of,
)
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch, first_inferences, match_inputs
from tilewright.run.reals import in_reals, real_values
from tilewright.run.runners import run_bundle
from tilewright.run.subject import evaluate

COMPARED = 16
"""Inferences whose layers are compared; definitions are slow."""

Reals = Mapping[ValueName, Array]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a network is judged by.

    labels      name of the array with one integer per inference; None: y, labels, label or targets,
                where the data have one
    reference   a second model whose numbers are the reference; None: the network itself in reals
    inferences  at most so many of the data, the first ones; None: all
    """

    labels: str | None = None
    reference: Path | None = None
    inferences: int | None = None


def evaluate_network(
    model: Path | str,
    data: Mapping[str, Array],
    target: Target | str = "host",
    options: Options = Options(),
    judged: Judged = Judged(),
) -> AccuracyReport:
    """Accuracy on the target, and the noise of every layer by the integers' definitions.

    Raises CompileError where the model, an array or an option is at fault.
    """
    loaded = load_target(target) if isinstance(target, str) else target
    made = compile_model(Path(model), loaded, options)
    if made.graph.states:
        raise OptionError(
            f"{model}: it keeps {len(made.graph.states)} states from run to run, and evaluate "
            "takes each inference by itself; give sequences to run, or compile without --state"
        )
    named = labels_name(data, judged.labels)
    whole = match_inputs(made.graph, {n: a for n, a in data.items() if n != named})
    batch = first_inferences(whole, judged.inferences or whole.inferences)
    host = HostOptions(repeat=1)
    result = run_bundle(made.bundle, made.program, loaded.toolchain, batch, host)
    scores: tuple[ClassScore, ...] = ()
    if named is not None:
        labels = labels_of(named, data[named], whole.inferences)[: batch.inferences]
        scores = class_scores(result.outputs[made.program.outputs[0].value.name], labels)
    compared = first_inferences(batch, COMPARED)
    against = "float" if judged.reference is None else str(judged.reference)
    layers, outputs, same_top = _noise(made, compared, judged.reference)
    return AccuracyReport(
        str(model), loaded.name, made.graph.contract.value, batch.inferences, scores, against,
        compared.inferences, same_top, layers, outputs,
    )  # fmt: skip


def _noise(
    made: Compilation, batch: Batch, reference: Path | None
) -> tuple[tuple[Noise, ...], tuple[Noise, ...], int]:
    """(layers, outputs, inferences with the same largest element of the first output)"""
    source = made.source
    other = source if reference is None else import_graph(reference)
    theirs: list[Reals] = []
    ours: list[Reals] = []
    for index in range(batch.inferences):
        stored = evaluate(made.graph, batch.one(index))
        reals = _inputs_in_reals(source, made.graph, batch.one(index))
        theirs.append(real_values(other, _inputs_of(other, source, reals)))
        ours.append(_in_reals(source, made.graph, stored))
    common = [
        node for node in source.nodes
        if node.output in ours[0] and node.output in theirs[0]
        and ours[0][node.output].shape == theirs[0][node.output].shape
        and ours[0][node.output].dtype.kind == "f"
    ]  # fmt: skip
    layers = tuple(
        noise_of(n.name, type(n.op).__name__, _pairs(ours, theirs, (n.output, n.output)))
        for n in common
    )
    results = list(zip(source.results, other.results, strict=False))
    outputs = tuple(noise_of(names[0], "", _pairs(ours, theirs, names)) for names in results)
    firsts = _pairs(ours, theirs, results[0])
    return layers, outputs, sum(int(a.argmax() == b.argmax()) for a, b in firsts)


def _pairs(
    ours: Sequence[Reals], theirs: Sequence[Reals], names: tuple[ValueName, ValueName]
) -> list[tuple[Array, Array]]:
    found = [(a[names[0]], b[names[1]]) for a, b in zip(ours, theirs, strict=True)]
    if found and found[0][0].shape != found[0][1].shape:
        raise OptionError(
            f"{names[0]} is {list(found[0][0].shape)}, {names[1]} of the reference "
            f"{list(found[0][1].shape)}: not the same network"
        )
    return found


def _inputs_in_reals(source: Graph, graph: Graph, stored: Reals) -> Reals:
    """Inputs by the source's names; both graphs have them in the same order."""
    return {
        name: in_reals(source.values[name], stored[ours])
        for name, ours in zip(source.given, graph.given, strict=True)
    }


def _inputs_of(other: Graph, source: Graph, reals: Reals) -> Reals:
    """The same for a reference: by order. Raises OptionError where shapes differ."""
    if other is source:
        return reals
    found: dict[ValueName, Array] = {}
    for mine, theirs in zip(source.given, other.given, strict=False):
        shape = other.type(theirs).shape
        if reals[mine].shape != shape:
            raise OptionError(
                f"input {mine} is {list(reals[mine].shape)}, {theirs} of the reference "
                f"{list(shape)}: give a reference with the same inputs"
            )
        found[theirs] = reals[mine]
    missing = [name for name in other.given if name not in found]
    if missing:
        raise OptionError(f"the reference wants {', '.join(missing)}, too")
    return found


def _in_reals(source: Graph, graph: Graph, stored: Reals) -> dict[ValueName, Array]:
    """What the integers say, of every value that both graphs have in one form; results by order."""
    found = {
        name: in_reals(source.values[name], stored[name])
        for name in stored
        if name in source.values and source.type(name) == graph.type(name)
    }
    for mine, theirs in zip(source.results, graph.results, strict=True):
        value = replace(source.values[mine], type=graph.type(theirs))
        found[mine] = in_reals(value, stored[theirs])
    return found
