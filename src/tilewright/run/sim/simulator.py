"""A machine that runs: load a program, run it, look at memory, registers and counters."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from tilewright.errors import OptionError, TilewrightError
from tilewright.run.sim.elf_image import Image, read_image
from tilewright.run.sim.isa_table import EXTENSIONS
from tilewright.run.sim.library import load_core
from tilewright.run.sim.machine import Core, Device, Machine, View, Window

LOSSES = (
    "load", "conflict", "far", "fetch", "branch", "unit", "barrier", "dma", "npu", "asleep",
)  # fmt: skip
"""Why a core loses cycles: waiting for a loaded value, for a bank, for memory outside L1, for
instructions, after a jump, for a shared unit; sleeping at a barrier, for the DMA, for N-EUREKA,
for anything else. Order as tw_loss of core/sim.h."""

FLOAT = 64
"""Index of f0 among the registers; x0 is 0."""

_SLICE = 2 * 10**11  # picoseconds: 14 million cluster cycles
_SILENT_HOURS = 10**15  # picoseconds: a run without a limit ends here (1000 simulated seconds)


class Outcome(IntEnum):
    """Why a run came back; the numbers are tw_outcome of core/sim.h."""

    EXITED = 1
    FAULTED = 2
    DEADLOCKED = 3
    LIMIT = 4
    BREAKPOINT = 5


@dataclass(frozen=True, slots=True)
class Engines:
    """What DMA and accelerator of a Snitch cluster have done. Cycles: with a job or a transfer."""

    jobs: int
    job_cycles: int
    moved_bytes: int
    moving_cycles: int


class SimulationError(TilewrightError):
    """The program under simulation did something that no machine could go on after."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What one core has done. ``lost``: cycles by reason (LOSSES)."""

    cycles: int
    instructions: int
    lost: dict[str, int]


class Simulator:
    """One machine. Not thread-safe; several may live side by side."""

    def __init__(self, machine: Machine, output: Callable[[str], None] | None = None) -> None:
        self.machine = machine
        self.image = Image(0, ())
        self._output = output
        self.printed = ""
        self._core = load_core()
        self._sim: int = self._core.tw_new(machine.cluster_period, machine.fabric_period)
        self._memories = {memory.name: i for i, memory in enumerate(machine.memories)}
        for memory in machine.memories:
            self._must(
                self._core.tw_add_memory(
                    self._sim, memory.size, memory.banks, memory.word, memory.domain
                )
            )
        for window in machine.windows:
            self._add_window(window)
        self._fill_memories()
        if machine.snitch is not None:
            times = machine.snitch.as_numbers()
            self._must(self._core.tw_set_snitch(self._sim, (ctypes.c_int64 * len(times))(*times)))
        if machine.ita is not None:
            ita = machine.ita
            self._must(self._core.tw_set_ita(self._sim, ita.contexts, ita.softmax_shift))
        for core in machine.cores:
            self._add_core(core)
        if machine.shared_cache is not None:
            c = machine.shared_cache
            self._must(self._core.tw_set_shared_icache(self._sim, c.sets, c.ways, c.refill))

    def __del__(self) -> None:
        if getattr(self, "_sim", 0):
            self._core.tw_delete(self._sim)

    def _must(self, result: int) -> int:
        if result < 0:
            raise MemoryError(f"machine '{self.machine.name}' does not fit the simulator's tables")
        return result

    def _add_window(self, window: Window) -> None:
        shows = window.shows
        target = int(shows) if isinstance(shows, Device) else self._memories[shows]
        for view in window.views:
            self._must(
                self._core.tw_add_route(
                    self._sim, view, window.kind, window.base, window.size, target,
                    window.offset, window.latency,
                )
            )  # fmt: skip

    def _fill_memories(self) -> None:
        for window in self.machine.windows:
            for memory in self.machine.memories:
                if memory.fill and window.shows == memory.name:
                    self.write(window.base, bytes((memory.fill,)) * memory.size)

    def _add_core(self, core: Core) -> None:
        extensions = sum(EXTENSIONS[e] for e in core.extensions)
        letters = sum(1 << (ord(e) - ord("a")) for e in core.extensions if len(e) == 1)
        misa = letters if core.misa is None else core.misa & 0x3FFFFFFF
        fields = (
            core.hartid, core.view, core.domain, extensions, core.cache.sets, core.cache.ways,
            core.cache.refill, 0 if core.shares_cache else -1, core.fetch_latency,
            -1 if core.fpu is None else core.fpu, 0, misa, int(core.cache.is_on),
            int(core.is_snitch),
        )  # fmt: skip
        timing = core.timing.as_numbers()
        self._must(
            self._core.tw_add_core(
                self._sim,
                (ctypes.c_int64 * len(fields))(*fields),
                (ctypes.c_int32 * len(timing))(*timing),
            )
        )

    def load(self, program: Path | Image) -> None:
        """Put a program into memory and start the cores that run from reset.

        Raises ModelError (no ELF file of this kind), SimulationError (it does not fit).
        """
        self.image = program if isinstance(program, Image) else read_image(program)
        for segment in self.image.segments:
            self.write(segment.address, segment.data)
        if self.machine.snitch is not None:
            symbols = self.image.symbols
            self._core.tw_set_host(self._sim, symbols.get("tohost", 0), symbols.get("fromhost", 0))
        for index, core in enumerate(self.machine.cores):
            if core.starts:
                self._core.tw_begin_core(self._sim, index, self.image.entry, core.starts_at)

    def _view_of(self, address: int) -> View:
        for window in self.machine.windows:
            if 0 <= address - window.base < window.size and isinstance(window.shows, str):
                return window.views[0]
        raise SimulationError(f"address 0x{address:08x}: no memory of {self.machine.name} there")

    def write(self, address: int, data: bytes) -> None:
        """Store bytes as the cluster sees addresses. Raises SimulationError outside memory."""
        self._copy(address, (ctypes.c_uint8 * len(data)).from_buffer_copy(data), len(data), 1)

    def read(self, address: int, size: int) -> bytes:
        """Load bytes as the cluster sees addresses. Raises SimulationError outside memory."""
        buffer = (ctypes.c_uint8 * size)()
        self._copy(address, buffer, size, 0)
        return bytes(buffer)

    def _copy(
        self, address: int, buffer: "ctypes.Array[ctypes.c_uint8]", size: int, writes: int
    ) -> None:
        view = self._view_of(address)
        if self._core.tw_copy(self._sim, view, address, buffer, size, writes) < 0:
            raise SimulationError(
                f"address 0x{address:08x}: {size} bytes do not fit the memory there"
            )

    def run(self, *, max_cycles: int | None = None, breakpoint_at: int | None = None) -> Outcome:
        """Run until exit, fault, deadlock, breakpoint, or the cluster's cycle ``max_cycles``."""
        if max_cycles is not None and max_cycles <= 0:
            raise OptionError(f"max cycles {max_cycles}: must be positive")
        last = _SILENT_HOURS if max_cycles is None else max_cycles * self.machine.cluster_period
        outcome = Outcome.LIMIT
        limit = min(self.value(0), last)
        while outcome is Outcome.LIMIT and limit < last:
            # In slices, so that output appears and Ctrl-C works.
            limit = min(limit + _SLICE, last)
            outcome = Outcome(
                self._core.tw_run_until(
                    self._sim, limit, breakpoint_at or 0, int(breakpoint_at is not None)
                )
            )
            self._collect()
        return outcome

    def _collect(self) -> None:
        size = self._core.tw_sim_value(self._sim, 6)
        buffer = ctypes.create_string_buffer(size)
        self._core.tw_take_output(self._sim, buffer, size)
        text = buffer.raw.decode(errors="replace")
        self.printed += text
        if self._output is not None and text:
            self._output(text)

    @property
    def exit_code(self) -> int:
        """What the program gave to exit."""
        return self._core.tw_sim_value(self._sim, 1)

    def value(self, which: int) -> int:
        """A number of tw_sim_value of core/api.c."""
        return self._core.tw_sim_value(self._sim, which)

    def core_value(self, core: int, which: int, index: int = 0) -> int:
        """A number of tw_core_value of core/api.c."""
        return self._core.tw_core_value(self._sim, core, which, index)

    def register(self, core: int, index: int) -> int:
        """An unsigned register: x0 to x31, then f0 from FLOAT on."""
        return self.core_value(core, 0, index)

    def double_register(self, core: int, index: int) -> int:
        """The 64 bits of a floating-point register of a Snitch core."""
        return self._core.tw_double_register(self._sim, core, index) & 0xFFFF_FFFF_FFFF_FFFF

    def set_register(self, core: int, index: int, value: int) -> None:
        """Write a register."""
        self._core.tw_set_register(self._sim, core, index, value & 0xFFFFFFFF)

    def pc(self, core: int) -> int:
        """Address of the core's next instruction."""
        return self.core_value(core, 1)

    def counters(self, core: int) -> Counters:
        """Cycles, instructions and lost cycles of a core."""
        lost = {name: self.core_value(core, 4, i) for i, name in enumerate(LOSSES)}
        return Counters(self.core_value(core, 2), self.core_value(core, 3), lost)

    def engines(self) -> Engines:
        """What ITA and the DMA of a Snitch cluster have done; zeros on other machines."""
        return Engines(self.value(9), self.value(10), self.value(11), self.value(12))

    def region_cycles(self, core: int, region: int) -> int:
        """Cycles that a core spent between the marks of a region (``lui x0, 2 * region + 1``)."""
        return self.core_value(core, 7, region)

    def disassemble(self, core: int, address: int) -> str:
        """The instruction at an address, as that core would read it."""
        buffer = ctypes.create_string_buffer(96)
        self._core.tw_text_of(self._sim, core, address, buffer, 96)
        return buffer.value.decode()

    def trace_to(self, path: Path) -> None:
        """Write a line per instruction to a file (stderr where it is ``-``). Raises OptionError."""
        if self._core.tw_open_trace(self._sim, str(path).encode()) < 0:
            raise OptionError(f"{path}: cannot be written")

    def check(self, *, uninitialised: bool = False, dma: bool = False) -> None:
        """Stop at reads of memory nobody wrote; at CPU accesses to what the DMA is writing.

        Call before load: what is there already counts as never written.
        """
        self._must(self._core.tw_enable_checks(self._sim, int(uninitialised), int(dma)))

    def guard(self, core: int, start: int, size: int) -> None:
        """Stop where the core touches [start, start + size): the end of its stack."""
        self._core.tw_set_guard(self._sim, core, start, size)

    def record_timeline(self) -> None:
        """Keep intervals of sleeping, DMA and N-EUREKA from now on."""
        self._core.tw_start_recording(self._sim)

    def intervals(self) -> tuple[tuple[int, int, int, int], ...]:
        """Recorded (track, what, start, end) in cluster cycles."""
        count = self.value(7)
        get = self._core.tw_interval_value
        return tuple(
            (get(self._sim, i, 0), get(self._sim, i, 1), get(self._sim, i, 2), get(self._sim, i, 3))
            for i in range(count)
        )

    def start_profile(self, names: "ProfileMap") -> None:
        """Count per function from now on; ``names`` says which address belongs to which."""
        for memory, table in names.tables.items():
            array = (ctypes.c_uint8 * len(table)).from_buffer_copy(table)
            self._must(self._core.tw_set_symbols(self._sim, self._memories[memory], array))
        self._must(self._core.tw_start_profile(self._sim, len(names.names)))

    def profile_value(self, core: int, symbol: int, column: int) -> int:
        """A count of the profile: instructions, cycles, then LOSSES."""
        return self._core.tw_profile_value(self._sim, core, symbol, column)


@dataclass(frozen=True, slots=True)
class ProfileMap:
    """Names of functions, and per memory one index into them for each halfword (uint16)."""

    names: tuple[str, ...]
    tables: dict[str, bytearray]
