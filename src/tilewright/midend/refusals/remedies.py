"""What would make a request fit: every remedy has been planned before it is named."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from tilewright.ir.graph import Graph
from tilewright.ir.pins import Pin, PinKind, Pins
from tilewright.ir.plan import Assignment, Plan
from tilewright.ir.target import Memory, Role, Target
from tilewright.midend.assign import assign
from tilewright.midend.summary import check_summary

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """What was to be planned."""

    graph: Graph
    assignment: Assignment
    target: Target
    effort: str

    def with_sizes(self, sizes: dict[str, int | None]) -> "Request":
        """The same in other memories."""
        memories = (replace(m, size=sizes.get(m.name, m.size)) for m in self.target.memories)
        return replace(self, target=replace(self.target, memories=tuple(memories)))

    def with_pins(self, pins: Pins) -> "Request":
        """The same with other requirements of the user's."""
        return replace(self, assignment=assign(self.graph, self.target, pins))


Planner = Callable[[Request], Plan | None]
"""The plan for a request; None where none was found to fit."""

Grow = Callable[[str], Plan | None]
"""From the name of a memory to the plan that needs least of it while all others keep their sizes;
None where more of this one does not help."""


Core = Callable[[], tuple[str, ...]]
"""The few sentences that cannot all hold, as the solver says them; empty where it does not know."""


def no_other(memory: str) -> None:
    """Where there is one memory."""
    del memory


def no_core() -> tuple[str, ...]:
    """Where no solver was asked."""
    return ()


@dataclass(frozen=True)
class Doctor:
    """Tries what would help.

    best  the smallest plan that was found, too large for at least one memory
    """

    request: Request
    best: Plan
    planner: Planner
    grow: Grow = no_other
    core: Core = no_core

    @property
    def too_small(self) -> tuple[Memory, ...]:
        """The memories that the smallest plan exceeds."""
        return self._exceeded(self.best)

    def _exceeded(self, plan: Plan) -> tuple[Memory, ...]:
        return tuple(
            m
            for m in self.request.target.memories
            if m.size is not None and plan.arena_bytes.get(m.name) and plan.used(m.name) > m.size
        )

    def requirements(self) -> tuple[str, ...]:
        """The few sentences that cannot all hold: without any of them there would be a plan."""
        core = self.core()
        if len(core) > 1:
            return core
        sizes = [f"{m.name} has {m.size:,} B" for m in self.too_small]
        others = [f"{memory.name} has {memory.size:,} B" for memory, _ in self._helpful_memories]
        pins, _ = self._guilty
        return (*sizes, *others, *map(str, pins))

    def remedies(self) -> Iterator[str]:
        """What was tried and fits, the smallest change first."""
        _, freed = self._guilty
        for pins in freed:
            yield f"without {' and '.join(map(str, pins))}"
        for memory, size in self._helpful_memories:
            assert memory.size is not None
            more = size - memory.size
            given = size + memory.reserved
            yield f"{memory.name} {more:,} B larger (--memory {memory.name}={given})"
        yield self._larger()

    def _larger(self) -> str:
        """The sizes with which the smallest plan fits, judged like any plan."""
        sizes = self._judged(self.best, self.too_small)
        grown = (f"{m.name} {sizes[m.name] - m.size:,} B larger" for m in self.too_small if m.size)
        reserved = {m.name: m.reserved for m in self.too_small}
        option = ",".join(f"{name}={size + reserved[name]}" for name, size in sizes.items())
        return f"{' and '.join(grown)} (--memory {option})"

    def _judged(self, plan: Plan, grown: Iterable[Memory]) -> dict[str, int]:
        """Sizes of some memories in which a plan holds what any plan must hold."""
        sizes = {memory.name: plan.used(memory.name) for memory in grown}
        check_summary(plan, self.request.graph)
        return sizes

    @cached_property
    def _helpful_memories(self) -> list[tuple[Memory, int]]:
        """Other memories of which more would do, and how much would be enough."""
        short = {memory.name for memory in self.too_small}
        found: list[tuple[Memory, int]] = []
        for memory in self.request.target.memories:
            if memory.name in short or memory.size is None or Role.ACTIVATION not in memory.holds:
                continue
            plan = self.grow(memory.name)
            if plan is not None and {m.name for m in self._exceeded(plan)} == {memory.name}:
                found.append((memory, self._judged(plan, (memory,))[memory.name]))
        return found

    @cached_property
    def _guilty(self) -> tuple[Pins, tuple[Pins, ...]]:
        """(pins that conflict with the sizes, sets of pins without which there is a plan)"""
        pins = self.request.assignment.pins
        alone = tuple(pin for pin in pins if self._fits_without((pin,)))
        if alone:
            return alone, tuple((pin,) for pin in alone)
        if len(pins) > 1 and self._fits_without(pins):
            return pins, (pins,)
        return (), ()

    def _fits_without(self, left_out: tuple[Pin, ...]) -> bool:
        pins = tuple(pin for pin in self.request.assignment.pins if pin not in left_out)
        request = self.request
        if any(pin.kind is PinKind.ENGINE for pin in left_out):
            request = request.with_pins(pins)
        else:
            request = replace(request, assignment=replace(request.assignment, pins=pins))
        return self._quickly(request) is not None or self.planner(request) is not None

    def _quickly(self, request: Request) -> Plan | None:
        log.info("plan: looking for what would fit")
        return self.planner(replace(request, effort="quick"))
