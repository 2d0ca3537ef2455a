"""Generates text on a board that QEMU emulates."""

import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.errors import MismatchError, ToolError
from tilewright.ir.program import Program
from tilewright.ir.toolchain import Toolchain
from tilewright.run.compiler import Compiler, compile_sources, link
from tilewright.run.glue import print_arenas
from tilewright.run.talk import TalkRequest, TalkResult, read_answer, write_talk
from tilewright.targets.cortex_m.board import EMULATOR, Board, emulator_options
from tilewright.targets.cortex_m.print_link_script import ARENA_SECTION, print_link_script
from tilewright.targets.cortex_m.print_project import FLAGS, board_files
from tilewright.targets.cortex_m.qemu.runner import PACKAGES, SECONDS, STACK_BYTES, find_tool

CLOCKS = {"mps2-an386": 25, "mps2-an500": 25, "mps2-an505": 20, "mps3-an547": 32}
"""Board → MHz of the processor's clock as QEMU has it, which its system timer counts."""


def talk_on_qemu(
    board: Board,
    bundle: Bundle,
    programs: Sequence[Program],
    toolchain: Toolchain,
    request: TalkRequest,
) -> TalkResult:
    """Build in a temporary folder and generate on the emulated board.

    Instructions are those of the timer's ticks, 1000 / MHz each: the last few are not told apart.
    Raises ToolError where compiler or emulator is missing or fails, MismatchError where the program
    itself fails, OptionError where the prompt does not fit.
    """
    packed = request.packed()
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        folder = Path(temporary) / "build"
        elf = _build(board, bundle, programs[0], toolchain, folder)
        (folder / "request.bin").write_bytes(packed)
        _execute(board, bundle.name, elf)
        raw = (folder / "answer.bin").read_bytes()
    said = read_answer(bundle.name, raw, "instructions")
    per_tick = 1000 / CLOCKS[board.name]
    return replace(said, ticks=tuple(round(ticks * per_tick) for ticks in said.ticks))


def _build(
    board: Board, bundle: Bundle, program: Program, toolchain: Toolchain, folder: Path
) -> Path:
    attribute = f'__attribute__((section("{ARENA_SECTION}"))) '
    sources = write_talk(folder, bundle, program, print_arenas(program, attribute))
    (arena_in,) = program.arena_bytes
    main = Path(__file__).with_name("talk.c").read_text(encoding="utf-8")
    script = print_link_script(board, bundle.name, arena_in, {}, STACK_BYTES)
    for name, text in {**board_files(board), "talk_main.c": main, "talk.ld": script}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    own = [folder / name for name in board_files(board) if name.endswith(".c")]
    advice = f"install {PACKAGES.get(toolchain.compiler, toolchain.compiler)}, version 12"
    compiler = Compiler((find_tool(toolchain.compiler),), "", advice)
    flags = [*FLAGS, *toolchain.flags, f"-I{folder / 'board'}"]
    everything = [*sources, *own, folder / "talk_main.c", *toolchain.sources]
    objects, _ = compile_sources(compiler, flags, folder, everything)
    linking = [*flags, "-nostartfiles", f"-Wl,-T,{folder / 'talk.ld'}"]
    link(compiler, linking, objects, folder / "talk.elf")
    return folder / "talk.elf"


def _execute(board: Board, name: str, elf: Path) -> None:
    emulator = find_tool(EMULATOR)
    command = [emulator, "-icount", "shift=0", *emulator_options(board), elf.name]
    try:
        done = subprocess.run(
            command, cwd=elf.parent, capture_output=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ToolError(
            f"{EMULATOR} did not finish within {SECONDS} s\n  called   {shlex.join(command)}\n"
            "  try      fewer --tokens"
        ) from None
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise MismatchError(
            f"{name}: the program ended with code {done.returncode} on {board.name}\n{said}\n"
            "this is a bug in tilewright; please attach the model and this text"
        )
