"""In which order a run of steps issues its actions: one iteration of its loop over tiles.

Most runs work on one tile at a time (the numbers are shifts of tiles):

    LOAD    inputs with one copy 0, with two copies +1: the next tile travels during the call
    ARRIVE  inputs of tile 0
    KEEP    rows that tile 0 shares with the tile before
    LEAVE   outputs that lie in the copy which the run is about to write: -1 or, of two, -2
    RUN     every step, tile 0
    JOIN    what an engine beside the core makes, before the first action that needs it
    STORE   outputs of tile 0

Where tensors are PASSED or RELAYED, the steps before them are one tile ahead of those behind them::

    NPU      RUN a 1 ------------------> JOIN a        RUN a 2 ----
    core              RUN b 0 --- STORE         LOAD            RUN b 1

An engine that works on calls in order, and lets one wait for the last but one, has the next call
before it is through with this one, where everything has two copies::

    NPU      RUN 0 ------------------> RUN +1 ----
    core              JOIN -1 STORE -1 LOAD +1        RUN +1

The planner's schedules and the back end's layers are both made from what this returns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from tilewright.ir.graph import ValueName
from tilewright.ir.plan import Step
from tilewright.ir.tiling import Hold
from tilewright.midend.tiling.tiles import Tile


class Do(Enum):
    """What is done."""

    LOAD = "start to load"
    ARRIVE = "wait for a load"
    KEEP = "keep rows"
    LEAVE = "wait for a store"
    RUN = "run a step"
    JOIN = "wait for a step"
    STORE = "start to store"


@dataclass(frozen=True, slots=True)
class Slot:
    """In iteration t: ``do`` it for tile t + shift. ``name``: a tensor; a step's is its output."""

    do: Do
    name: ValueName
    shift: int


class Handover(NamedTuple):
    """So many steps of a run are one tile ahead of the others, which find what they made PASSED or
    RELAYED."""

    steps: int
    hold: Hold


TOGETHER = Handover(0, Hold.PASSED)
"""All steps work on the same tile."""


def stages_of(members: Sequence[Step], holds: Mapping[ValueName, Hold]) -> tuple[int, ...]:
    """How many tiles each step of a run is ahead of the last one."""
    stages: dict[ValueName, int] = {}
    for position, step in reversed([*enumerate(members)]):
        name = step.node.output
        of_readers = [
            stages[later.node.output]
            for later in members[position + 1 :]
            if name in later.node.inputs
        ]
        ahead = min(of_readers, default=0) + holds[name].is_ahead
        stages[name] = max([ahead, *of_readers])
    return tuple(stages[step.node.output] for step in members)


def joined_before(members: Sequence[Step], holds: Mapping[ValueName, Hold]) -> tuple[int, ...]:
    """For each step of a run, the position before which it is over, for every tile: what it works
    with must be left alone until then. ``len(members)``: only the end of the run."""
    if any(hold.is_ahead for hold in holds.values()):
        return (len(members),) * len(members)
    return tuple(_joined_before(members, position) for position in range(len(members)))


def slots_of(
    members: Sequence[Step], holds: Mapping[ValueName, Hold], tiles: Sequence[Tile]
) -> tuple[Slot, ...]:
    """One iteration. Loads stand in it that are only needed once, too: those of tile 0."""
    stages = dict(zip((s.node.output for s in members), stages_of(members, holds), strict=True))
    last_ahead = next((s for s in reversed(members) if stages[s.node.output]), None)
    order: tuple[int, ...] = (0,)
    if last_ahead is not None:
        # What an engine beside the core does comes first, so that the core can work meanwhile.
        order = (1, 0) if _is_beside(last_ahead) else (0, 1)
    loads = {n: _stage_of_load(members, stages, n) for n in holds if holds[n].is_copied}
    loads = {name: stage for name, stage in loads.items() if name not in stages}
    slots = [Slot(Do.LOAD, n, stage + holds[n].copies - 1) for n, stage in loads.items()]
    stores = [n for n in holds if holds[n].is_copied and n in stages]
    for stage in order:
        slots += [Slot(Do.ARRIVE, n, stage) for n, at in loads.items() if at == stage]
        carried = [n for n, hold in holds.items() if hold.keeps_rows and stages[n] == stage]
        slots += [Slot(Do.KEEP, n, stage) for n in carried]
        if stage == 0:
            slots += [Slot(Do.LEAVE, n, -holds[n].copies) for n in stores]
        slots += [Slot(Do.RUN, n, stage) for n, at in stages.items() if at == stage]
    slots += [Slot(Do.STORE, n, 0) for n in stores]
    if is_queued(members, holds, tiles):
        return tuple(_queued(members[0].node.output, slots))
    return tuple(_with_joins(members, slots))


def is_queued(
    members: Sequence[Step], holds: Mapping[ValueName, Hold], tiles: Sequence[Tile]
) -> bool:
    """Whether the call of the next tile starts before the one of this tile is over: what changes
    from tile to tile has two copies."""
    engine = members[0].engine
    if len(members) > 1 or len(tiles) < 2 or engine is None or not engine.fetches_ahead:
        return False
    return all(
        not hold.is_copied
        or (hold.copies > 1 and not hold.keeps_rows)
        or all(tile.held[name] == tiles[0].held[name] for tile in tiles)
        for name, hold in holds.items()
    )


def _queued(name: ValueName, slots: Iterable[Slot]) -> Iterator[Slot]:
    """The call for tile 0 first; then the wait for the one before, what that has made leaves, and
    the place of what it has read is free for the next tile."""
    loads = [slot for slot in slots if slot.do is Do.LOAD]
    yield from (slot for slot in slots if slot.do not in (Do.LOAD, Do.STORE))
    yield Slot(Do.JOIN, name, -1)
    yield from (Slot(Do.STORE, slot.name, -1) for slot in slots if slot.do is Do.STORE)
    yield from loads


def _with_joins(members: Sequence[Step], slots: Iterable[Slot]) -> list[Slot]:
    """Every wait for a step as late as the data and the engine allow."""
    if not any(map(_is_beside, members)):
        return [*slots]
    made_by = {step.node.output: step for step in members}
    pending: list[Slot] = []
    found: list[Slot] = []
    for slot in slots:
        due = [run for run in pending if _must_wait(slot, run, made_by)]
        found += [Slot(Do.JOIN, run.name, run.shift) for run in due]
        pending = [run for run in pending if run not in due]
        found.append(slot)
        if slot.do is Do.RUN and _is_beside(made_by[slot.name]):
            pending.append(slot)
    return found + [Slot(Do.JOIN, run.name, run.shift) for run in pending]


def _must_wait(slot: Slot, run: Slot, made_by: Mapping[ValueName, Step]) -> bool:
    """Whether a step that was started must be over before the next action."""
    if slot.do is Do.STORE:
        return slot.name == run.name
    if slot.do is not Do.RUN:
        return False
    step, started = made_by[slot.name], made_by[run.name]
    is_read = run.name in step.node.inputs and slot.shift == run.shift
    return is_read or (_is_beside(step) and step.engine == started.engine)


def _joined_before(members: Sequence[Step], position: int) -> int:
    step = members[position]
    if not _is_beside(step):
        return position + 1
    later = range(position + 1, len(members))
    return next(
        (i for i in later if step.node.output in members[i].node.inputs
         or (_is_beside(members[i]) and members[i].engine == step.engine)), len(members),
    )  # fmt: skip


def _is_beside(step: Step) -> bool:
    return step.engine is not None and step.engine.is_asynchronous


def _stage_of_load(
    members: Sequence[Step], stages: Mapping[ValueName, int], name: ValueName
) -> int:
    """The first stage that reads it."""
    readers = (stages[s.node.output] for s in members if name in s.node.inputs)
    return max(readers, default=0)
