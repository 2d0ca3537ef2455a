"""Build a program for a simulated machine with the runtime that ships here and a stock compiler."""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tilewright.errors import ToolError

RUNTIME = Path(__file__).parent / "runtime" / "siracusa"
COMPILER = "riscv64-unknown-elf-gcc"
FLAGS = (
    # rv32imac names a libgcc that exists; the cores run all of it but atomics.
    "-march=rv32imac_zicsr", "-mabi=ilp32", "-O2", "-std=gnu11", "-ffreestanding", "-fno-builtin",
    "-nostdlib", "-nostartfiles", "-static", "-mno-relax", "-Wl,--no-warn-rwx-segments",
)  # fmt: skip


def build_program(sources: Sequence[Path], program: Path, flags: Sequence[str] = ()) -> None:
    """Compile and link ``sources`` with the runtime of Siracusa. Raises ToolError."""
    if shutil.which(COMPILER) is None:
        raise ToolError(
            f"{COMPILER}: not found; install it (Debian: apt-get install gcc-riscv64-unknown-elf)"
        )
    runtime = [RUNTIME / "crt0.S", RUNTIME / "tw_sim.c", RUNTIME / "printf.c"]
    command = [
        COMPILER, *FLAGS, *flags, f"-I{RUNTIME}", f"-T{RUNTIME / 'link.ld'}",
        *map(str, [*runtime, *sources]), "-lgcc", "-o", str(program),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolError(
            f"{COMPILER}: the program does not build\n  called   {shlex.join(command)}\n"
            f"{done.stderr.strip()}"
        )
