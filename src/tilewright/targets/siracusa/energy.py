"""What one inference may take of energy on Siracusa: a sum of stated terms, never a measurement.

No published figure splits the chip's power by component. The core's coefficient is a recalled one
that reproduces three quarters of the only published end-to-end figure (490 uJ and 2.94 ms for a
token of a small Llama: arXiv 2408.04413); others are inferences from relatives in 22 nm. Cores and
base are more than nine tenths of most estimates: energy follows cycles.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tilewright.run.result import Energy
from tilewright.run.sim.simulator import Simulator

MEGAHERTZ = 360
BASE_PJ = 30_000 / MEGAHERTZ
"""Per cycle: 30 mW of fabric controller, clocks, leakage, L2 standby."""
CORE_PJ = 36.0
"""Per cycle of a core that executes or stalls, its share of L1 and instruction cache included."""
ASLEEP = 0.1
"""Of that, clock gated."""
NPU_PJ = 350.0
"""Per cycle in which N-EUREKA has a job, 8-bit weights, weight memory included."""
BYTE_PJ = 2.0
"""Per byte between L1 and L2."""

MODEL = (
    "an estimate at 0.8 V and 360 MHz: 30 mW base, 36 pJ per core cycle (a tenth asleep), 350 pJ "
    "per N-EUREKA cycle, 2 pJ per byte of DMA; uncertain by a factor of two, for comparing plans"
)

SLEEPING = ("barrier", "dma", "npu", "asleep")
TO_L1, FROM_L1, NPU = 64, 65, 66
"""Tracks of Simulator.intervals."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Of the machine from reset on, or between two moments: see ``since``.

    cycles  of core 0
    awake   of all cluster cores together
    asleep  likewise
    """

    cycles: int
    awake: int
    asleep: int

    def since(self, before: "Activity") -> "Activity":
        """What has been done after ``before``."""
        return Activity(
            self.cycles - before.cycles, self.awake - before.awake, self.asleep - before.asleep
        )


def activity(sim: Simulator, cores: int) -> Activity:
    """What the first ``cores`` cores have done so far. One that sleeps since before counts none of
    it yet, so that cycles without an account are sleep."""
    counters = [sim.counters(core) for core in range(cores)]
    asleep = [sum(c.lost[reason] for reason in SLEEPING) for c in counters]
    awake = sum(c.cycles - a for c, a in zip(counters, asleep, strict=True))
    return Activity(counters[0].cycles, awake, cores * counters[0].cycles - awake)


def estimate(done: Activity, intervals: tuple[tuple[int, int, int, int], ...]) -> Energy:
    """Energy of one inference from what cores did and what was recorded beside them."""
    moved = sum(what for track, what, _, _ in intervals if track in (TO_L1, FROM_L1))
    npu = sum(stop - start for track, _, start, stop in intervals if track == NPU)
    picojoules = (
        done.cycles * BASE_PJ + CORE_PJ * (done.awake + ASLEEP * done.asleep)
        + NPU_PJ * npu + BYTE_PJ * moved
    )  # fmt: skip
    return Energy(picojoules / 1e6, MODEL)


def meter(sim: Simulator, cores: int) -> Callable[[], Energy]:
    """Begins to measure the first ``cores`` cores; the result says what they took since."""
    before = activity(sim, cores)
    sim.record_timeline()
    return lambda: estimate(activity(sim, cores).since(before), sim.intervals())
