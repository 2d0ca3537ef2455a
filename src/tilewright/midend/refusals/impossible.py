"""What no plan can do: steps that fit no memory, however large, and large inputs or outputs that
must lie in a memory which is smaller than they are."""

from collections.abc import Iterator

from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Step
from tilewright.midend.assign import judge
from tilewright.midend.choice.candidates import Candidates
from tilewright.midend.places import Places
from tilewright.midend.refusals.needs import limit_text

LARGE = 1 << 18
"""Bytes of a tensor from which on a plan takes long to look for. Where smaller ones do not fit, it
is looked for, so that the refusal names the smallest memory that does."""


def refuse_large_ends(graph: Graph, places: Places, whole: int | None) -> None:
    """Raises CapacityError where the network's inputs, or its outputs, are large and alone need
    more than the memory that they lie in.

    whole  bytes of that memory with every step computed at once, where that is a plan
    """
    home, target = places.home, places.target
    room = places.room(home)
    for names, what in ((graph.inputs, "inputs"), (graph.outputs, "outputs")):
        sizes = {name: graph.type(name).nbytes for name in names if name not in graph.constants}
        needed = sum(sizes.values())
        if home.size is None or room is None or needed <= room or max(sizes.values()) < LARGE:
            continue
        listed = "".join(f"\n    {name}  {n:,} B  {graph.type(name)}" for name, n in sizes.items())
        fits = "" if whole is None else (
            "\n  this was tried and fits:"
            f"\n    {home.name} {whole - home.size:,} B larger (--memory {home.name}={whole})"
        )  # fmt: skip
        raise CapacityError(
            f"{home.name} of target '{target.name}': the {what} of the network alone need "
            f"{needed:,} B, {needed - room:,} B more than the {room:,} B that there are"
            f"{listed}\n  they lie there whole, so no plan needs less, and none was looked for"
            f"{fits}"
        )


def refuse_impossible(candidates: Candidates) -> None:
    """Raises CapacityError naming the first step that is in no candidate, and what it must meet."""
    covered = {index for way in candidates.ways for index in way.members}
    for index, step in enumerate(candidates.net.steps):
        if index not in covered:
            must = "".join(f"\n    {said}" for said in _musts(candidates, step))
            raise CapacityError(
                f"{step.node}: no tile of {step.signature.output} can be computed in "
                f"{candidates.memory.name}, whatever its size; each would have to meet{must}"
                if must
                else f"{step.node}: no engine that computes it finds its operands: "
                f"{'; '.join(_out_of_reach(candidates, step))}"
            )


def _out_of_reach(candidates: Candidates, step: Step) -> Iterator[str]:
    """What lies where willing engines do not get at it, in words."""
    places = candidates.places
    engines = {
        verdict.engine.name: verdict.engine
        for verdict in judge(step.node.op, step.signature, places.target)
        if verdict.refusal is None
    }
    for engine in engines.values():
        if not places.is_usable(engine):
            yield f"{engine.name} works in {engine.near}, activations lie in {places.home.name}"
        for name in dict.fromkeys((*step.node.inputs, step.node.output)):
            if not places.serves(engine, name):
                yield f"{name} lies in {places.lies_in(name)}, out of reach of {engine.name}"


def _musts(candidates: Candidates, step: Step) -> list[str]:
    """Requirements of the user's and of the kernel on one step."""
    assert step.kernel is not None
    tensors = {*step.node.inputs, step.node.output}
    pins = [str(p) for p in candidates.pins if p.name == step.node.name or p.name in tensors]
    rank = len(step.signature.output.shape)
    return [*pins, *(limit_text(limit, step.kernel, rank) for limit in step.kernel.limits)]
