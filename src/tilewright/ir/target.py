"""What a target is: memories, engines and kernels. Descriptions only; instances live in targets/.

Adding a target edits no file of the compiler: it is one module that builds a ``Target`` and an
entry point in the group ``tilewright.targets``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import ceil
from pathlib import Path

from tilewright.ir.dma import Dma
from tilewright.ir.op import Op
from tilewright.ir.toolchain import Toolchain
from tilewright.ir.types import Array, TensorType


class Role(Enum):
    """What a buffer is for; a memory says which roles it may hold."""

    ACTIVATION = "activation"
    SCRATCH = "scratch"
    WEIGHT = "weight"
    TABLE = "table"
    TILE = "tile"
    """A part of a tensor while it is computed with, and rows that wait for the next part."""


ALL_ROLES = frozenset(Role)

SCRATCH_ALIGN = 4
"""Bytes; working memory of every core starts at a multiple of it, and of its memory's own."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One memory of the machine.

    size      bytes for the network; None where nothing limits it
    align     bytes; every buffer's offset is a multiple of it
    reserved  bytes that the runtime takes besides ``size``: stacks, what cores share. Sizes that
              people give and are given include them.
    """

    name: str
    size: int | None
    align: int = 4
    holds: frozenset[Role] = ALL_ROLES
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """A memory that an engine's kernels read and write where it lies, without a copy.

    roles            what of a call may lie there
    cycles_per_byte  of every operand there, per call, on top of what the kernel costs
    """

    memory: str
    roles: frozenset[Role] = ALL_ROLES
    cycles_per_byte: float = 0.0


@dataclass(frozen=True, slots=True)
class Signature:
    """The types that one kernel call sees."""

    inputs: tuple[TensorType, ...]
    output: TensorType


@dataclass(frozen=True, slots=True)
class MultipleOf:
    """Output axis ``axis`` of every call has a multiple of ``n`` elements."""

    axis: int
    n: int


@dataclass(frozen=True, slots=True)
class AtMost:
    """Output axis ``axis`` of every call has at most ``n`` elements."""

    axis: int
    n: int


@dataclass(frozen=True, slots=True)
class AtMostInput:
    """Axis ``axis`` of input ``index`` of every call has at most ``n`` elements."""

    index: int
    axis: int
    n: int


@dataclass(frozen=True, slots=True)
class WholeAxis:
    """Output axis ``axis`` is never cut."""

    axis: int


Limit = MultipleOf | AtMost | AtMostInput | WholeAxis


FieldValue = int | float
Fields = Mapping[str, FieldValue]
"""Members of a kernel's argument struct that are no pointers, in declaration order."""


class Misfit(Enum):
    """How far a kernel is from computing a call."""

    OPERATOR = "it computes another operator"
    VARIANT = "it computes the operator, but with another rounding"
    CALL = "it computes such operators, but not this one"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a kernel does not compute a call; never shown without the kernel's name."""

    misfit: Misfit
    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Streaming:
    """A promise that lets output and input share memory.

    The kernel visits output blocks in row-major order, a block being the last ``block_axes``
    dimensions (0: single elements), and has read everything that a block needs from the inputs
    named in ``inputs`` before it writes the block. The planner derives from the operator's
    ``reads()`` how far the output must stay behind the input. Where there are as many work items
    as blocks, item i is block i, and a call for some items touches nothing of the others: the
    planner may then have the kernel called for the last items first.
    """

    inputs: tuple[int, ...]
    block_axes: int


def _any_variant(op: Op) -> None:
    del op


def _any_call(op: Op, signature: Signature) -> None:
    del op, signature


def _no_scratch(op: Op, signature: Signature) -> int:
    del op, signature
    return 0


def _unchanged(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    del op
    return constants


@dataclass(frozen=True, slots=True)
class Terms:
    """What the cost of a call is a sum of, besides a constant; tables say what each one costs.

    names  as cost tables have them
    count  how many of each there are in a call, >= 0, in the order of the names
    """

    names: tuple[str, ...]
    count: Callable[[Op, Signature], tuple[int, ...]]


def rough_cycles(op: Op, signature: Signature) -> int:
    """What a call is taken to cost where no table knows: that of plain C on a scalar core."""
    elements = signature.inputs[0].size + signature.output.size
    return 100 + 4 * op.macs(*signature.inputs) + 8 * elements


@dataclass(frozen=True, slots=True)
class Kernel:
    """A C function ``void <symbol>(const void *args, tw_work work)`` and when it may be called.

    ``args`` points at a ``<struct>`` whose pointer members are ``pointers`` (inputs in order, then
    the output), then the members of ``fields``. ``work`` says which work items it computes, and
    where the scratch lies that it has for itself.
    """

    op: type[Op]
    """The operators that it computes; nothing below is asked about others."""
    symbol: str
    struct: str
    header: Path
    """Declares the struct and every symbol that takes it."""
    source: Path
    """Defines ``symbol``, and maybe other kernels: a bundle has a file SYMBOL.c for each kernel
    that it calls, without the others. May include headers that lie beside it."""
    pointers: tuple[str, ...]
    fields: Callable[[Op, Signature], Fields]
    items: Callable[[Op, Signature], int]
    """Number of work items; any half-open range of them may run on any core."""
    cycles: Callable[[Op, Signature], int] = rough_cycles
    """Estimated cycles of the whole call on one core, or instructions where those are what is
    counted; chooses between kernels. ``ir.costs.priced`` makes it from ``terms`` and a table."""
    terms: Terms | None = None
    """What its cost depends on."""
    code_bytes: int = 0
    """What an instruction cache fetches before a first call."""
    variant: Callable[[Op], str | None] = _any_variant
    """None where the kernel is the one of several made for this operator's rounding."""
    refuse: Callable[[Op, Signature], str | None] = _any_call
    """None if the kernel computes this call exactly, else the reason in a few words. Asked about
    operators of its class and variant only: ``objection`` asks everything."""
    scratch_bytes: Callable[[Op, Signature], int] = _no_scratch
    """Working memory of one call on one core, 4-byte aligned; each core has its own."""
    streaming: Streaming | None = None
    """Set only where the promise holds for calls on one core."""
    replaces: int | None = None
    """An input that the output may replace: both may lie at exactly one place where they have the
    same size, on any number of cores."""
    includes: tuple[Path, ...] = ()
    """Further headers that ``header`` or ``source`` include, besides the runtime's."""
    pack: Callable[[Op, tuple[Array | None, ...]], tuple[Array | None, ...]] = _unchanged
    """Constant inputs in the layout that the kernel wants (None for inputs that vary). An array
    that keeps its shape keeps the place of every element, so that tiles may use parts of it; one
    that changes it is used whole."""
    tables: frozenset[int] = frozenset()
    """Constant inputs that have Role.TABLE; all others have Role.WEIGHT."""
    limits: tuple[Limit, ...] = ()
    """What every single call must keep to; planner, checker and test generators read the same."""

    def objection(self, op: Op, signature: Signature) -> Objection | None:
        """Why the kernel does not compute a call of any operator; None where it does."""
        if not isinstance(op, self.op):
            return Objection(
                Misfit.OPERATOR, f"computes {self.op.__name__}, not {type(op).__name__}"
            )
        if (reason := self.variant(op)) is not None:
            return Objection(Misfit.VARIANT, reason)
        reason = self.refuse(op, signature)
        return None if reason is None else Objection(Misfit.CALL, reason)


@dataclass(frozen=True, slots=True)
class Engine:
    """Something that runs kernels: a core, a cluster, an accelerator."""

    name: str
    kind: str
    reaches: tuple[Reach, ...]
    """The memories that its kernels work on. The first that may hold activations is its near
    memory, where tiles and scratch lie."""
    kernels: tuple[Kernel, ...]
    """In order of preference where estimated cycles are equal."""
    cores: int = 1
    fork_cycles: int = 0
    """What the core that starts a call spends on it, before the engine begins."""
    join_cycles: int = 0
    """What that core spends on learning that the call is over."""
    fetch_cycles_per_byte: float = 0.0
    """What bringing a kernel's code near costs, at its first call in a layer."""
    is_asynchronous: bool = False
    """Whether it runs beside the core that starts it (an accelerator)."""
    queue: int = 1
    """Calls of one that may be under way, in order; one too many waits, a join is for all."""
    fetches_ahead: bool = False
    """A call uses its scratch while the one before still runs, which may be waited for alone."""

    def scratch_bytes(self, alone: int, align: int) -> int:
        """Working memory of one call on all cores, in equal parts.

        alone  bytes that one core needs: ``Kernel.scratch_bytes``
        align  of every part where there are several: the memory's, and at least four
        """
        step = max(align, SCRATCH_ALIGN)
        return alone if self.cores == 1 else self.cores * (-(-alone // step) * step)

    @property
    def near(self) -> str:
        """The memory in which its tiles and scratch lie."""
        return next(reach.memory for reach in self.reaches if Role.ACTIVATION in reach.roles)

    def reach(self, memory: str, role: Role) -> Reach | None:
        """How its kernels get at operands of a role in a memory; None where they cannot."""
        fitting = (r for r in self.reaches if r.memory == memory and role in r.roles)
        return next(fitting, None)

    def busy_cycles(self, alone: int) -> int:
        """How long a call keeps it busy. ``alone``: the kernel's cycles on one core."""
        return -(-alone // self.cores)

    def fetch_cycles(self, kernel: Kernel) -> int:
        """What a layer's first call takes longer than its others."""
        return ceil(kernel.code_bytes * self.fetch_cycles_per_byte)


@dataclass(frozen=True, slots=True)
class TargetOption:
    """A command-line option that a target brings: ``--name VALUE``.

    name     without dashes; options of two targets may have the same name
    metavar  what help calls the value
    summary  one line for help
    apply    the target with what the option asks for. Raises OptionError for a wrong value.
    """

    name: str
    metavar: str
    summary: str
    apply: Callable[["Target", str], "Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """One compilation target."""

    name: str
    summary: str
    memories: tuple[Memory, ...]
    engines: tuple[Engine, ...]
    toolchain: Toolchain
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    dmas: tuple[Dma, ...] = ()
    runtime: tuple[Path, ...] = ()
    """C files of its own that go beside the kernels of a program that copies: its tw_dma.h."""
    parallel: tuple[Path, ...] = ()
    """C files that share a call among the cores of an engine with several: its tw_parallel.h, and
    what that needs. Without any, the runtime's own does the cores' work one after the other."""
    alternatives: tuple["Target", ...] = ()
    """The same machine with other memories, for users who name those."""
    options: tuple[TargetOption, ...] = ()
    """What people may ask of this target only."""
    kept_bytes_per_cycle: int = 4
    """How fast the core moves rows that the next tile needs again to the front of their buffer."""

    @property
    def near(self) -> str:
        """The near memory of the first engine behind which no other engine works: from where it
        works, no DMA leads to another's near memory."""
        works = {engine.near for engine in self.engines}
        inner = (n for n in works if not any(self.route(n, other) for other in works - {n}))
        fed = {name for name in inner if self.homes_of(name)}
        return next((e.near for e in self.engines if e.near in fed), self.engines[0].near)

    @property
    def code_in(self) -> str:
        """The memory that code and its tables lie in: the first that may hold constants."""
        return next(m.name for m in self.memories if Role.WEIGHT in m.holds)

    def is_usable(self, engine: Engine) -> bool:
        """Whether an engine works where activations of a network may lie."""
        return engine.near in (self.near, *self.homes)

    @property
    def homes(self) -> tuple[str, ...]:
        """Where activations may lie that do not lie near, the closest first; none where there is
        one memory."""
        return self.homes_of(self.near)

    def homes_of(self, near: str) -> tuple[str, ...]:
        """Other memories for activations, from which a route leads to a memory or which an engine
        that works there reaches: by hops, then in the target's own order."""
        hops: dict[str, int] = {}
        for memory in self.memories:
            if memory.name == near or Role.ACTIVATION not in memory.holds:
                continue
            route = self.route(memory.name, near)
            is_reached = any(
                engine.near == near and engine.reach(memory.name, Role.ACTIVATION)
                for engine in self.engines
            )
            if route is not None or is_reached:
                hops[memory.name] = len(route) if route is not None else 1
        return tuple(sorted(hops, key=hops.__getitem__))

    def route(self, far: str, near: str) -> tuple[Dma, ...] | None:
        """The shortest chain of DMAs from a memory to another one, in the order of the way near;
        None where there is none."""
        chains: list[tuple[str, tuple[Dma, ...]]] = [(far, ())]
        seen = {far}
        while chains:
            at, chain = chains.pop(0)
            for dma in self.dmas:
                there = dma.between[1]
                if dma.between[0] != at or there in seen:
                    continue
                if there == near:
                    return (*chain, dma)
                seen.add(there)
                chains.append((there, (*chain, dma)))
        return None

    def memory(self, name: str) -> Memory:
        """The memory with this name. Raises KeyError."""
        return {m.name: m for m in self.memories}[name]
