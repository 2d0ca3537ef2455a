"""Generates text on a cluster of cores on the simulator that ships here."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import ArrayNames, c_names
from tilewright.errors import MismatchError
from tilewright.ir.program import Program
from tilewright.ir.toolchain import Toolchain
from tilewright.run import elf
from tilewright.run.cluster.runner import (
    ARENA_SECTIONS,
    LINK_FLAGS,
    STARTUP,
    Chip,
    copy_sources,
    find_riscv_gcc,
    flags_of,
)
from tilewright.run.compiler import compile_sources, link
from tilewright.run.glue import print_arenas_apart
from tilewright.run.result import Energy
from tilewright.run.sim.faults import explain
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Outcome, Simulator
from tilewright.run.talk import TalkRequest, TalkResult, read_answer, write_talk

TOKEN_BYTES = 12
"""What talk.c writes for a token."""


def talk_on_chip(
    chip: Chip,
    bundle: Bundle,
    programs: Sequence[Program],
    toolchain: Toolchain,
    request: TalkRequest,
) -> TalkResult:
    """Build in a temporary folder and generate; ticks are cycles of the core that runs the network.

    Raises ToolError where the compiler is missing or fails, MismatchError where the program itself
    fails, OptionError where the prompt does not fit.
    """
    packed = request.packed()
    cores = max((c.engine.cores for program in programs for c in program.calls), default=1)
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        program = _build(chip, bundle, programs, toolchain, Path(temporary) / "build", packed)
        entry = _entry(program, bundle.name)
        sim = Simulator(find_machine(chip.machine))
        sim.load(program)
    outcome = sim.run(breakpoint_at=entry)
    measured = None
    if outcome is Outcome.BREAKPOINT:
        measured = chip.meter(sim, cores) if chip.meter is not None else None
        outcome = sim.run()
    if outcome is not Outcome.EXITED or sim.exit_code != 0:
        how = explain(sim, outcome) or f"ended with code {sim.exit_code}"
        raise MismatchError(
            f"{bundle.name}: the program failed on {chip.machine}\n{sim.printed}{how}\n"
            "this is a bug in tilewright; please attach the model and this text"
        )
    raw = sim.read(sim.image.symbols["results_start"], TOKEN_BYTES * (request.tokens + 1))
    said = read_answer(bundle.name, raw, "cycles")
    if measured is None:
        return said
    spent = measured()
    each = spent.microjoules / max(len(said.ticks) - 1, 1)
    return replace(said, energy=Energy(each, spent.model))


def _entry(program: Path, name: str) -> int:
    """Address of the function that makes a further token."""
    wanted = f"tw_{name}_decode", f"tw_{name}_run"  # the latter where there is one entry
    return next(s.address for s in elf.symbols(program) or () if s.name in wanted)


def _build(
    chip: Chip,
    bundle: Bundle,
    programs: Sequence[Program],
    toolchain: Toolchain,
    folder: Path,
    packed: bytes,
) -> Path:
    first = programs[0]
    compiler = find_riscv_gcc(chip, toolchain)
    sources = write_talk(folder, bundle, first, print_arenas_apart(first, ARENA_SECTIONS))
    copy_sources(chip, folder)
    cores = max((c.engine.cores for program in programs for c in program.calls), default=1)
    pool = ArrayNames()
    script = chip.link_script([(program, c_names(program, pool)) for program in programs], cores)
    (folder / "talk.ld").write_text(script)
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
