"""Runs a bundle on a board that QEMU emulates: link it for the board, feed it, read it back.

The folder in which QEMU runs is the board's disk: see qemu/main.c for its files.
"""

import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import CNames, c_names
from tilewright.backend.print_link_script import ARENA_SECTION, print_link_script
from tilewright.errors import MismatchError, OptionError, ToolError
from tilewright.ir.board import Board
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.run import elf
from tilewright.run.compiler import BASE_FLAGS, Compiler, build
from tilewright.run.exchange import input_bytes, split_layers, split_outputs
from tilewright.run.glue import print_glue
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.qemu_count import read_count, write_plan
from tilewright.run.qemu_plugin import build_plugin
from tilewright.run.result import Linked, RunResult

KIND = "qemu-arm"
"""Toolchain.kind of what this module runs."""

HARNESS = ("main.c", "semihosting.c", "semihosting.h")
SECONDS = 600
"""How long QEMU may take; it executes some 500 million instructions in a second."""

_PACKAGES = {
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
}


@dataclass(frozen=True, slots=True)
class _Built:
    """A program linked for a board, in its folder."""

    program: Program
    names: CNames
    folder: Path
    log: str

    @property
    def path(self) -> Path:
        return self.folder / "network.elf"


def run_on_qemu(
    bundle: Bundle, program: Program, toolchain: Toolchain, batch: Batch, options: HostOptions
) -> RunResult:
    """Build in a temporary folder and run ``batch`` on the emulated board; always counts.

    Raises ToolError where compiler or QEMU is missing or fails, MismatchError where the program
    itself fails, OptionError for sanitizers, which bare metal has none of.
    """
    board = toolchain.board
    assert board is not None, "a toolchain for bare metal without a board"
    if options.sanitizes:
        raise OptionError("--sanitize: sanitizers need an operating system; use --target host")
    for tool in (toolchain.compiler, toolchain.emulator[0]):
        find_tool(tool)
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        built = _build(bundle, program, toolchain, board, options, Path(temporary) / "build")
        log = built.log + _execute(built, toolchain, batch, options.repeat)
        raw = (built.folder / "outputs.bin").read_bytes()
        outputs, is_identical = split_outputs(program, raw[:-4], batch.inferences, options.repeat)
        stack = int(np.frombuffer(raw[-4:], np.int32)[0])
        seen = (built.folder / "layers.bin").read_bytes()
        observed = options.observes
        layers = split_layers(seen, len(built.names.layers), batch.inferences) if observed else ()
        symbols = elf.symbols(built.path) or ()
        count = read_count(built.folder / "count.bin", symbols, len(built.names.layers))
        linked = _linked(built, bundle)
    return RunResult(outputs, options.repeat, is_identical, layers, stack, linked, count, log)


def find_tool(name: str) -> str:
    """The path of a program. Raises ToolError with the package to install."""
    path = shutil.which(name)
    if path is None:
        raise ToolError(
            f"{name} is not installed, and running on an emulated board needs it; install it "
            f"(Debian and Ubuntu: apt-get install {_PACKAGES.get(name, name)}) or use --target host"
        )
    return path


def _build(
    bundle: Bundle,
    program: Program,
    toolchain: Toolchain,
    board: Board,
    options: HostOptions,
    folder: Path,
) -> _Built:
    bundle.write_to(folder)
    resources = files("tilewright.run")
    for name in HARNESS:
        text = resources.joinpath("qemu", name).read_text(encoding="utf-8")
        (folder / _harness_name(name)).write_text(text)
    header = resources.joinpath("harness", "tilewright_host.h").read_text(encoding="utf-8")
    (folder / "tilewright_host.h").write_text(header)
    names = c_names(program)
    (folder / "harness_glue.c").write_text(print_glue(program, names, ARENA_SECTION))
    (folder / "harness_startup.c").write_text(board.startup.read_text(encoding="utf-8"))
    (arena_in,) = program.arena_bytes
    (folder / "board.ld").write_text(print_link_script(board, arena_in))
    own = ["main", "semihosting", "glue", "startup"]
    sources = [folder / name for name in (*bundle.sources, *(f"harness_{n}.c" for n in own))]
    flags = [*BASE_FLAGS, *toolchain.flags, *(("-DTW_OBSERVE",) if options.observes else ())]
    flags += ["-nostartfiles", f"-Wl,-T,{folder / 'board.ld'}"]
    compiler = Compiler((find_tool(toolchain.compiler),), "")
    log = build(compiler, flags, folder, sources, folder / "network.elf")
    return _Built(program, names, folder, log)


def _harness_name(name: str) -> str:
    return f"harness_{name}" if name.endswith(".c") else name


def _execute(built: _Built, toolchain: Toolchain, batch: Batch, runs: int) -> str:
    head = np.array([batch.inferences, runs], np.int32).tobytes()
    (built.folder / "inputs.bin").write_bytes(head + input_bytes(built.program, batch))
    # The second run starts warm; a third one is again on the tensors that the plan keeps.
    counted = min(2, runs - 1) * batch.inferences
    run = f"tw_{built.program.name}_run"
    write_plan(built.folder / "plan.bin", elf.symbols(built.path) or (), run, counted)
    plugin = build_plugin(find_tool(toolchain.emulator[0]))
    command = [
        find_tool(toolchain.emulator[0]), *toolchain.emulator[1:],
        "-display", "none", "-monitor", "none", "-serial", "none", "-no-reboot",
        "-semihosting-config", "enable=on,target=native",
        "-plugin", f"{plugin},plan=plan.bin,out=count.bin",
        "-kernel", built.path.name,
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=built.folder, capture_output=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ToolError(
            f"{command[0]} did not finish within {SECONDS} s\n  called   {shlex.join(command)}\n"
            "  try      fewer inferences"
        ) from None
    said = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != 0:
        raise MismatchError(
            f"{built.program.name}: the compiled network ended with code {done.returncode} on "
            f"the emulated board\n{said.strip()}\n"
            "this is a bug in tilewright; please attach the model and this text"
        )
    return said


def _linked(built: _Built, bundle: Bundle) -> Linked:
    """Sizes of what the bundle's own object files put into the program."""
    own: set[str] = set()
    for index, source in enumerate(bundle.sources):
        defined = elf.symbols(built.folder / f"{index:03d}_{Path(source).stem}.o")
        own |= {symbol.name for symbol in defined or ()}
    linked = [s for s in elf.symbols(built.path) or () if s.name in own]
    constants = {s.name: s.size for s in linked if s.name in bundle.symbols}
    data = [s for s in linked if not s.is_function and s.name not in constants]
    return Linked(
        code=sum(s.size for s in linked if s.is_function),
        constants=constants,
        other=sum(s.size for s in data if not s.is_writable),
        writable=sum(s.size for s in data if s.is_writable),
    )
