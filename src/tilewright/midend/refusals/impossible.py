"""Steps that cannot be computed in any memory of the target, however large."""

from collections.abc import Iterator
from itertools import chain

from tilewright.errors import CapacityError
from tilewright.ir.plan import Step
from tilewright.midend.assign import judge
from tilewright.midend.choice.candidates import Candidates
from tilewright.midend.refusals.needs import limit_text


def refuse_impossible(candidates: Candidates) -> None:
    """Raises CapacityError naming the first step that is in no candidate, and what it must meet."""
    edges = chain(chain.from_iterable(candidates.edges.values()), candidates.apart)
    covered = {index for edge in edges for index in edge.members}
    for index, step in enumerate(candidates.steps):
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
