"""What one inference may take of energy on the cluster with ITA: a power times a time.

One figure is published, without a split by component: 52.0 mW at 0.65 V and 425 MHz for MobileBERT
on such a cluster (arXiv 2408.02473). So energy is that power, whatever the network does.
"""

from collections.abc import Callable

from tilewright.run.result import Energy, Speed
from tilewright.run.sim.simulator import Simulator
from tilewright.targets.snitch.machine import MASTER

MEGAHERTZ = 425
MILLIWATTS = 52.0

SPEED = Speed(1e6 * MEGAHERTZ, "ITA", 1024)

MODEL = (
    "an estimate at 0.65 V and 425 MHz: 52.0 mW, what was published for MobileBERT, times the time"
)


def meter(sim: Simulator, cores: int) -> Callable[[], Energy]:
    """Begins to measure; the result says what the cluster took since."""
    del cores
    before = sim.counters(MASTER).cycles

    def measured() -> Energy:
        microseconds = (sim.counters(MASTER).cycles - before) / MEGAHERTZ
        return Energy(microseconds * MILLIWATTS / 1e3, MODEL)

    return measured
