"""Issue order: among all orders that respect data flow, one whose largest step needs least memory.

A search over sets of finished steps. The key is the peak so far, so that the first complete order
that comes out is the best; the search starts from a peak that no order can beat, and most networks
(chains, and residual blocks in the file's order) meet it without any search. Where the search would
be too long, the better one of the file's order and a greedy one is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Step
from tilewright.midend.dataflow import predecessors
from tilewright.midend.memory.lifetimes import activation_reads, storage_of
from tilewright.midend.tiling.overlap import Gap, joint_extent, sharing_gap

MAX_EXPANSIONS = 5_000
"""Sets of finished steps to look at before the better simple order is kept; half a second."""


def issue_order(graph: Graph, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps, reordered only where that makes the largest step's live bytes smaller."""
    search = _Search.of(graph, steps)
    best = tuple(range(len(steps)))
    if search.peak(best) > search.floor():
        best = min(best, search.quick_order(), key=search.peak)
        best = search.best_order(beat=search.peak(best)) or best
    return tuple(steps[index] for index in best)


@dataclass(frozen=True, slots=True)
class _Move:
    """One step as the search sees it; tensors by the value that owns the bytes, sets as bit masks.

    made  the tensor that the step makes; None for a view
    reads  (tensor, sharing gap or None) of every activation that the step reads
    after  the steps that must be finished before
    """

    made: ValueName | None
    reads: tuple[tuple[ValueName, Gap | None], ...]
    after: int


class _State(NamedTuple):
    """A set of finished steps; ordered by peak, then by how much is left to do.

    peak   bytes of the largest step so far
    left   minus the number of finished steps
    done   the finished steps, as a bit mask
    last   the step that was finished last
    ready  the steps that may come next, in the file's order
    live   bytes that wait for a reader
    """

    peak: int
    left: int
    done: int
    last: int
    ready: tuple[int, ...]
    live: int


@dataclass(frozen=True, slots=True)
class _Search:
    moves: tuple[_Move, ...]
    next_moves: tuple[tuple[int, ...], ...]
    """Per step, the steps that read what it makes."""
    size: dict[ValueName, int]
    readers: dict[ValueName, int]
    """Bit mask of the steps that read the tensor or a view of it."""
    kept: frozenset[ValueName]
    """Tensors that live to the end."""
    at_start: int
    """Bytes of the graph's inputs."""

    @staticmethod
    def of(graph: Graph, steps: tuple[Step, ...]) -> "_Search":
        shown = storage_of(steps)
        producers = {step.node.output: index for index, step in enumerate(steps)}
        needed = predecessors([step.node for step in steps])
        moves: list[_Move] = []
        readers: dict[ValueName, int] = {}
        followers: list[list[int]] = [[] for _ in steps]
        for index, step in enumerate(steps):
            reads = activation_reads(graph, step, shown)
            for tensor in reads:
                readers[tensor] = readers.get(tensor, 0) | 1 << index
            before = {producers[name] for name in needed[step.node.output]}
            for other in before:
                followers[other].append(index)
            gaps = tuple((tensor, sharing_gap(step, indices)) for tensor, indices in reads.items())
            name = step.node.output
            made = None if step.kernel is None or name in shown else name
            moves.append(_Move(made, gaps, sum(1 << other for other in before)))
        tensors = [*graph.inputs, *(move.made for move in moves if move.made is not None)]
        size = {name: graph.type(name).nbytes for name in tensors}
        return _Search(
            tuple(moves), tuple(map(tuple, followers)), size, readers,
            frozenset(shown.get(name, name) for name in graph.outputs),
            sum(size[name] for name in graph.inputs if name in readers or name in graph.outputs),
        )  # fmt: skip

    def floor(self) -> int:
        """A peak that no order can beat: each step alone, everything shared that may be."""
        return max((self._together(move, dict(move.reads)) for move in self.moves), default=0)

    def peak(self, order: Sequence[int]) -> int:
        """Live bytes of the largest step."""
        done, live, peak = 0, self.at_start, 0
        for index in order:
            used, live = self._run(index, done, live)
            peak, done = max(peak, used), done | 1 << index
        return peak

    def quick_order(self) -> tuple[int, ...]:
        """Always the step that leaves the smallest peak, then the fewest live bytes."""
        order: list[int] = []
        state = self._start()
        while state.ready:
            state = min(self._following(state), key=lambda s: (s.peak, s.live, s.last))
            order.append(state.last)
        return tuple(order)

    def _start(self) -> "_State":
        ready = tuple(index for index, move in enumerate(self.moves) if not move.after)
        return _State(self.floor(), 0, 0, -1, ready, self.at_start)

    def best_order(self, beat: int) -> tuple[int, ...] | None:
        """Steps in an order with the smallest peak, if one is below ``beat`` bytes.

        None where there is none, and where the search is too long.
        """
        queue = [self._start()]
        came_from: dict[int, int] = {}
        while queue and len(came_from) < MAX_EXPANSIONS:
            state = heappop(queue)
            if state.done in came_from:
                continue
            came_from[state.done] = state.last
            if not state.ready:
                return _walk(came_from, state.done)
            for following in self._following(state):
                if following.peak < beat and following.done not in came_from:
                    heappush(queue, following)
        return None

    def _following(self, state: "_State") -> Iterator["_State"]:
        """The states that one more step may lead to."""
        tried = [(index, *self._run(index, state.done, state.live)) for index in state.ready]
        # Nothing is lost by doing at once what raises neither the peak nor the live bytes.
        free = next((t for t in tried if t[1] <= state.peak and t[2] <= state.live), None)
        for index, used, live in tried if free is None else (free,):
            done = state.done | 1 << index
            opened = (i for i in self.next_moves[index] if not self.moves[i].after & ~done)
            ready = tuple(sorted({*state.ready, *opened} - {index}))
            yield _State(max(state.peak, used), state.left - 1, done, index, ready, live)

    def _run(self, index: int, done: int, live: int) -> tuple[int, int]:
        """(bytes during the step, bytes live after it)."""
        move, after = self.moves[index], done | 1 << index
        dying = {
            tensor: gap
            for tensor, gap in move.reads
            if tensor not in self.kept and not self.readers[tensor] & ~after
        }
        freed = sum(self.size[tensor] for tensor in dying)
        during = live - freed + self._together(move, dying)
        is_read = move.made is not None and (move.made in self.kept or move.made in self.readers)
        made = self.size[move.made] if move.made is not None and is_read else 0
        return during, live - freed + made

    def _together(self, move: _Move, inputs: dict[ValueName, Gap | None]) -> int:
        """Bytes of a step's output and of these of its inputs, sharing what may be shared."""
        apart = sum(self.size[t] for t, gap in inputs.items() if gap is None)
        shared = [(self.size[t], gap) for t, gap in inputs.items() if gap is not None]
        return apart + joint_extent(self.size[move.made] if move.made is not None else 0, shared)


def _walk(came_from: dict[int, int], done: int) -> tuple[int, ...]:
    """The order in which the steps of ``done`` were taken."""
    order: list[int] = []
    while done:
        order.append(came_from[done])
        done &= ~(1 << came_from[done])
    return tuple(reversed(order))
