"""Where everything lies and when: what the mid end decides and the back end obeys.

    Plan = target, [Step in issue order], [Buffer with memory, offset, lifetime], {value: buffer},
           [Group of steps with tiles]

Time is counted in steps: step t runs node t. A buffer lives in the half-open step range
``lifetime``; graph inputs live from step 0, graph outputs to the last step + 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType

from tilewright.ir.graph import Node, ValueName
from tilewright.ir.pins import Pins
from tilewright.ir.target import Engine, Kernel, Role, Signature
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Span

Axes = frozenset[int]
BufferName = NewType("BufferName", str)


@dataclass(frozen=True, slots=True)
class Step:
    """One node on one engine with one kernel; ``kernel`` is None for a view."""

    node: Node
    signature: Signature
    engine: Engine | None
    kernel: Kernel | None
    growing: tuple[Axes, ...] = ()
    """Of every input, then of the output: the axes that are shorter where the caller's arguments
    are smaller. Types are those of the largest ones. Empty where nothing depends on arguments."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Node → engine and kernel, in issue order, and what else the plan has to keep to."""

    steps: tuple[Step, ...]
    pins: Pins = ()


@dataclass(frozen=True, slots=True)
class Buffer:
    """A placed piece of memory.

    size      bytes, of all copies together
    values    the values that it holds, all of the same bytes (a view shares its source's buffer)
    offset    bytes from the start of the memory's arena
    lifetime  steps in which the bytes matter
    copies    2 where one part of a tensor travels while another is computed with; each copy takes
              an equal part of ``size`` and keeps ``align``
    """

    name: BufferName
    role: Role
    memory: str
    size: int
    align: int
    lifetime: Span
    offset: int
    values: tuple[ValueName, ...] = ()
    copies: int = 1

    @property
    def bytes(self) -> Span:
        """The byte range in the arena."""
        return Span(self.offset, self.size)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Shared memory: at ``step``, ``reader`` dies and starts ``distance`` bytes after ``writer``
    (negative: before it), and they touch.

    piece_items  0: the kernel runs once over all of its work items. Otherwise it is called for
                 this many items at a time, the last ones first, so that the output may lie above
                 the input
    """

    step: int
    writer: BufferName
    reader: BufferName
    distance: int
    piece_items: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """How good a plan is, on the planner's own clock.

    cycles  of the plan
    bound   no choice of tiles, residency and order that the planner looks at takes fewer
    """

    cycles: int
    bound: int

    @property
    def is_optimal(self) -> bool:
        """Whether nothing faster exists among what the planner looks at."""
        return self.bound >= self.cycles

    @property
    def gap(self) -> float:
        """By which share of its cycles the plan may be slower than the fastest one."""
        return max(self.cycles - self.bound, 0) / self.cycles if self.cycles else 0.0

    @property
    def status(self) -> str:
        """In a word or two; a gap is never rounded to nothing."""
        return "optimal" if self.is_optimal else f"gap {max(100 * self.gap, 0.01):.2f} %"


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole schedule and memory map of one network on one target."""

    target: str
    steps: tuple[Step, ...]
    buffers: tuple[Buffer, ...]
    overlaps: tuple[Overlap, ...]
    arena_bytes: Mapping[str, int]
    """Bytes of each memory's arena, everything included."""
    activation_bytes: Mapping[str, int]
    """Of each arena, what activations alone can be placed in, with inputs and outputs; the rest is
    what scratch adds."""
    lower_bound: Mapping[str, int]
    """Proven: no placement of these buffers needs less of each memory."""
    groups: tuple[Group, ...] = ()
    """Runs of steps that are computed together; they cover all steps in order, a view is a group of
    its own. A plan that is made without any computes every step whole."""
    proof: Proof | None = None
    """What the search knows about the plan's speed."""
    pins: Pins = ()
    """What a person asked for and the plan keeps to."""
    constants: Mapping[ValueName, str] = field(default_factory=dict[ValueName, str])
    """The memory that holds each constant."""
    constant_bytes: Mapping[str, int] = field(default_factory=dict[str, int])
    """What constants take of memories that hold activations, too."""
    _holding: Mapping[ValueName, tuple[Buffer, ...]] = field(init=False, repr=False, compare=False)
    """Value → the buffers that hold all of it or parts, in order."""
    _named: Mapping[BufferName, Buffer] = field(init=False, repr=False, compare=False)

    def used(self, memory: str) -> int:
        """Bytes of a memory that holds activations: its arena, and constants beside it."""
        return self.arena_bytes.get(memory, 0) + self.constant_bytes.get(memory, 0)

    def __post_init__(self) -> None:
        if not self.groups:
            object.__setattr__(self, "groups", whole_groups(self.steps))
        holding: dict[ValueName, tuple[Buffer, ...]] = {}
        for buffer in self.buffers:
            for value in buffer.values:
                holding[value] = (*holding.get(value, ()), buffer)
        object.__setattr__(self, "_holding", holding)
        object.__setattr__(self, "_named", {b.name: b for b in reversed(self.buffers)})

    def buffer_of(self, value: ValueName) -> Buffer | None:
        """The buffer that holds a whole value; None for constants and for what is never whole."""
        holding = self._holding.get(value, ())
        return next((b for b in holding if b.role is not Role.TILE), None)

    def tile_buffer(self, group: int, value: ValueName) -> Buffer:
        """The buffer in which a group keeps parts of a value. Raises KeyError."""
        # A buffer that an early transfer fills is alive in the group before, too, and what never
        # leaves the group dies with its last reader: the end tells.
        engine = self.steps[self.groups[group].steps.start].engine
        return self.buffer_in(group, value, engine.near if engine is not None else "")

    def buffer_in(self, group: int, value: ValueName, memory: str) -> Buffer:
        """The buffer in which a group keeps parts of a value in one memory: where its engines work,
        or on the way there. Raises KeyError."""
        steps = self.groups[group].steps
        for buffer in self._holding.get(value, ()):
            ends_here = steps.start < buffer.lifetime.stop <= steps.stop
            is_there = buffer.role is Role.TILE and buffer.memory == memory
            if is_there and ends_here:
                return buffer
        raise KeyError(f"group {group} has no tile buffer for {value} in {memory}")

    def scratch_of(self, step: int) -> Buffer | None:
        """The working memory of a step's kernel."""
        return self._named.get(scratch_name(self.steps[step].node.output))

    def piece_items(self, step: int) -> int:
        """Work items of each call where the kernel is called for the last items first; else 0."""
        return max((o.piece_items for o in self.overlaps if o.step == step), default=0)


def scratch_name(output: ValueName) -> BufferName:
    """The working memory of the step that makes ``output``."""
    return BufferName(f"{output}:scratch")


def whole_groups(steps: Sequence[Step]) -> tuple[Group, ...]:
    """One group per step, cut nowhere, everything in its own buffer."""
    return tuple(
        Group(
            Span(time, 1),
            step.signature.output.shape,
            (),
            dict.fromkeys((*step.node.inputs, step.node.output), Hold.DIRECT),
        )
        for time, step in enumerate(steps)
    )
