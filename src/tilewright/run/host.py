"""Runs a bundle on this machine: build it with the system's compiler, feed it, read it back."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import CNames, c_names
from tilewright.errors import MismatchError
from tilewright.ir.graph import ValueName
from tilewright.ir.program import Operand, Program
from tilewright.ir.target import Toolchain
from tilewright.ir.types import Array
from tilewright.run import elf
from tilewright.run.callgrind import count_instructions, find_valgrind
from tilewright.run.compiler import (
    BASE_FLAGS,
    SANITIZE_FLAGS,
    build,
    find_compiler,
    optimising_flags,
)
from tilewright.run.glue import print_glue
from tilewright.run.inputs import Batch, first_inferences
from tilewright.run.result import Linked, RunResult

HARNESS = ("tilewright_host.h", "main.c", "stack.c")
COUNTED_RUNS = 3
"""harness/main.c counts the third run: warm, and on the tensors that the plan keeps."""


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How to run.

    repeat     runs of the whole batch in one process, >= 1
    observes   keep every layer's result
    sanitizes  build with the address and undefined-behaviour sanitizers, unoptimised
    counts     count the instructions of one inference, under valgrind
    """

    repeat: int = 2
    observes: bool = False
    sanitizes: bool = False
    counts: bool = False


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
        layers = _read_layers(built, batch.inferences) if options.observes else ()
        linked = None if options.sanitizes else _linked(built, bundle)
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
    flags += SANITIZE_FLAGS if options.sanitizes else optimising_flags(toolchain.flags)
    log = build(compiler, flags, folder, sources, folder / "network")
    return _Built(program, names, folder, log)


def _command(built: _Built, batch: Batch, runs: int) -> list[str]:
    """Write the input file; how to call the program."""
    feed, out, layers = (built.folder / n for n in ("inputs.bin", "outputs.bin", "layers.bin"))
    columns = [
        np.ascontiguousarray(batch.arrays[o.value.name])
        .reshape(batch.inferences, -1)
        .view(np.uint8)
        for o in built.program.inputs
    ]
    feed.write_bytes(np.concatenate(columns, axis=1).tobytes())
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
    raw = np.fromfile(built.folder / "outputs.bin", np.uint8)
    stack = int(raw[-4:].view(np.int32)[0])
    rows = raw[:-4].reshape(runs, batch.inferences, -1)
    is_identical = bool((rows == rows[:1]).all())
    outputs = _split(rows[0], built.program.outputs)
    return outputs, is_identical, stack if stack >= 0 else None


def _split(rows: Array, operands: Sequence[Operand]) -> dict[ValueName, Array]:
    outputs: dict[ValueName, Array] = {}
    start = 0
    for operand in operands:
        type_ = operand.value.type
        column = np.ascontiguousarray(rows[:, start : start + type_.nbytes])
        outputs[operand.value.name] = column.view(type_.dtype.numpy).reshape(-1, *type_.shape)
        start += type_.nbytes
    return outputs


def _read_layers(built: _Built, inferences: int) -> tuple[tuple[bytes, ...], ...]:
    data = (built.folder / "layers.bin").read_bytes()
    layers = len(built.program.observed)
    found: list[bytes] = []
    at = 0
    while at < len(data):
        layer, size = np.frombuffer(data, np.int32, 2, at).tolist()
        assert layer == len(found) % layers, f"layer {layer} reported out of order"
        found.append(data[at + 8 : at + 8 + size])
        at += 8 + size
    assert len(found) == layers * inferences, f"{len(found)} layer results, wanted {layers}"
    return tuple(tuple(found[i * layers : (i + 1) * layers]) for i in range(inferences))


def _linked(built: _Built, bundle: Bundle) -> Linked | None:
    """Sizes of what the bundle's own object files put into the program."""
    own: set[str] = set()
    for index, source in enumerate(bundle.sources):
        defined = elf.symbols(built.folder / f"{index:03d}_{Path(source).stem}.o")
        if defined is None:
            return None
        own |= {symbol.name for symbol in defined}
    linked = [s for s in elf.symbols(built.path) or () if s.name in own]
    constants = _sizes(linked, bundle.symbols)
    data = [s for s in linked if not s.is_function and s.name not in constants]
    return Linked(
        code=sum(s.size for s in linked if s.is_function),
        constants=constants,
        other=sum(s.size for s in data if not s.is_writable),
        writable=sum(s.size for s in data if s.is_writable),
    )


def _sizes(linked: Sequence[elf.Symbol], wanted: Mapping[str, int]) -> dict[str, int]:
    return {s.name: s.size for s in linked if s.name in wanted}
