"""Runs a bundle on a board that QEMU emulates: link it for the board, feed it, read it back.

The folder in which QEMU runs is the board's disk: see main.c for its files.
"""

import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import CNames, c_names
from tilewright.errors import MismatchError, OptionError, ToolError
from tilewright.ir.program import Program
from tilewright.ir.toolchain import NeededProgram, Toolchain
from tilewright.run import elf
from tilewright.run.compiler import Compiler, compile_sources, link
from tilewright.run.exchange import input_bytes, split_layers, split_outputs
from tilewright.run.glue import print_glue
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.linked import linked_sizes
from tilewright.run.result import Linked, RunResult
from tilewright.targets.cortex_m.board import EMULATOR, Board, emulator_options
from tilewright.targets.cortex_m.print_link_script import (
    ARENA_SECTION,
    CONSTANTS_SECTION,
    FLASH_SECTIONS,
    print_link_script,
)
from tilewright.targets.cortex_m.print_project import FLAGS, board_files, print_main
from tilewright.targets.cortex_m.qemu.counts import read_count, read_mnemonics, write_plan
from tilewright.targets.cortex_m.qemu.plugin import build_plugin

SECONDS = 600
"""How long QEMU may take; it executes some 500 million instructions in a second."""

STACK_BYTES = 32 << 10
"""Of the harness: what a network takes of it is measured, so it must not be short."""

NEEDS = (
    NeededProgram(
        "arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi",
        "run, verify: building for Cortex-M boards",
    ),
    NeededProgram(
        EMULATOR, "qemu-system-arm", "run, verify: emulating Cortex-M boards"
    ),
)  # fmt: skip
PACKAGES = {program.name: program.package for program in NEEDS}


@dataclass(frozen=True, slots=True)
class _Job:
    """One network on one board, and the folder in which it is built and run."""

    bundle: Bundle
    program: Program
    toolchain: Toolchain
    board: Board
    folder: Path

    @property
    def names(self) -> CNames:
        return c_names(self.program)

    @property
    def harness(self) -> Path:
        """The program that reads inputs and writes outputs."""
        return self.folder / "harness.elf"

    @property
    def firmware(self) -> Path:
        """The program that `tilewright compile --project` makes, for its sizes."""
        return self.folder / "firmware.elf"


def run_on_qemu(
    board: Board,
    bundle: Bundle,
    program: Program,
    toolchain: Toolchain,
    batch: Batch,
    options: HostOptions,
) -> RunResult:
    """Build in a temporary folder and run ``batch`` on the emulated board; always counts.

    Raises ToolError where compiler or QEMU is missing or fails, MismatchError where the program
    itself fails, OptionError for sanitizers, which bare metal has none of.
    """
    if options.sanitizes:
        raise OptionError("--sanitize: sanitizers need an operating system; use --target host")
    for tool in (toolchain.compiler, EMULATOR):
        find_tool(tool)
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        job = _Job(bundle, program, toolchain, board, Path(temporary) / "build")
        log = _build(job, observes=options.observes) + _execute(job, batch, options.repeat)
        raw = (job.folder / "outputs.bin").read_bytes()
        outputs, is_identical = split_outputs(program, raw[:-4], batch.inferences, options.repeat)
        stack = int(np.frombuffer(raw[-4:], np.int32)[0])
        layers, results = len(job.names.layers), len(program.observed)
        seen = (job.folder / "layers.bin").read_bytes()
        observed = split_layers(seen, results, batch.inferences) if options.observes else ()
        symbols = elf.symbols(job.harness) or ()
        mnemonics = read_mnemonics(_disassembly(job))
        count = read_count(job.folder / "count.bin", symbols, layers, mnemonics)
        linked = None if options.observes else _linked(job)
    return RunResult(outputs, options.repeat, is_identical, observed, stack, linked, count, log)


def find_tool(name: str) -> str:
    """The path of a program. Raises ToolError with the package to install."""
    path = shutil.which(name)
    if path is None:
        raise ToolError(
            f"{name} is not installed, and running on an emulated board needs it; install it "
            f"(Debian and Ubuntu: apt-get install {PACKAGES.get(name, name)}) or use --target host"
        )
    return path


def _build(job: _Job, *, observes: bool) -> str:
    """Both programs; with ``observes`` only the harness. Returns what the compiler printed."""
    _write_sources(job)
    board, folder = job.board, job.folder
    own = [f"board/{p.name}" for p in (*board.startup, *board.emulated) if p.suffix == ".c"]
    names = [*job.bundle.sources, *own, "harness_main.c", "harness_glue.c", "main.c"]
    advice = f"install {PACKAGES.get(job.toolchain.compiler, job.toolchain.compiler)}, version 12"
    compiler = Compiler((find_tool(job.toolchain.compiler),), "", advice)
    flags = [*FLAGS, *job.toolchain.flags, f"-I{folder / 'board'}"]
    flags += ["-DTW_OBSERVE"] if observes else []
    sources = [folder / name for name in names]
    objects, log = compile_sources(compiler, flags, folder, [*sources, *job.toolchain.sources])
    made = dict(zip(names, objects, strict=False))
    library = objects[len(names) :]
    linking = [*flags, "-nostartfiles"]
    harness = [*(made[name] for name in names if name != "main.c"), *library]
    log += link(compiler, [*linking, f"-Wl,-T,{folder / 'harness.ld'}"], harness, job.harness)
    if not observes:
        skipped = ("harness_main.c", "harness_glue.c", *(n for n in own if _is_emulated(n, board)))
        firmware = [*(made[name] for name in names if name not in skipped), *library]
        script = f"-Wl,-T,{folder / 'board.ld'}"
        log += link(compiler, [*linking, script], firmware, job.firmware)
    return log


def _is_emulated(name: str, board: Board) -> bool:
    return Path(name).name in {path.name for path in board.emulated}


def _write_sources(job: _Job) -> None:
    job.bundle.write_to(job.folder)
    (arena_in,) = job.program.arena_bytes
    resources = files("tilewright.run").joinpath("harness")
    here = Path(__file__).parent
    scripts = {
        f"{name}.ld": print_link_script(job.board, job.bundle.name, arena_in, {}, stack_bytes)
        for name, stack_bytes in (("harness", STACK_BYTES), ("board", job.board.stack_bytes))
    }
    texts = {
        **board_files(job.board),
        **scripts,
        "main.c": print_main(job.program),
        "harness_main.c": here.joinpath("main.c").read_text(encoding="utf-8"),
        "harness_glue.c": print_glue(job.program, job.names, ARENA_SECTION),
        "tilewright_host.h": resources.joinpath("tilewright_host.h").read_text(encoding="utf-8"),
    }
    for name, text in texts.items():
        (job.folder / name).parent.mkdir(exist_ok=True)
        (job.folder / name).write_text(text, encoding="utf-8")


def _execute(job: _Job, batch: Batch, runs: int) -> str:
    head = np.array([batch.inferences, runs], np.int32).tobytes()
    (job.folder / "inputs.bin").write_bytes(head + input_bytes(job.program, batch))
    # The second run starts warm; a third one is again on the tensors that the plan keeps.
    counted = min(2, runs - 1) * batch.inferences
    run = f"tw_{job.program.name}_run"
    write_plan(job.folder / "plan.bin", elf.symbols(job.harness) or (), run, counted)
    emulator = find_tool(EMULATOR)
    counting = f"{build_plugin(emulator)},plan=plan.bin,out=count.bin"
    command = [emulator, "-plugin", counting, *emulator_options(job.board), job.harness.name]
    try:
        done = subprocess.run(
            command, cwd=job.folder, capture_output=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ToolError(
            f"{command[0]} did not finish within {SECONDS} s\n  called   {shlex.join(command)}\n"
            "  try      fewer inferences"
        ) from None
    said = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != 0:
        raise MismatchError(
            f"{job.program.name}: the compiled network ended with code {done.returncode} on "
            f"{job.board.name}\n{said.strip()}\n"
            "this is a bug in tilewright; please attach the model and this text"
        )
    return said


def _disassembly(job: _Job) -> str:
    objdump = job.toolchain.compiler.removesuffix("gcc") + "objdump"
    # Named, because objdump does not take vector instructions from the file's attributes. What
    # older M-profile cores have means the same in this architecture.
    newest = ("-m", "armv8.1-m.main")
    command = [find_tool(objdump), "-d", "--no-show-raw-insn", *newest, str(job.harness)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _linked(job: _Job) -> Linked:
    """Sizes of the firmware; what comes from the bundle's own object files is told apart."""
    linked = linked_sizes(job.bundle, job.folder, job.firmware)
    assert linked is not None, "compilers for bare metal write ELF files"
    sizes = elf.section_sizes(job.firmware)
    (arena,) = job.program.arena_bytes.values()
    assert sizes[ARENA_SECTION] == arena, f"{sizes[ARENA_SECTION]} bytes of arena, planned {arena}"
    whole = sum(sizes.get(section, 0) for section in FLASH_SECTIONS)
    startup = whole - sizes[CONSTANTS_SECTION] - linked.code - linked.other
    return replace(linked, startup=startup)
