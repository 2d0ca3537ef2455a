"""Runs the program of a chip on somebody else's simulator of it, which the user has.

It is the program that runs on the simulator that ships here, but nobody can look into its memory:
it says itself what came out and how many cycles an inference took (harness/main.c). There are no
cycles per layer, no stacks and no timeline.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.errors import MismatchError, OptionError, ToolError
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.ir.toolchain import NeededProgram
from tilewright.run.cluster.runner import Built, Chip, build_program, link_with, seen_layers
from tilewright.run.exchange import split_outputs
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.linked import linked_sizes
from tilewright.run.result import Count, RunResult

MARK = "tilewright "
"""What lines of the program's own begin with; a simulator may print others."""

LIMIT_SECONDS = 3600
"""How long a run may take: such simulators take seconds for a million cycles."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """Somebody else's simulator of a chip.

    program    what is looked for on PATH, and where to get it
    arguments  of its command line, for a program and a folder that it may write to
    """

    chip: Chip
    program: NeededProgram
    arguments: Callable[[Path, Path], tuple[str, ...]]


def run_outside(
    emulator: Emulator,
    bundle: Bundle,
    program: Program,
    toolchain: Toolchain,
    batch: Batch,
    options: HostOptions,
) -> RunResult:
    """Build in a temporary folder and run ``batch``.

    Raises ToolError where a program is missing or fails, MismatchError where the network fails,
    OptionError for what only the simulator that ships here can do.
    """
    name = emulator.program.name
    if options.sanitizes or options.counts:
        raise OptionError(
            f"--runner {name}: it runs programs as they are and says cycles in total only; "
            "leave --runner out for --count, --profile and --sanitize"
        )
    path = shutil.which(name)
    if path is None:
        raise ToolError(
            f"--runner {name}: {name} is not on PATH; {emulator.program.source}, or leave "
            "--runner out: the simulator that ships here needs nothing else"
        )
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        folder = Path(temporary) / "build"
        built = build_program(emulator.chip, bundle, program, toolchain, folder, options)
        link_with(built, toolchain, batch, options, says=True)
        said = _run(path, emulator, built)
        linked = None if options.observes else linked_sizes(bundle, folder, built.path)
    raw, repeat = _bytes_of(said, "results"), options.repeat
    outputs, is_identical = split_outputs(program, raw, batch.inferences, repeat)
    seen = _bytes_of(said, "layers")
    layers = seen_layers(program, seen, batch.inferences) if options.observes else ()
    cycles = int.from_bytes(_bytes_of(said, "cycles"), "little")
    gaps = emulator.chip.gaps
    return RunResult(
        outputs, repeat, is_identical, layers, None, linked, Count("cycles", cycles, ()),
        built.log + said, gaps=gaps(program) if gaps is not None else (),
    )  # fmt: skip


def _run(path: str, emulator: Emulator, built: Built) -> str:
    """What the program printed. Raises ToolError, MismatchError."""
    name, work = emulator.program.name, built.folder / "simulator"
    work.mkdir()
    command = [path, *emulator.arguments(built.path, work)]
    try:
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, errors="replace", check=False,
            timeout=LIMIT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ToolError(f"{name} ran for {LIMIT_SECONDS} s without an end: stopped") from None
    except OSError as error:
        raise ToolError(f"{path} cannot be started: {error.strerror}") from error
    if f"{MARK}end" in done.stdout.splitlines():
        return done.stdout
    told = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
    if done.returncode != 0:
        raise ToolError(f"{name} ended with code {done.returncode}: {' '.join(command)}\n{told}")
    raise MismatchError(
        f"{built.program.name}: the compiled network did not come to its end on {name}\n{told}"
    )


def _bytes_of(said: str, what: str) -> bytes:
    """Bytes that the program named so. Raises ToolError where a line is no such bytes."""
    start = f"{MARK}{what} "
    lines = [line for line in said.splitlines() if line.startswith(start)]
    try:
        return b"".join(bytes.fromhex(line.removeprefix(start)) for line in lines)
    except ValueError:
        raise ToolError(f"the simulator's output is mixed up in its lines of {what}") from None
