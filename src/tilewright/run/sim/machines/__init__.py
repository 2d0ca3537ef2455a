"""Machines by name."""

from tilewright.errors import OptionError
from tilewright.run.sim.machine import Machine
from tilewright.run.sim.machines.rv32 import RV32IMAC, RV32IMFC
from tilewright.run.sim.machines.siracusa import SIRACUSA, SIRACUSA_SILICON

MACHINES = {m.name: m for m in (SIRACUSA, RV32IMAC, RV32IMFC)}


def find_machine(name: str, timing: str = "gvsoc") -> Machine:
    """The machine of that name; ``timing``: gvsoc or silicon. Raises OptionError."""
    if name not in MACHINES:
        raise OptionError(f"machine '{name}': unknown; there is {', '.join(MACHINES)}")
    if timing not in ("gvsoc", "silicon"):
        raise OptionError(f"timing '{timing}': unknown; there is gvsoc, silicon")
    return SIRACUSA_SILICON if timing == "silicon" and name == "siracusa" else MACHINES[name]
