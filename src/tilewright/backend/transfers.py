"""Which tensors of a group travel, in which tiles, over which channels, into which copy.

A tensor is loaded anew only where a tile needs another region of it than the tile before. With two
copies the loads alternate between them, so that one can be filled while the other is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilewright.ir.geometry import Runs, is_empty, offset_in
from tilewright.ir.graph import ValueName
from tilewright.ir.index import column
from tilewright.ir.plan import Plan, Step
from tilewright.ir.program import Box
from tilewright.ir.tiling import Group
from tilewright.ir.types import Region, TensorType
from tilewright.ops.state import Put

MOST_COUNTS = 7
"""TW_BOX_COUNTS of runtime/tw_box.h."""


def working_groups(plan: Plan) -> tuple[int, ...]:
    """Indices of the groups that compute something; a view does not."""
    return tuple(
        index
        for index, group in enumerate(plan.groups)
        if any(step.kernel for step in plan.steps[group.steps.start : group.steps.stop])
    )


def made_by(plan: Plan, group: Group) -> frozenset[ValueName]:
    """What the group's own steps make."""
    steps = plan.steps[group.steps.start : group.steps.stop]
    return frozenset(step.node.output for step in steps)


def inner_offsets(steps: Sequence[Step]) -> dict[ValueName, int]:
    """Value → bytes from the start of its buffer on, where it lies inside: parts of states and what
    is a view of them."""
    inside: dict[ValueName, int] = {}
    for step in steps:
        if isinstance(step.node.op, Put):
            whole, part = step.node.inputs
            region = step.node.op.writes(step.signature.inputs[1])
            inside[part] = inside.get(whole, 0) + offset_in(step.signature.output, region)
    for step in steps:
        if step.kernel is None and (start := inside.get(step.node.inputs[0])):
            inside[step.node.output] = start
    return inside


@dataclass(frozen=True, slots=True)
class Channels:
    """Numbers for transfers, so that no two that may be under way together share one.

    first  (group, tensor) → its first channel; one per copy follows
    """

    first: Mapping[tuple[int, ValueName], int]
    count: int

    @staticmethod
    def of(plan: Plan) -> "Channels":
        """Early transfers overlap with the group before: they take turns between two ranges."""
        plain: dict[tuple[int, ValueName], int] = {}
        early: dict[tuple[int, ValueName], int] = {}
        most_plain = most_early = 0
        working = working_groups(plan)
        for index in working:
            group = plan.groups[index]
            next_plain = next_early = 0
            for name, hold in group.holds.items():
                if hold.is_copied and name in group.early:
                    early[index, name] = next_early
                    next_early += hold.copies
                elif hold.is_copied:
                    plain[index, name] = next_plain
                    next_plain += hold.copies
            most_plain, most_early = max(most_plain, next_plain), max(most_early, next_early)
        turns = {
            key: most_plain + working.index(key[0]) % 2 * most_early + number
            for key, number in early.items()
        }
        return Channels(plain | turns, most_plain + 2 * most_early)


@dataclass(frozen=True, slots=True)
class Turns:
    """When a tensor's region changes from tile to tile, and which copy each tile uses.

    is_new  per tile: whether it needs another region than the tile that used it last
    side    per tile: the copy
    """

    is_new: tuple[int, ...]
    side: tuple[int, ...]

    @staticmethod
    def of(regions: tuple[Region, ...], copies: int) -> "Turns":
        """An empty region needs nothing and changes nothing: it goes with the next one."""
        is_new: list[int] = []
        side: list[int] = []
        last: Region | None = None
        loads = 0
        for region in regions:
            needs_nothing = is_empty(region)
            fresh = region != last and not needs_nothing
            if fresh:
                last = region
                loads += 1
            is_new.append(int(fresh))
            side.append((loads if needs_nothing else loads - 1) % copies)
        return Turns(tuple(is_new), tuple(side))

    @staticmethod
    def every_tile(tiles: int, copies: int) -> "Turns":
        """Made anew for each tile."""
        return Turns((1,) * tiles, tuple(tile % copies for tile in range(tiles)))


def box_of(name: str, type_: TensorType, regions: tuple[Region, ...]) -> Box:
    """The regions, one per tile, as runs at regular distances."""
    runs = Runs.of(type_, regions)
    assert len(runs.counts) <= MOST_COUNTS, (
        f"{name}: a transfer of {len(runs.counts) + 1} dimensions"
    )
    return Box(column(runs.run), tuple(map(column, runs.counts)), runs.strides)
