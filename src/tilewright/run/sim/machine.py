"""What a machine is made of: cores, memories, address maps and clocks, as data.

A new machine is a new value of ``Machine``; a new device is a C file in core/ and a name here.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from tilewright.run.sim.snitch_timing import SnitchTiming


class View(IntEnum):
    """Whose address map a window belongs to."""

    CLUSTER = 0
    FABRIC = 1
    DMA = 2


class Domain(IntEnum):
    """Clock domains."""

    CLUSTER = 0
    FABRIC = 1


class Kind(IntEnum):
    """What stands behind a window; the numbers are tw_route_kind of core/sim.h."""

    MEMORY = 1
    TEST_AND_SET = 2
    DEVICE = 3


class Device(IntEnum):
    """Devices that the C core knows; the numbers are tw_device of core/sim.h."""

    CLUSTER_CONTROL = 0
    TIMER = 1
    EVENT_UNIT = 2
    EVENT_UNIT_DEMUX = 3
    NEUREKA = 4
    ICACHE_CONTROL = 5
    MCHAN_EXTERNAL = 6
    MCHAN_DEMUX = 7
    STDOUT = 8
    FC_ICACHE_CONTROL = 9
    FINISHER = 10
    UART = 11
    PLAIN_REGISTERS = 12
    SNITCH_PERIPHERALS = 13
    ZERO_MEMORY = 14
    ITA = 15


@dataclass(frozen=True, slots=True)
class Memory:
    """One memory. ``banks`` of one word (bytes) per cycle, interleaved by words; 0: never busy.

    ``fill``: what every byte is at the start.
    """

    name: str
    size: int
    banks: int = 0
    domain: Domain = Domain.CLUSTER
    word: int = 4
    fill: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """Addresses of one or more views that lead to a memory or a device.

    base, size  bytes            latency  cycles beyond the first
    offset      of the window's first byte in what it shows
    """

    views: tuple[View, ...]
    base: int
    size: int
    shows: str | Device
    latency: int = 0
    offset: int = 0
    kind: Kind = Kind.MEMORY


@dataclass(frozen=True, slots=True)
class Cache:
    """Geometry of an instruction cache with lines of 16 bytes; ``refill`` cycles per line."""

    sets: int
    ways: int
    refill: int
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Timing:
    """Cycles that instructions take beyond the first; a negative ``divide_fixed``: by operand.

    ``mul_result``: how long after the multiplication another instruction may use its result.
    A division takes clz(|divisor|) + ``divide``. Order and meaning as tw_timing of core/sim.h.
    """

    branch_taken: int = 2
    jump: int = 1
    mul: int = 1
    mul_result: int = 1
    mulh: int = 4
    divide: int = 2
    event_load: int = 2
    float_load: int = 1
    float_divide: int = 13
    load_use: int = 1
    divide_fixed: int = -1

    def as_numbers(self) -> tuple[int, ...]:
        """The numbers in the order of tw_timing."""
        return (
            self.branch_taken, self.jump, self.mul, self.mul_result, self.mulh, self.divide,
            self.event_load, self.float_load, self.float_divide, self.load_use,
            self.divide_fixed,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Core:
    """One core.

    extensions     letters and names of isa_table.EXTENSIONS
    fetch_latency  cycles that a line takes which no cache holds
    fpu            which shared unit it uses; None: its own
    starts         whether it runs from the ELF file's entry on (others wait to be started)
    starts_at      cycle of its clock at which it does: what loading takes
    is_snitch      whether its pipeline is Snitch's (timing: the machine's), not RI5CY's
    misa           what the register reads; None: the letters of the extensions
    """

    hartid: int
    view: View
    domain: Domain
    extensions: tuple[str, ...]
    cache: Cache
    fetch_latency: int
    timing: Timing = field(default_factory=Timing)
    shares_cache: bool = False
    fpu: int | None = None
    starts: bool = False
    starts_at: int = 0
    is_snitch: bool = False
    misa: int | None = None


@dataclass(frozen=True, slots=True)
class Ita:
    """One version of ITA: jobs that it holds, and by how many bits its softmax shifts distances.

    A softmax shift of 0: a step of the logits is a factor of two; of 5: 32 steps are.
    """

    contexts: int
    softmax_shift: int


@dataclass(frozen=True, slots=True)
class Machine:
    """A whole machine. Periods in picoseconds.

    snitch  times of its Snitch cores
    ita     its accelerator, in the window of Device.ITA, with the first memory as its own
    """

    name: str
    cores: tuple[Core, ...]
    memories: tuple[Memory, ...]
    windows: tuple[Window, ...]
    cluster_period: int
    fabric_period: int
    shared_cache: Cache | None = None
    snitch: SnitchTiming | None = None
    ita: Ita | None = None
