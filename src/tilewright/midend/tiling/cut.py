"""A cut: one way to compute a run of steps, whole or tile by tile.

It has kernels, tiles and holds, and all numbers that the choice between cuts needs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tilewright.ir.graph import ValueName
from tilewright.ir.plan import Step, whole_groups
from tilewright.ir.target import Engine, Kernel
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Span
from tilewright.midend.tiling.issue import joined_before
from tilewright.midend.tiling.overlap import Gap, sharing_gap
from tilewright.midend.tiling.travel import Schedule


@dataclass(frozen=True, slots=True)
class Cut:
    """One way to compute the steps of ``group``.

    steps    the run's steps, with the kernels of this way
    cycles   estimated, of all tiles
    macs     multiply-accumulates of all tiles, recomputed halos included
    scratch  bytes per step, of its largest call, of one core
    parts    tensor → bytes of its tile buffer, all copies together
    moved    bytes that are copied between memories
    schedule  what travels and what is computed, tile by tile; None where nothing travels
    early_since  first step of the run behind which early transfers travel
    leaves   whole input → where it may lie, should it die with this run, seen from the output
    """

    group: Group
    steps: tuple[Step, ...]
    cycles: int
    macs: int
    scratch: tuple[int, ...]
    parts: Mapping[ValueName, int]
    leaves: Mapping[ValueName, Gap]
    moved: int = 0
    schedule: Schedule | None = None
    early_since: int | None = None

    @property
    def inner(self) -> frozenset[ValueName]:
        """Tensors that are never whole anywhere."""
        return frozenset(name for name, hold in self.group.holds.items() if hold.is_inside)

    @property
    def span(self) -> Span:
        """The steps of the plan that it covers."""
        return self.group.steps

    def relays(self) -> Iterator[tuple[ValueName, str, int]]:
        """(tensor, memory, bytes of all copies) of buffers on the way between far and near."""
        for travel in self.schedule.travels if self.schedule is not None else ():
            for memory in travel.relays:
                yield travel.name, memory, self.parts[travel.name]

    @property
    def is_whole(self) -> bool:
        """Whether it is one step that is computed at once."""
        return not self.group.order and not self.group.parts and len(self.steps) == 1

    def lives(self, name: ValueName) -> Span:
        """Steps in which an inner tensor's buffer is in use."""
        if name in self.group.early and self.early_since is not None:
            return Span(self.early_since, self.span.stop - self.early_since)
        if self.group.holds[name] is not Hold.LOCAL or self._has_stages:
            return self.span
        joined = joined_before(self.steps, self.group.holds)
        times = [i for i, s in enumerate(self.steps) if name in (*s.node.inputs, s.node.output)]
        stop = max(joined[time] for time in times)
        return Span(self.span.start + times[0], stop - times[0])

    def scratch_lives(self, position: int) -> Span:
        """Steps in which the working memory of one step's kernel is in use."""
        if len(self.steps) == 1 or self._has_stages:
            return self.span
        stop = joined_before(self.steps, self.group.holds)[position]
        return Span(self.span.start + position, stop - position)

    def renamed(self, names: Mapping[ValueName, ValueName], steps: tuple[Step, ...]) -> "Cut":
        """The same way to compute other steps, which differ in names alone."""
        holds = {names[name]: hold for name, hold in self.group.holds.items()}
        return replace(
            self,
            group=replace(self.group, holds=holds),
            steps=steps,
            parts={names[name]: size for name, size in self.parts.items()},
            leaves={names[name]: gap for name, gap in self.leaves.items()},
            schedule=self.schedule and self.schedule.renamed(names),
        )

    @property
    def _has_stages(self) -> bool:
        """Whether some steps work on another tile than others: then all buffers are in use."""
        return any(hold.is_ahead for hold in self.group.holds.values())

    def at(self, start: int) -> "Cut":
        """The same cut, without early transfers, where its run begins as step ``start``."""
        group = replace(self.group, steps=Span(start, self.span.size), early=frozenset())
        return replace(self, group=group, early_since=None)


def whole_cut(time: int, step: Step) -> Cut:
    """The step at ``time`` computed at once."""
    group = replace(whole_groups((step,))[0], steps=Span(time, 1))
    if step.kernel is None or step.engine is None:
        return Cut(group, (step,), 0, 0, (0,), {}, {})
    op, signature = step.node.op, step.signature
    leaves: dict[ValueName, Gap] = {}
    for name in dict.fromkeys(step.node.inputs):
        positions = tuple(i for i, other in enumerate(step.node.inputs) if other == name)
        gap = sharing_gap(step, positions)
        if gap is not None:
            leaves[name] = gap
    cycles = engine_cycles(step.engine, step.kernel, step.kernel.cycles(op, signature))
    return Cut(
        group, (step,), cycles, op.macs(*signature.inputs),
        (step.kernel.scratch_bytes(op, signature),), {}, leaves,
    )  # fmt: skip


def engine_cycles(engine: Engine, kernel: Kernel, alone: int) -> int:
    """One call of a kernel on all cores of an engine, waited for, where its layer has no other.

    alone  the kernel's cycles on one of them
    """
    around = engine.fork_cycles + engine.join_cycles
    return around + engine.fetch_cycles(kernel) + engine.busy_cycles(alone)
