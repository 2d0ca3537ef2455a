"""Build a program for a simulated machine with the runtime that ships here and a stock compiler."""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tilewright.errors import OptionError, ToolError
from tilewright.ir.toolchain import NeededProgram
from tilewright.run.sim.machine import Machine

RUNTIME = Path(__file__).parent / "runtime"
RISCV_GCC = NeededProgram(
    "riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf", "run, verify, sim: building for RISC-V"
)
FLAGS = (
    "-O2", "-std=gnu11", "-ffreestanding", "-fno-builtin", "-nostdlib", "-nostartfiles", "-static",
    "-mno-relax", "-Wl,--no-warn-rwx-segments",
)  # fmt: skip
ARCHITECTURES = {
    # rv32imac names a libgcc that exists; the cores run all of it but atomics.
    "siracusa": ("-march=rv32imac_zicsr", "-mabi=ilp32"),
    "snitch": ("-march=rv32imafd_zicsr", "-mabi=ilp32d"),
}
"""Folder of the runtime, and what the compiler is told about the cores."""


def runtime_of(machine: Machine) -> str:
    """Which runtime a machine's programs are built with. Raises OptionError where none ships."""
    if machine.snitch is not None:
        return "snitch"
    if machine.name == "siracusa":
        return "siracusa"
    raise OptionError(
        f"machine '{machine.name}': no runtime ships for it; build the program, give the ELF file"
    )


def build_program(
    sources: Sequence[Path],
    program: Path,
    flags: Sequence[str] = (),
    runtime: str = "siracusa",
) -> None:
    """Compile and link ``sources`` with one of the runtimes. Raises ToolError where the
    compiler is missing, OptionError where it does not take the sources.
    """
    if shutil.which(RISCV_GCC.name) is None:
        raise ToolError(
            f"{RISCV_GCC.name}: not found; install it (Debian: apt-get install {RISCV_GCC.package})"
        )
    folder = RUNTIME / runtime
    shipped = [folder / "crt0.S", folder / "tw_sim.c", RUNTIME / "common" / "printf.c"]
    command = [
        RISCV_GCC.name, *ARCHITECTURES[runtime], *FLAGS, *flags, f"-I{folder}",
        f"-T{folder / 'link.ld'}", *map(str, [*shipped, *sources]), "-lgcc", "-o", str(program),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OptionError(
            f"{RISCV_GCC.name}: the program does not build\n  called   {shlex.join(command)}\n"
            f"{done.stderr.strip()}"
        )
