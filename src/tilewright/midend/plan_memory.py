"""Assignment to Plan: tiles, residency, order and memory in one go, with and without DMA.

What fits as it is stays as it is. Otherwise candidates are made (``fuse`` for one memory,
``candidates`` for a near and a far one), and ``plan_jointly`` chooses among them.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from tilewright.errors import CapacityError, OptionError
from tilewright.ir.graph import Graph
from tilewright.ir.pins import Pin, Pins
from tilewright.ir.plan import Assignment, Plan, Proof
from tilewright.ir.target import Target
from tilewright.midend.choice.candidates import EFFORTS, Candidates
from tilewright.midend.choice.conflicts import Requirement, conflict, smallest
from tilewright.midend.choice.fuse import Fusion
from tilewright.midend.choice.paths import Paths
from tilewright.midend.choice.plan_jointly import Search, too_small
from tilewright.midend.choice.sequence import sequence
from tilewright.midend.choice.ways import Way
from tilewright.midend.memory.allocate import place
from tilewright.midend.pins import is_kept
from tilewright.midend.places import Places, choices_of_places, settled
from tilewright.midend.refusals.impossible import refuse_impossible, refuse_large_ends
from tilewright.midend.refusals.refusal import refusal
from tilewright.midend.refusals.remedies import Core, Doctor, Grow, Request, no_core, no_other
from tilewright.midend.tiling.cut import whole_cut

log = logging.getLogger(__name__)

SOLVING: Mapping[str, float] = {"quick": 0.0, "normal": 2.0, "best": 20.0}
"""Deterministic time of one solve, by effort; about as many seconds. Without any, the shortest path
is the plan."""


ALL_ROOM = 1 << 62
"""Bytes; no memory keeps any for constants."""

MOST_ROOM_MADE = 4
"""Tries to plan with ever fewer constants in the memory that holds activations, too."""


def plan_memory(
    graph: Graph, assignment: Assignment, target: Target, effort: str = "normal"
) -> Plan:
    """The fastest plan that was found to fit; of equals, the one that moves and needs least.

    effort  quick, normal or best: how many steps may be computed together, how long to solve
    Raises CapacityError where a memory's arena exceeds its size, with a size that would do.
    """
    found = plan_or_shortage(Request(graph, assignment, target, effort))
    if isinstance(found, Plan):
        return found
    raise found.refusal()


def plan_or_shortage(request: Request) -> "Plan | Shortage":
    """The same, with the explanation of a refusal left for when it is wanted.

    Raises CapacityError where no memory would be large enough.
    """
    if request.effort not in EFFORTS:
        raise OptionError(f"--effort {request.effort}: there are {', '.join(EFFORTS)}")
    found = _plan(request)
    pins = request.assignment.pins
    return replace(found, pins=pins) if isinstance(found, Plan) else found


def find_plan(request: Request) -> Plan | None:
    """A plan; None where none was found to fit."""
    found = _plan(request)
    return found if isinstance(found, Plan) else None


@dataclass(frozen=True)
class Shortage:
    """No plan was found to fit.

    find   finds the plan that needs least
    whole  every step at once, where that is a plan
    grow   memory → the plan that needs least of it while the others keep their sizes
    core   the few sentences that cannot all hold
    """

    request: Request
    find: Callable[[], Plan]
    whole: Plan | None = None
    grow: Grow = no_other
    core: Core = no_core

    @cached_property
    def smallest(self) -> Plan:
        """The plan that needs least."""
        return self.find()

    @property
    def excess(self) -> int:
        """Bytes by which it exceeds all memories together."""
        return sum(
            max(self.smallest.used(memory.name) - memory.size, 0)
            for memory in self.request.target.memories
            if memory.size is not None
        )

    def refusal(self) -> CapacityError:
        """What is said about it; what is named as a remedy has been planned."""
        doctor = Doctor(self.request, self.smallest, find_plan, self.grow, self.core)
        return CapacityError(refusal(doctor, self.whole))


def _plan(request: Request) -> Plan | Shortage:
    """The plan in the closest home that is large enough; where none is, what the closest lacks."""
    graph, steps, target = request.graph, request.assignment.steps, request.target
    lacks: list[Shortage | CapacityError] = []
    for places in choices_of_places(graph, steps, target):
        found = _plan_in(request, places)
        if isinstance(found, Plan):
            return found
        lacks.append(found)
    first = lacks[0]
    if isinstance(first, CapacityError):
        raise first
    return first


def _plan_in(request: Request, places: Places) -> Plan | Shortage | CapacityError:
    """With one home. Where activations do not fit beside constants, constants make room."""
    plan = _plan_in_one if places.is_one_memory else _plan_near_and_home
    lack: Shortage | CapacityError | None = None
    spare: dict[str, int] = {}
    for _ in range(MOST_ROOM_MADE):
        try:
            found = plan(request, places)
        except CapacityError as error:
            found = error
        if isinstance(found, Plan):
            return found
        lack = lack or found
        wanted = {name: _room_wanted(found, places, name) for name in places.taken}
        if all(wanted[name] <= spare.get(name, 0) for name in wanted):
            break
        spare |= wanted
        places = settled(
            request.graph, request.assignment.steps, request.target, places.home, spare
        )
    assert lack is not None, "there was at least one try"
    return lack


def _room_wanted(lack: Shortage | CapacityError, places: Places, memory: str) -> int:
    """Bytes of a memory that constants should leave: what the smallest plan needs; where nothing
    can be planned, all that is neither near nor home, for what passes through."""
    if isinstance(lack, Shortage):
        return lack.smallest.arena_bytes.get(memory, 0)
    return ALL_ROOM if memory not in (places.near.name, places.home.name) else 0


def _plan_in_one(request: Request, places: Places) -> Plan | Shortage:
    graph, assignment, target = request.graph, request.assignment, request.target
    cuts = tuple(whole_cut(time, step) for time, step in enumerate(assignment.steps))
    plan = place(graph, cuts, places)
    short = too_small(plan, target)
    if short is None:
        cycles = sum(cut.cycles for cut in cuts)
        return replace(plan, proof=Proof(cycles, cycles))
    refuse_large_ends(graph, places, plan.arena_bytes[places.near.name])
    fusion = Fusion(graph, assignment.steps, places, assignment.pins)
    found = search_in_one(fusion, request.effort).fastest()
    if found is not None:
        return found
    return Shortage(
        request, lambda: _smallest(fusion, plan), plan,
        core=lambda: _core(
            lambda: search_in_one(fusion.without_pins(), request.effort), assignment.pins
        ),
    )  # fmt: skip


def search_in_one(fusion: Fusion, effort: str) -> Search:
    """What to choose from in one memory. Tiles for somewhat less memory are there for where places
    cannot be found, tiles for more for another issue order; where nothing fits in base order, also
    the smallest ones, for another order and for explanations."""
    size = fusion.places.room(fusion.memory)
    assert size is not None, "what nothing limits is never short"
    limits = [size * share // 16 for share in (18, 16, 15, 14)]
    if fusion.cheapest(size) is None:
        limits.append(fusion.least())
    ways = {id(way.cut): way for limit in limits for way in fusion.within(limit)}
    return Search(
        fusion.net, fusion.steps, fusion.places, [*ways.values()], fusion.cheapest, SOLVING[effort]
    )


def _plan_near_and_home(request: Request, places: Places) -> Plan | Shortage:
    assignment, target, effort = request.assignment, request.target, request.effort
    refuse_large_ends(request.graph, places, None)
    candidates = Candidates(
        request.graph, assignment.steps, places, EFFORTS[effort], pins=assignment.pins
    )
    plan = search_in_two(candidates, effort).fastest()
    if plan is not None:
        return plan
    candidates = replace(candidates, is_lean=True)
    refuse_impossible(candidates)
    search = search_in_two(candidates, effort)
    plan = search.fastest() or _last_resort(candidates, search)
    if too_small(plan, target) is None:
        return plan
    return Shortage(
        request, lambda: plan, grow=lambda name: smallest(search, name),
        core=lambda: _core(
            lambda: search_in_two(candidates.without_pins(), effort), assignment.pins
        ),
    )  # fmt: skip


def _core(free: Callable[[], Search], pins: Pins) -> tuple[str, ...]:
    """What conflicts, of the rows of memory and the pins. ``free``: a search without pins."""

    def breaks(pin: Pin) -> Callable[[Way], bool]:
        return lambda way: not is_kept(pin, way.cut.steps, way.cut.group)

    return conflict(free(), [Requirement(str(pin), breaks(pin)) for pin in pins])


def _last_resort(candidates: Candidates, search: Search) -> Plan:
    """The plan that needs least near memory; if only the far one is too small for it, the plan that
    needs least of that."""
    places, near = candidates.places, candidates.memory
    plan = _smallest_near(candidates)
    fits_near = near.size is None or plan.used(near.name) <= near.size
    if fits_near and too_small(plan, places.target) is not None:
        plan = smallest(search, places.home.name) or plan
    return plan


def search_in_two(candidates: Candidates, effort: str) -> Search:
    """What to choose from where a near memory is filled from a far one."""
    net, ways = candidates.net, candidates.ways
    log.info("planning: %d ways to compute %d steps", len(ways), len(net.steps))
    path = Paths(net, ways).cheapest
    return Search(net, candidates.steps, candidates.places, ways, path, SOLVING[effort])


def _smallest(fusion: Fusion, whole: Plan) -> Plan:
    """The plan with the smallest arena that was found in any way."""
    ways = fusion.cheapest(fusion.least())
    assert ways is not None, "the least limit is one that can be met; this is a bug in tilewright"
    cuts, name = sequence(fusion.net, fusion.steps, ways), fusion.memory.name
    plans = place(fusion.graph, cuts, fusion.places), whole
    return min(plans, key=lambda plan: plan.arena_bytes[name])


def _smallest_near(candidates: Candidates) -> Plan:
    paths = Paths(candidates.net, candidates.ways)
    ways = paths.cheapest(paths.least(candidates.memory.align))
    assert ways is not None, "the least limit is one that can be met; this is a bug in tilewright"
    return place(
        candidates.graph, sequence(candidates.net, candidates.steps, ways), candidates.places
    )
