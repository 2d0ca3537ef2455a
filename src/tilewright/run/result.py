"""What running a compiled network gave. Every runner returns these."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array


@dataclass(frozen=True, slots=True)
class Linked:
    """Bytes of the network in the linked program, as the linker's symbol table states them.

    code       functions of the network and its kernels
    constants  weights and tables: array name → bytes
    other      further read-only data: argument structs, kernels' own tables
    writable   static variables; a generated network has none
    startup    on bare metal: vector table, reset code, library functions, an example main
    """

    code: int
    constants: Mapping[str, int]
    other: int
    writable: int
    startup: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """What one inference cost, measured after a first one.

    unit       "instructions" or "cycles"
    total      of tw_NAME_run, everything that it calls included
    layers     one per layer, in issue order; the kernel included; empty where that was not measured
    functions  for each layer, C function → its own share; empty where that was not measured
    mixes      C function → machine instruction → executions; empty where that was not measured
    """

    unit: str
    total: int
    layers: tuple[int, ...]
    functions: tuple[Mapping[str, int], ...] = ()
    mixes: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])


@dataclass(frozen=True, slots=True)
class Energy:
    """An estimate for one inference, never a measurement.

    model  what it is a sum of, at which operating point, and how uncertain it is
    """

    microjoules: float
    model: str


@dataclass(frozen=True, slots=True)
class Speed:
    """Of a chip: what cycles mean.

    hertz   of the clock whose cycles are counted
    engine  the name of what multiplies
    peak    its multiply-accumulates a cycle
    """

    hertz: float
    engine: str
    peak: int

    def in_use(self, macs: int, cycles: int) -> float:
        """Which part of what the engine could do so many MACs are."""
        return macs / self.peak / cycles

    def per_second(self, cycles: int) -> float:
        """Inferences."""
        return self.hertz / cycles

    def gop_per_second(self, macs: int, cycles: int) -> float:
        """Two operations a multiply-accumulate."""
        return 2e-9 * macs * self.per_second(cycles)


@dataclass(frozen=True, slots=True)
class RunResult:
    """Outputs and measurements of one process that ran a batch several times.

    outputs         [inferences, *shape] per network output, of the first run
    runs            how often the whole batch was run
    runs_identical  whether every run gave the same bytes
    layers          [inferences][layer] result bytes of the first run, where layers were observed
    stack           bytes of stack that one inference took; None where it was not measured
    linked          sizes from the symbol table; None where the program is no ELF file
    count           None where nothing was counted
    log             what the build and the program printed
    energy          None where the target has no model of it
    timeline        what cores and engines did when, as Perfetto reads it; None where nobody knows
    speed           None where the target has no clock of its own
    gaps            what figures lean on in which the simulated machine is known to be unlike the
                    chip, a sentence each
    """

    outputs: Mapping[ValueName, Array]
    runs: int
    runs_identical: bool
    layers: tuple[tuple[bytes, ...], ...]
    stack: int | None
    linked: Linked | None
    count: Count | None
    log: str
    energy: Energy | None = None
    timeline: str | None = None
    speed: Speed | None = None
    gaps: tuple[str, ...] = ()
