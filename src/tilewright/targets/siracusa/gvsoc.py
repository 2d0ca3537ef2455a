"""`--runner gvsoc`: programs for Siracusa on the GVSoC that a user has.

The command line is the one of GVSoC's documentation: a target, a program, a folder for what it
writes, and what to do. It has to be built for this chip (`make all TARGETS=siracusa`).
"""

from dataclasses import replace
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.errors import OptionError
from tilewright.ir.program import Program
from tilewright.ir.target import Target, TargetOption, Toolchain
from tilewright.ir.toolchain import NeededProgram
from tilewright.run.cluster.outside import Emulator, run_outside
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.result import RunResult
from tilewright.targets.siracusa.runner import CHIP

GVSOC = NeededProgram(
    "gvsoc", "", "run, verify --target siracusa --runner gvsoc",
    "build it from github.com/gvsoc/gvsoc with TARGETS=siracusa and put its install/bin on PATH",
)  # fmt: skip

RUNNERS = ("sim", "gvsoc")


def _arguments(program: Path, folder: Path) -> tuple[str, ...]:
    return (
        "--target=siracusa", f"--binary={program}", f"--work-dir={folder}", "image", "flash", "run",
    )  # fmt: skip


EMULATOR = Emulator(CHIP, GVSOC, _arguments)


def run_on_gvsoc(
    bundle: Bundle, program: Program, toolchain: Toolchain, batch: Batch, options: HostOptions
) -> RunResult:
    """A ``Runner``. Raises what ``run_outside`` raises."""
    return run_outside(EMULATOR, bundle, program, toolchain, batch, options)


def with_runner(target: Target, name: str) -> Target:
    """The target whose programs run there. Raises OptionError for a name that nobody knows."""
    if name not in RUNNERS:
        raise OptionError(f"--runner {name}: there are {', '.join(RUNNERS)}")
    if name == "sim":
        return target
    toolchain = replace(target.toolchain, run=run_on_gvsoc, talk=None)
    return replace(target, toolchain=toolchain)


RUNNER = TargetOption(
    "runner", "NAME",
    "what runs programs: sim, the simulator that ships here (default), or gvsoc, yours on PATH",
    with_runner,
)  # fmt: skip
