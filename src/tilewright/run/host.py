"""Runs a bundle on this machine: build it with the system's compiler, feed it, read it back."""

import subprocess
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import CNames, c_names
from tilewright.errors import MismatchError
from tilewright.ir.graph import ValueName
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.ir.types import Array
from tilewright.run.callgrind import count_instructions, find_valgrind
from tilewright.run.compiler import (
    BASE_FLAGS,
    RACE_FLAGS,
    SANITIZE_FLAGS,
    build,
    find_compiler,
    optimising_flags,
)
from tilewright.run.exchange import input_bytes, split_layers, split_outputs
from tilewright.run.glue import print_glue
from tilewright.run.inputs import Batch, first_inferences
from tilewright.run.linked import linked_sizes
from tilewright.run.result import RunResult

HARNESS = ("tilewright_host.h", "main.c", "stack.c")
COUNTED_RUNS = 3
"""harness/main.c counts the third run: warm, and on the tensors that the plan keeps."""


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How to run.

    repeat       runs of the whole batch in one process, >= 1
    observes     keep every layer's result
    sanitizes    build with the address and undefined-behaviour sanitizers, unoptimised
    finds_races  build with the thread sanitizer, unoptimised
    counts       count the instructions of one inference, under valgrind
    """

    repeat: int = 2
    observes: bool = False
    sanitizes: bool = False
    counts: bool = False
    finds_races: bool = False


@dataclass(frozen=True, slots=True)
class _Built:
    """A linked program in its folder."""

    program: Program
    names: CNames
    folder: Path
    log: str

    @property
    def path(self) -> Path:
        return self.folder / "network"


def run_on_host(
    bundle: Bundle, program: Program, toolchain: Toolchain, batch: Batch, options: HostOptions
) -> RunResult:
    """Build in a temporary folder and run ``batch``.

    Raises ToolError where a compiler (or, to count, valgrind) is missing or fails, MismatchError
    where the program itself fails: a sanitizer's finding, a crash.
    """
    if options.counts:
        find_valgrind()  # before the build: nobody should wait for this refusal
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        built = _build(bundle, program, toolchain, options, Path(temporary) / "build")
        log = built.log + _execute(built, batch, options.repeat)
        outputs, is_identical, stack = _read_outputs(built, batch, options.repeat)
        seen, results = (built.folder / "layers.bin").read_bytes(), len(program.observed)
        layers = split_layers(seen, results, batch.inferences) if options.observes else ()
        is_altered = options.sanitizes or options.finds_races
        linked = None if is_altered else linked_sizes(bundle, built.folder, built.path)
        counted = first_inferences(batch, 1)
        count = None
        if options.counts:
            command = _command(built, counted, COUNTED_RUNS)
            run, functions = f"tw_{program.name}_run", built.names.layers
            count = count_instructions(command, built.folder, run, functions)
    return RunResult(outputs, options.repeat, is_identical, layers, stack, linked, count, log)


def _build(
    bundle: Bundle, program: Program, toolchain: Toolchain, options: HostOptions, folder: Path
) -> _Built:
    compiler = find_compiler()
    bundle.write_to(folder)
    for name in HARNESS:
        text = files("tilewright.run").joinpath("harness", name).read_text(encoding="utf-8")
        (folder / f"harness_{name}" if name.endswith(".c") else folder / name).write_text(text)
    names = c_names(program)
    (folder / "harness_glue.c").write_text(print_glue(program, names))
    own = ["harness_main.c", "harness_stack.c", "harness_glue.c"]
    sources = [folder / name for name in (*bundle.sources, *own)]
    flags = [*BASE_FLAGS, *(("-DTW_OBSERVE",) if options.observes else ())]
    flags += _how_to_build(toolchain, options)
    log = build(compiler, flags, folder, sources, folder / "network")
    return _Built(program, names, folder, log)


def _how_to_build(toolchain: Toolchain, options: HostOptions) -> tuple[str, ...]:
    if options.finds_races:
        return RACE_FLAGS
    return SANITIZE_FLAGS if options.sanitizes else optimising_flags(toolchain.flags)


def _command(built: _Built, batch: Batch, runs: int) -> list[str]:
    """Write the input file; how to call the program."""
    feed, out, layers = (built.folder / n for n in ("inputs.bin", "outputs.bin", "layers.bin"))
    feed.write_bytes(input_bytes(built.program, batch))
    return [str(built.path), str(feed), str(out), str(layers), str(batch.inferences), str(runs)]


def _execute(built: _Built, batch: Batch, runs: int) -> str:
    command = _command(built, batch, runs)
    done = subprocess.run(command, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != 0:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
        raise MismatchError(
            f"{built.program.name}: the compiled network ended with {how}\n{said.strip()}\n"
            "this is a bug in tilewright; please attach the model and this text"
        )
    return said


def _read_outputs(
    built: _Built, batch: Batch, runs: int
) -> tuple[dict[ValueName, Array], bool, int | None]:
    """Outputs of the first run, whether all runs gave the same bytes, bytes of stack."""
    raw = (built.folder / "outputs.bin").read_bytes()
    stack = int(np.frombuffer(raw[-4:], np.int32)[0])
    outputs, is_identical = split_outputs(built.program, raw[:-4], batch.inferences, runs)
    return outputs, is_identical, stack if stack >= 0 else None
