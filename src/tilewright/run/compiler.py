"""The system's C compiler: which one, which flags, and what it says when it fails."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tilewright.errors import ToolError

CANDIDATES = ("cc", "gcc", "clang")
BASE_FLAGS = ("-std=c11", "-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections")
SANITIZE_FLAGS = (
    "-O1", "-g", "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DHARNESS_SANITIZED",
)  # fmt: skip
RACE_FLAGS = (
    "-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=thread", "-DHARNESS_SANITIZED",
)  # fmt: skip
HOW_TO_GET = (
    "install one (Debian and Ubuntu: apt-get install gcc libc6-dev; macOS: xcode-select --install) "
    "or name one in the environment variable CC"
)


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler that was found.

    command  how to call it, words of CC included
    version  the first line that it prints about itself
    advice   what to try where it does not build the generated C
    """

    command: tuple[str, ...]
    version: str
    advice: str = f"another compiler: CC=gcc or CC=clang; {HOW_TO_GET}"


@cache
def find_compiler() -> Compiler:
    """The compiler that CC names, else the first of cc, gcc and clang. Raises ToolError."""
    named = os.environ.get("CC", "").strip()
    for candidate in [named] if named else CANDIDATES:
        command = tuple(shlex.split(candidate))
        if command and shutil.which(command[0]):
            return Compiler(command, _version(command))
    tried = f"CC={named}" if named else ", ".join(CANDIDATES)
    raise ToolError(f"no C compiler: tried {tried}; {HOW_TO_GET}")


def _version(command: tuple[str, ...]) -> str:
    done = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, check=False, timeout=60
    )
    return (done.stdout or done.stderr).strip().partition("\n")[0] or "unknown version"


def optimising_flags(wanted: Sequence[str]) -> tuple[str, ...]:
    """The target's flags, without an instruction set that this machine lacks.

    The C is the same either way, and so are its results; only speed differs.
    """
    return tuple(f for f in wanted if f != "-march=x86-64-v3" or _runs_x86_64_v3())


@cache
def _runs_x86_64_v3() -> bool:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return {"avx2", "bmi2", "fma", "movbe"} <= set(flags)


def build(
    compiler: Compiler, flags: Sequence[str], folder: Path, sources: Sequence[Path], program: Path
) -> str:
    """Compile and link ``sources`` to ``program``; returns what the compiler printed.

    Raises ToolError with the compiler's own words where it fails.
    """
    objects, log = compile_sources(compiler, flags, folder, sources)
    return log + link(compiler, flags, objects, program)


def compile_sources(
    compiler: Compiler, flags: Sequence[str], folder: Path, sources: Sequence[Path]
) -> tuple[list[Path], str]:
    """One object file in ``folder`` per source, and what the compiler printed. Raises ToolError."""
    objects = [folder / f"{index:03d}_{source.stem}.o" for index, source in enumerate(sources)]

    def compile_one(source: Path, made: Path) -> str:
        return _call(compiler, [*flags, f"-I{folder}", "-c", str(source), "-o", str(made)])

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        log = list(pool.map(compile_one, sources, objects))
    return objects, "".join(log)


def link(
    compiler: Compiler,
    flags: Sequence[str],
    objects: Sequence[Path],
    program: Path,
    libraries: Sequence[str] = ("-lm",),
) -> str:
    """Link; returns what the compiler printed. Raises ToolError."""
    given = [*flags, *map(str, objects), *_link_flags(), *libraries, "-o", str(program)]
    return _call(compiler, given)


def _link_flags() -> tuple[str, ...]:
    # Unused variants of a kernel must not count as the network's code.
    return ("-Wl,-dead_strip",) if os.uname().sysname == "Darwin" else ("-Wl,--gc-sections",)


def _call(compiler: Compiler, options: Sequence[str]) -> str:
    command = [*compiler.command, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolError(
            f"{command[0]}: the generated C does not build with this compiler\n"
            f"  called   {shlex.join(command)}\n{done.stderr.strip()}\n"
            f"  try      {compiler.advice}"
        )
    return done.stderr
