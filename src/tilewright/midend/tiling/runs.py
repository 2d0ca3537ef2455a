"""Runs of steps that may be computed together, and what their tiles ask of kernels and memory."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import ceil

from tilewright.ir.geometry import (
    common,
    is_contiguous,
    is_empty,
    region_bytes,
)
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.op import Reduced
from tilewright.ir.plan import Step
from tilewright.ir.target import (
    Engine,
    Target,
    WholeAxis,
)
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Region, Shape, Span, TensorType
from tilewright.midend.tiling.cut import Cut
from tilewright.midend.tiling.distances import smallest_distance_of_tiles
from tilewright.midend.tiling.growing import growing_tensors, grows_evenly
from tilewright.midend.tiling.issue import TOGETHER, Do, Handover, Slot, is_queued, slots_of
from tilewright.midend.tiling.limits import is_willing
from tilewright.midend.tiling.overlap import Gap
from tilewright.midend.tiling.tiles import (
    Reader,
    Tile,
    readers_of_run,
    reduced_extent,
    tiles_of_run,
)
from tilewright.midend.tiling.tilings import Tiling, Tilings
from tilewright.midend.tiling.travel import Schedule


@dataclass(frozen=True, slots=True)
class Work:
    """What the kernels of a run do.

    cycles   step's output → cycles of its call for each tile; 0 where a tile has none
    macs     of all tiles, recomputed halos included
    scratch  bytes per step, of its largest call, of one core
    """

    cycles: Mapping[ValueName, tuple[int, ...]]
    macs: int
    scratch: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Steps that may be computed together.

    members  in an order that the data allow; all of them have kernels
    start    the first one's position in the plan
    tilings  what is known about this run and others
    """

    graph: Graph
    members: tuple[Step, ...]
    start: int
    tilings: Tilings = field(default_factory=Tilings)
    _slots: dict[tuple[tuple[Hold, ...], bool], tuple[Slot, ...]] = field(
        default_factory=dict[tuple[tuple[Hold, ...], bool], tuple[Slot, ...]]
    )
    _readers: list[Reader] = field(default_factory=list[Reader])
    _distances: dict[tuple[int, ValueName], int] = field(
        default_factory=dict[tuple[int, ValueName], int]
    )

    @property
    def output(self) -> TensorType:
        """What the run makes."""
        return self.members[-1].signature.output

    @property
    def types(self) -> dict[ValueName, TensorType]:
        """Of every tensor that a step reads or makes."""
        return {name: type_ for step in self.members for name, type_ in _types(step).items()}

    def may_cut(self, axis: int) -> bool:
        """Whether the last step's output can be cut along an axis at all."""
        last = self.members[-1]
        assert last.kernel is not None
        if axis in last.node.op.whole_axes(*last.signature.inputs):
            return False
        return self.output.shape[axis] > 1 and WholeAxis(axis) not in last.kernel.limits

    @property
    def summed(self) -> int:
        """Elements that the first of two steps sums over and may be given in parts; else 0."""
        first = self.members[0]
        extent = reduced_extent(first) if len(self.members) == 2 else 0
        return extent if first.node.op.on_part(Span(0, 1)) is not None else 0

    @property
    def multiplies(self) -> bool:
        """Whether some step sums products of two tensors that are both computed at run time."""
        return any(
            len([name for name in _summed_over(step) if name not in self.graph.constants]) > 1
            for step in self.members
        )

    @property
    def axis(self) -> int | None:
        """The outermost axis that has an extent; None where it must stay whole."""
        axis = next((i for i, extent in enumerate(self.output.shape) if extent > 1), None)
        return axis if axis is not None and self.may_cut(axis) else None

    def rows(self) -> tuple[int, ...]:
        """Sizes of tiles along ``axis`` that make a difference, smallest first."""
        return () if self.axis is None else part_sizes(self.output.shape[self.axis])

    def tile_of(self, rows: int) -> Shape:
        """The output with another extent along ``axis``."""
        shape, axis = self.output.shape, self.axis
        assert axis is not None
        return (*shape[:axis], rows, *shape[axis + 1 :])

    def cut(self, rows: int, target: Target) -> Cut | None:
        """In tiles of ``rows`` where nothing is copied; None where kernels refuse one, or where a
        part of a tensor is not in one piece."""
        axis = self.axis
        assert axis is not None
        inside = self.inside(self.tile_of(rows), (axis,))
        if inside is None or not self.is_possible(inside[0]):
            return None
        group, tiles = inside
        work = self.work(group)
        schedule = self.schedule(group, tiles, work, target)
        return Cut(
            group, self.members, schedule.cycles(), work.macs, work.scratch,
            self.inner_parts(group, 1), self.leaves(group),
        )  # fmt: skip

    def schedule(self, group: Group, tiles: Sequence[Tile], work: Work, target: Target) -> Schedule:
        """What is computed, tile by tile; nothing travels yet."""
        moved = {
            (Do.KEEP, name): tuple(ceil(size / target.kept_bytes_per_cycle) for size in sizes)
            for name, sizes in self.kept(group, tiles).items()
        }
        calls = {(Do.RUN, name): cycles for name, cycles in work.cycles.items()}
        beside = {
            step.node.output: step.engine
            for step in self.members
            if step.engine is not None and step.engine.is_asynchronous
        }
        return Schedule(self.slots(group), len(tiles), calls | moved, beside, (), {})

    def slots(self, group: Group) -> tuple[Slot, ...]:
        """In which order a group issues its actions."""
        tiles = self.tiling(group).tiles
        holds = tuple(group.holds[name] for name in self.types)
        key = holds, is_queued(self.members, group.holds, tiles)
        if key not in self._slots:
            self._slots[key] = slots_of(self.members, group.holds, tiles)
        return self._slots[key]

    def inside(
        self, shape: Shape, order: tuple[int, ...], handover: Handover = TOGETHER, parts: int = 0
    ) -> tuple[Group, tuple[Tile, ...]] | None:
        """A group whose inner tensors are held and whose others are still direct, and its tiles.

        parts  elements that the first step sums per tile; 0: all
        None where a kernel refuses a call, or where nothing would be relayed that should be.
        """
        members = self.members
        inner = {step.node.output for step in members[:-1]}
        passed = {step.node.output for step in members[: handover.steps]} & {
            name for step in members[handover.steps :] for name in step.node.inputs
        }
        holds = dict.fromkeys(self.types, Hold.DIRECT)
        may_carry = len(order) == 1 and not parts
        carried = dict.fromkeys(inner, Hold.CARRIED if may_carry else Hold.LOCAL)
        carried |= dict.fromkeys(passed, handover.hold if may_carry else Hold.PASSED)
        span = Span(self.start, len(members))
        group = Group(span, shape, order, holds | carried, parts=parts)
        tiles = self.tiling(group).tiles
        if may_carry:
            once = {name for name in inner if not _is_needed_again(tiles, name)}
            again = {n: Hold.PASSED if n in passed else Hold.LOCAL for n in once}
            group = replace(group, holds={**group.holds, **again})
        if handover.hold is Hold.RELAYED and Hold.RELAYED not in group.holds.values():
            return None
        tiling = self.tiling(group)
        if not grows_evenly(members, group, tiling.tiles):
            return None
        for step, calls in zip(members, tiling.calls, strict=True):
            if not all(is_willing(step, call) for call in calls.kinds):
                return None
        return group, tiling.tiles

    def tiling(self, group: Group) -> Tiling:
        """The tiles of a group, made once however its steps are computed."""
        carried = frozenset(n for n, hold in group.holds.items() if hold.keeps_rows)
        outputs = tuple(step.node.output for step in self.members)
        key = outputs, group.tile, group.order, group.parts, carried
        if key not in self.tilings:
            if not self._readers:
                self._readers.extend(readers_of_run(self.members))
            tiles = tiles_of_run(self.members, group, self._readers)
            self.tilings[key] = Tiling.of(self.members, tiles)
        return self.tilings[key]

    def is_possible(self, group: Group) -> bool:
        """Whether every kernel finds what it reads and writes in one piece."""
        tiling = self.tiling(group)
        return all(self.finds(name, hold, tiling) for name, hold in group.holds.items())

    def finds(self, name: ValueName, hold: Hold, tiling: Tiling) -> bool:
        """Whether kernels find what they read and write of one tensor in one piece."""
        type_ = self.types[name]
        return all(
            _is_in_one_piece(type_, region, held, hold)
            for held, region in tiling.parts.get(name, ())
        )

    def work(self, group: Group) -> Work:
        """What the kernels do, tile by tile."""
        cycles: dict[ValueName, tuple[int, ...]] = {}
        macs, scratch = 0, [0] * len(self.members)
        for index, (step, calls) in enumerate(
            zip(self.members, self.tiling(group).calls, strict=True)
        ):
            assert step.kernel is not None
            assert step.engine is not None
            costs: list[int] = []
            times = Counter(calls.which)
            for kind, call in enumerate(calls.kinds):
                alone = step.kernel.cycles(call.op, call.signature)
                costs.append(_call_cycles(step.engine, alone))
                macs += call.op.macs(*call.signature.inputs) * times[kind]
                needed = step.kernel.scratch_bytes(call.op, call.signature)
                scratch[index] = max(scratch[index], needed)
            each = [0 if i is None else costs[i] for i in calls.which]
            first = next(at for at, i in enumerate(calls.which) if i is not None)
            if step.engine.queue == 1:  # else the core fetches while the engine works
                each[first] += step.engine.fetch_cycles(step.kernel)
            cycles[step.node.output] = tuple(each)
        return Work(cycles, macs, tuple(scratch))

    def kept(self, group: Group, tiles: Sequence[Tile]) -> dict[ValueName, tuple[int, ...]]:
        """Carried tensor → per tile, bytes of rows that are moved to the front of its buffer."""
        types = self.types
        return {
            name: (
                0,
                *(
                    _moved(types[name], x.held[name], y.held[name], hold)
                    for x, y in pairwise(tiles)
                ),
            )
            for name, hold in group.holds.items()
            if hold.keeps_rows
        }  # fmt: skip

    def inner_parts(self, group: Group, align: int) -> dict[ValueName, int]:
        """Bytes of the tile buffers of every tensor that never leaves the run; two copies of one
        keep ``align``."""
        types, tiles = self.types, self.tiling(group).tiles
        largest = {
            name: max(region_bytes(types[name], r) for r in {tile.held[name] for tile in tiles})
            for name, hold in group.holds.items()
            if hold.is_inside
        }
        return {
            name: size if group.holds[name].copies == 1 else -(-size // align) * align * 2
            for name, size in largest.items()
        }

    def leaves(self, group: Group) -> dict[ValueName, Gap]:
        """Inputs that lie near as the output does, and how closely it may follow them; none where
        lengths are known at run time."""
        output = self.members[-1].node.output
        if group.holds[output] is not Hold.DIRECT or growing_tensors(self.members):
            return {}
        types = self.types
        return {
            name: Gap(-types[name].nbytes, self._distance(group, name))
            for name, hold in group.holds.items()
            if hold is Hold.DIRECT and name != output and name not in self.graph.constants
        }

    def _distance(self, group: Group, name: ValueName) -> int:
        tiling = self.tiling(group)
        key = id(tiling), name
        if key not in self._distances:
            self._distances[key] = smallest_distance_of_tiles(self.members, tiling, name)
        return self._distances[key]


def may_fuse(
    graph: Graph, steps: Sequence[Step], span: Span, lifetimes: Mapping[ValueName, Span]
) -> bool:
    """Whether only the last result of a run is seen outside of it, and one memory serves it."""
    members = steps[span.start : span.stop]
    if any(step.kernel is None for step in members):
        return False
    inner = {step.node.output for step in members[:-1]}
    read = {name for step in members for name in step.node.inputs}
    viewed = {name for s in steps if s.kernel is None for name in (s.node.output, *s.node.inputs)}
    is_one_memory = len({step.engine.near for step in members if step.engine}) == 1
    return (
        is_one_memory
        and inner <= read - viewed - {*graph.outputs}
        and all(lifetimes[name].stop <= span.stop for name in inner)
    )


def _is_in_one_piece(type_: TensorType, part: Shape, held: Shape, hold: Hold) -> bool:
    """Whether a part's bytes follow one another where a kernel finds them; by sizes."""
    if 0 in part:
        return True
    within = type_ if hold.is_whole else TensorType(type_.dtype, held)
    return is_contiguous(within, tuple(Span(0, size) for size in part))


def part_sizes(extent: int) -> tuple[int, ...]:
    """Sizes of parts that give different numbers of them, smallest first; not the whole."""
    return tuple(sorted({-(-extent // count) for count in range(2, extent + 1)}))


def _summed_over(step: Step) -> Iterator[ValueName]:
    """Inputs with a reduced dimension."""
    reads = step.node.op.reads(*step.signature.inputs)
    for name, access in zip(step.node.inputs, reads, strict=True):
        if any(isinstance(how, Reduced) for how in access):
            yield name


def _types(step: Step) -> dict[ValueName, TensorType]:
    node, signature = step.node, step.signature
    types = dict(zip(node.inputs, signature.inputs, strict=True))
    return types | {node.output: signature.output}


def _call_cycles(engine: Engine, alone: int) -> int:
    """One call, on the clock of the core, or of an engine that runs beside it."""
    busy = engine.busy_cycles(alone)
    return busy if engine.is_asynchronous else engine.fork_cycles + busy + engine.join_cycles


def _is_needed_again(tiles: Sequence[Tile], name: ValueName) -> bool:
    return any(not is_empty(common(x.held[name], y.held[name])) for x, y in pairwise(tiles))


def _moved(type_: TensorType, one: Region, two: Region, hold: Hold) -> int:
    """Bytes of what two tiles have in common, where they lie at different places in them, or where
    every tile has a buffer of its own."""
    is_in_front = all(a.start == b.start for a, b in zip(one, two, strict=True))
    is_in_place = is_in_front and hold.copies == 1
    return 0 if is_in_place else region_bytes(type_, common(one, two))
