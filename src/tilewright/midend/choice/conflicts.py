"""Why nothing fits: the few requirements that cannot hold together, and sizes that would do.

The same model as for planning, without an objective, with every requirement behind an assumption.
What the solver names as guilty is thinned until nothing can be left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tilewright.ir.plan import Plan
from tilewright.midend.choice.joint import Choice, Joint, Problem
from tilewright.midend.choice.plan_jointly import Search
from tilewright.midend.choice.sequence import sequence
from tilewright.midend.choice.ways import NEVER, Way
from tilewright.midend.memory.allocate import place
from tilewright.midend.solve import Conflict, Solved

EFFORT = 2.0
"""Deterministic time of one solve; about as many seconds."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that was asked for, besides memory sizes.

    because  a sentence with numbers and with what was written, such as "--single-buffer conv_3"
    forbids  the ways that go against it
    """

    because: str
    forbids: Callable[[Way], bool]


def conflict(search: Search, requirements: Sequence[Requirement] = ()) -> tuple[str, ...]:
    """The few sentences that cannot all hold; without any of them, a choice would exist.

    requirements  what was asked for; ``search.candidates`` must still have the ways that go against
                  it
    Sentences are those of the requirements, "L1 holds 4,096 B while conv_3 is computed" for every
    row of memory that takes part, and after each of these "conv_3 needs at least 5,120 B of L1 in
    any way". Empty where a choice exists (places may be missing nevertheless), and where the effort
    was spent.
    """
    problem = search.whole_problem()
    guilty = _core(problem, requirements, None) or ()
    for sentence in guilty:
        others = [other for other in guilty if other != sentence]
        guilty = _core(problem, requirements, others) or guilty
    return tuple(line for sentence in guilty for line in _with_needs(problem, sentence))


def _core(
    problem: Problem, requirements: Sequence[Requirement], allowed: Sequence[str] | None
) -> tuple[str, ...] | None:
    """Sentences in conflict, of those allowed; None where there is none or the effort is spent."""
    joint = Joint(problem, None)
    joint.post()
    for requirement in requirements:
        forbidden = [
            taken for way, taken in zip(problem.ways, joint.taken, strict=True)
            if requirement.forbids(way)
        ]  # fmt: skip
        total = joint.model.total([(taken, 1) for taken in forbidden])
        joint.model.need(total <= 0, requirement.because)
    found = joint.model.conflict(EFFORT, allowed)
    return found.reasons if isinstance(found, Conflict) else None


def _with_needs(problem: Problem, sentence: str) -> tuple[str, ...]:
    """A sentence on memory, and what the step needs at least."""
    for index, step in enumerate(problem.net.steps):
        for memory in (problem.near, problem.far):
            if not (
                sentence.startswith(f"{memory} holds ") and f" {step.node.name} is" in sentence
            ):
                continue
            if memory == problem.near:
                least = min(_with_inputs(problem, w) for w in problem.ways if index in w.members)
                return sentence, f"{step.node.name} needs at least {least:,} B of {memory}"
    return (sentence,)


def _with_inputs(problem: Problem, way: Way) -> int:
    """Near bytes of a way, all inputs that it wants there included."""
    return way.bytes + problem.net.alive.bytes(way.near - way.dying)


def smallest(search: Search, memory: str) -> Plan | None:
    """The plan that needs least of one memory while the other keeps its size: its arena is a size
    that would do. None where the other memory is too small whatever this one has, and where the
    effort was spent.

    memory  the name of the near or of the far memory
    """
    problem, is_near = search.whole_problem(), memory == search.memory.name
    count = len(problem.net.steps)
    if is_near:
        problem = replace(problem, near_limits=None)
    else:
        problem = replace(problem, far_limits=[NEVER] * count)
    choice = _roomiest(problem, is_near=is_near)
    if choice is None:
        return None
    cuts = sequence(search.net, search.steps, [problem.ways[i] for i in choice.ways])
    return place(search.net.graph, cuts, search.places)


def _roomiest(problem: Problem, *, is_near: bool) -> Choice | None:
    """The choice of which the fullest row has the fewest bytes."""
    joint = Joint(problem, None)
    joint.post()
    top = joint.model.variable(0, NEVER)
    for used in joint.tops if is_near else joint.far_tops:
        joint.model.keep(used <= top)
    joint.model.minimise(top)
    solved = joint.model.solve(joint.wish, EFFORT, is_linear=True, explains=False)
    return joint.choice(solved) if isinstance(solved, Solved) else None
