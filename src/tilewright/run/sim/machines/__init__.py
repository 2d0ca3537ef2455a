"""Machines by name."""

from tilewright.errors import OptionError
from tilewright.run.sim.machine import Machine
from tilewright.run.sim.machines.rv32 import RV32IMAC, RV32IMFC
from tilewright.run.sim.machines.siracusa import SIRACUSA, SIRACUSA_SILICON
from tilewright.run.sim.machines.snitch import (
    SNITCH_GVSOC,
    SNITCH_ITA5_GVSOC,
    SNITCH_ITA5_RTL,
    SNITCH_ITA_GVSOC,
    SNITCH_ITA_RTL,
    SNITCH_RTL,
)

MACHINES = {
    m.name: m for m in (SIRACUSA, SNITCH_RTL, SNITCH_ITA_RTL, SNITCH_ITA5_RTL, RV32IMAC, RV32IMFC)
}
TIMINGS = {
    "siracusa": {"gvsoc": SIRACUSA, "silicon": SIRACUSA_SILICON},
    "snitch": {"gvsoc": SNITCH_GVSOC, "rtl": SNITCH_RTL},
    "snitch-ita": {"gvsoc": SNITCH_ITA_GVSOC, "rtl": SNITCH_ITA_RTL},
    "snitch-ita-shift5": {"gvsoc": SNITCH_ITA5_GVSOC, "rtl": SNITCH_ITA5_RTL},
}
"""Machines that come with more than one set of times, each with its sets."""


def find_machine(name: str, timing: str | None = None) -> Machine:
    """The machine of that name; ``timing`` names a set of times, None its usual one.

    Raises OptionError.
    """
    if name not in MACHINES:
        raise OptionError(f"machine '{name}': unknown; there is {', '.join(MACHINES)}")
    if timing is None:
        return MACHINES[name]
    sets = TIMINGS.get(name, {"gvsoc": MACHINES[name], "silicon": MACHINES[name]})
    if timing not in sets:
        raise OptionError(f"timing '{timing}': unknown for {name}; there is {', '.join(sets)}")
    return sets[timing]
