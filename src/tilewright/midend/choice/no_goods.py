"""What a choice that finds no places says about all choices: what must not be taken together.

Buffers that reach beyond the memory are alive during some runs. If these runs, with everything that
is alive meanwhile, provably need too much, the same ways around the same tensors in the same order
are forbidden: nothing that fits is lost. Where that is not proven, the rows of these steps get a
smaller limit instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tilewright.ir.plan import Buffer
from tilewright.ir.target import Memory, Role
from tilewright.ir.types import Span
from tilewright.midend.choice.joint import Choice, NoGood, Problem
from tilewright.midend.memory.allocate import cannot_fit
from tilewright.midend.memory.lifetimes import Leave


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A choice that was placed and exceeds a memory.

    spans    of its runs in the plan, in the order of the choice's ways
    buffers  of that memory, as they were placed
    """

    choice: Choice
    memory: Memory
    spans: Sequence[Span]
    buffers: Sequence[Buffer]
    leaves: Sequence[Leave]

    @property
    def size(self) -> int:
        """Bytes that there are."""
        assert self.memory.size is not None
        return self.memory.size

    def window(self) -> Span:
        """From the first to the last run during which something lies beyond the end."""
        beyond = [b.lifetime for b in self.buffers if b.offset + b.size > self.size]
        hit = [
            index for index, span in enumerate(self.spans)
            if any(_meet(span, life) for life in beyond)
        ]  # fmt: skip
        return Span(hit[0], hit[-1] - hit[0] + 1)

    def within(self, window: Span) -> Iterator[Buffer]:
        """What is alive during some runs, for as long as they take."""
        start, stop = self.spans[window.start].start, self.spans[window.stop - 1].stop
        for buffer in self.buffers:
            first, last = max(buffer.lifetime.start, start), min(buffer.lifetime.stop, stop)
            if first < last:
                yield replace(buffer, lifetime=Span(first, last - first))


def tighter(problem: Problem, misplaced: Misplaced) -> Problem:
    """The problem with as much less memory everywhere as the plan has too much of."""
    return _tighter(problem, misplaced, Span(0, len(misplaced.spans)))


def without(problem: Problem, misplaced: Misplaced) -> Problem:
    """The problem without a choice whose plan exceeds a memory."""
    window = misplaced.window()
    everything = Span(0, len(misplaced.spans))
    for part in dict.fromkeys((window, everything)):
        inside = [*misplaced.within(part)]
        if cannot_fit(problem.net.graph, inside, misplaced.leaves, misplaced.size):
            return replace(
                problem, no_goods=(*problem.no_goods, _no_good(problem, misplaced, part))
            )
    return _tighter(problem, misplaced, window)


def _no_good(problem: Problem, misplaced: Misplaced, part: Span) -> NoGood:
    """Ways of these runs and of the next one, which may have early transfers, around these
    tensors."""
    ways, net = problem.ways, problem.net
    inside = set(misplaced.choice.ways[part.start : part.stop + 1])
    whole = {b.name for b in misplaced.within(part) if b.role is Role.ACTIVATION}
    tensors = [tensor for tensor in net.tensors if tensor in whole]
    steps = [m for i in misplaced.choice.ways[part.start : part.stop] for m in ways[i].members]
    order = [member for i in misplaced.choice.ways for member in ways[i].members]
    at = {step: position for position, step in enumerate(order)}
    earlier = {
        (a, b) if at[a] < at[b] else (b, a)
        for a in steps for b in order if a != b and problem.is_free
    }  # fmt: skip
    is_near = misplaced.memory.name == problem.near
    makers = {net.makers[tensor] for tensor in tensors if tensor in net.makers}
    if not is_near:
        inside |= {i for i in misplaced.choice.ways if makers & {*ways[i].members}}
    near = tensors if is_near else []
    return NoGood(frozenset(inside), frozenset(near), frozenset(earlier))


def _tighter(problem: Problem, misplaced: Misplaced, window: Span) -> Problem:
    """Less memory for the steps of these runs."""
    reach = max(buffer.offset + buffer.size for buffer in misplaced.buffers)
    ways = misplaced.choice.ways[window.start : window.stop]
    steps = {member for i in ways for member in problem.ways[i].members}

    def lowered(limits: Sequence[int] | None) -> list[int] | None:
        if limits is None:
            return None
        excess = reach - misplaced.size
        return [limit - excess if s in steps else limit for s, limit in enumerate(limits)]

    if misplaced.memory.name == problem.near:
        return replace(problem, near_limits=lowered(problem.near_limits))
    return replace(problem, far_limits=lowered(problem.far_limits))


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.stop and other.start < one.stop
