"""Generates text on the simulator of Siracusa that ships here."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import ArrayNames, c_names
from tilewright.errors import MismatchError
from tilewright.ir.program import Program
from tilewright.ir.toolchain import Toolchain
from tilewright.run.compiler import compile_sources, link
from tilewright.run.glue import print_glue_arenas
from tilewright.run.sim.faults import explain
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Outcome, Simulator
from tilewright.run.talk import TalkRequest, TalkResult, read_answer, write_talk
from tilewright.targets.siracusa.link_script import ARENA_SECTIONS, link_script
from tilewright.targets.siracusa.runner import (
    HERE,
    LINK_FLAGS,
    STARTUP,
    find_riscv_gcc,
    flags_of,
)

TOKEN_BYTES = 12
"""What talk.c writes for a token."""


def talk_on_siracusa(
    bundle: Bundle, programs: Sequence[Program], toolchain: Toolchain, request: TalkRequest
) -> TalkResult:
    """Build in a temporary folder and generate; ticks are cycles of core 0.

    Raises ToolError where the compiler is missing or fails, MismatchError where the program itself
    fails, OptionError where the prompt does not fit.
    """
    packed = request.packed()
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        elf = _build(bundle, programs, toolchain, Path(temporary) / "build", packed)
        sim = Simulator(find_machine("siracusa"))
        sim.load(elf)
    outcome = sim.run()
    if outcome is not Outcome.EXITED or sim.exit_code != 0:
        how = explain(sim, outcome) or f"ended with code {sim.exit_code}"
        raise MismatchError(
            f"{bundle.name}: the program failed on siracusa\n{sim.printed}{how}\n"
            "this is a bug in tilewright; please attach the model and this text"
        )
    raw = sim.read(sim.image.symbols["results_start"], TOKEN_BYTES * (request.tokens + 1))
    return read_answer(bundle.name, raw, "cycles")


def _build(
    bundle: Bundle, programs: Sequence[Program], toolchain: Toolchain, folder: Path, packed: bytes
) -> Path:
    first = programs[0]
    compiler = find_riscv_gcc(toolchain)
    sources = write_talk(folder, bundle, first, print_glue_arenas(first, ARENA_SECTIONS))
    for name in ("startup", "runtime", "harness"):
        at = folder / ("kernels" if name == "runtime" else name)
        shutil.copytree(HERE / name, at, dirs_exist_ok=True)
    calls = [call for program in programs for call in program.calls]
    cores = max((call.engine.cores for call in calls), default=1)
    (folder / "talk.ld").write_text(
        link_script(first.arena_bytes.get("L1", 0), cores, _weights_apart(programs))
    )
    (folder / "request.bin").write_bytes(packed)
    (folder / "request.S").write_text(
        f'.section .tw_inputs, "a"\n.incbin "{folder / "request.bin"}"\n'
        '.section .tw_layers, "aw", %nobits\n.space 8\n'
    )
    own = [folder / f"startup/{name}" for name in STARTUP]
    flags = flags_of(toolchain, folder, cores, observes=False)
    everything = [*sources, *own, folder / "harness/talk.c"]
    objects, _ = compile_sources(compiler, flags, folder, everything)
    linking = [*toolchain.flags, *LINK_FLAGS, f"-T{folder / 'talk.ld'}"]
    link(compiler, linking, [*objects, folder / "request.S"], folder / "talk.elf", ("-lgcc",))
    return folder / "talk.elf"


def _weights_apart(programs: Sequence[Program]) -> list[str]:
    """C names of the arrays that lie in weight memory."""
    arrays = ArrayNames()
    found: list[str] = []
    for program in programs:
        names = c_names(program, arrays)
        found += [names.constants[n] for n, m in program.constants_in.items() if m == "WMEM"]
    return list(dict.fromkeys(found))
