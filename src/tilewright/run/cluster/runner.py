"""Builds a bundle for a cluster of cores and runs it on the simulator that ships here.

Cycles are those of the core that runs the network, from the entry of tw_NAME_run to its end, in
the second run: nothing is added to the program to measure it.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import CNames, c_names
from tilewright.errors import MismatchError, OptionError, ToolError
from tilewright.ir.graph import ValueName
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.ir.types import Array
from tilewright.run import elf
from tilewright.run.compiler import Compiler, compile_sources, link
from tilewright.run.exchange import input_bytes, split_layers, split_outputs
from tilewright.run.glue import print_glue
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.linked import linked_sizes
from tilewright.run.result import Count, Energy, RunResult, Speed
from tilewright.run.sim.faults import explain
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Outcome, Simulator
from tilewright.run.sim.timeline import JOBS_TRACK, timeline_text

HERE = Path(__file__).parent
FLAGS = (
    "-std=gnu11", "-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections", "-ffreestanding",
    "-fbuiltin", "-fno-tree-loop-distribute-patterns", "-fno-common",
)  # fmt: skip
LINK_FLAGS = ("-nostdlib", "-nostartfiles", "-static", "-Wl,--no-warn-rwx-segments")
STARTUP = ("start.S", "cluster.c", "memory.c")
ARENA_SECTIONS = {"L1": ".tw_arena_l1", "L2": ".tw_arena_l2"}
"""Memory → section of the network's block there, as link scripts have them."""
ADVICE = "install gcc-riscv64-unknown-elf (Debian and Ubuntu), version 12"
POISON, PAINT = 0xA5, 0x5A
GUARD_BYTES = 16
JOBS_GIVEN = 13
"""Of Simulator.value."""


@dataclass(frozen=True, slots=True)
class Chip:
    """What is different from chip to chip.

    title          its name in messages
    machine        its name for ``tilewright sim``
    folder         has ``startup`` (start.S, cluster.c) and ``runtime`` (headers of kernels)
    link_script    text of the linker script: entries with their names, cores that share calls
    l1_base        address of L1, where the network's block is
    shared_bytes   of L1, behind that block: what cores tell each other
    master         index of the core that runs the network; its stack ends L1
    workers        cores that share calls → indices of those that have a stack below it, in order
    master_stack   bytes
    worker_stack   bytes, of each
    result_bytes   of the memory that inputs and results share
    result_memory  what it is called
    headers        of packs, for the runtime
    guarded        index of a core → symbol of the lowest address of its stack, for others
    meter          begins to measure so many cores; its result says what they took since
    speed          of its clock and of what multiplies
    gaps           of a program: ``RunResult.gaps``
    """

    title: str
    machine: str
    folder: Path
    link_script: Callable[[Sequence[tuple[Program, CNames]], int], str]
    l1_base: int
    shared_bytes: int
    master: int
    workers: Callable[[int], tuple[int, ...]]
    master_stack: int
    worker_stack: int
    result_bytes: int
    result_memory: str
    headers: tuple[Path, ...] = ()
    guarded: Mapping[int, str] = field(default_factory=dict[int, str])
    meter: Callable[[Simulator, int], Callable[[], Energy]] | None = None
    speed: Speed | None = None
    gaps: Callable[[Program], tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A linked program in its folder."""

    chip: Chip
    program: Program
    names: CNames
    folder: Path
    cores: int
    log: str

    @property
    def path(self) -> Path:
        """The program, inputs included."""
        return self.folder / "network.elf"


def filled(text: str, names: Mapping[str, object]) -> str:
    """A script with values in the places of @names@."""
    for name, value in names.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def run_on_chip(
    chip: Chip,
    bundle: Bundle,
    program: Program,
    toolchain: Toolchain,
    batch: Batch,
    options: HostOptions,
) -> RunResult:
    """Build in a temporary folder and run ``batch``; always counts cycles.

    Raises ToolError where the compiler is missing or fails, MismatchError where the program itself
    fails, OptionError for sanitizers and for batches that do not fit the memory of results.
    """
    if options.sanitizes:
        raise OptionError("--sanitize: sanitizers need an operating system; use --target host")
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        folder = Path(temporary) / "build"
        built = build_program(chip, bundle, program, toolchain, folder, options)
        link_with(built, toolchain, batch, options)
        sim = _loaded(built)
        warm = _run(sim, built, min(1, options.repeat - 1) * batch.inferences)
        outputs, is_identical, layers = _results(sim, built, batch, options)
        linked = None if options.observes else linked_sizes(bundle, folder, built.path)
    return RunResult(
        outputs, options.repeat, is_identical, layers, warm.stack, linked, warm.count,
        built.log + sim.printed, warm.energy, warm.timeline,
        chip.speed, chip.gaps(program) if chip.gaps is not None else (),
    )  # fmt: skip


def find_riscv_gcc(chip: Chip, toolchain: Toolchain) -> Compiler:
    """The compiler. Raises ToolError where it is missing."""
    if shutil.which(toolchain.compiler) is None:
        raise ToolError(
            f"{toolchain.compiler} is not installed, and programs for {chip.title} need it; "
            f"{ADVICE}, or use --target host"
        )
    return Compiler((toolchain.compiler,), "", ADVICE)


def flags_of(toolchain: Toolchain, folder: Path, cores: int, *, observes: bool) -> list[str]:
    """How to compile a program for so many cores."""
    flags = [*FLAGS, *toolchain.flags, f"-DTW_CLUSTER_CORES={cores}"]
    flags += [f"-I{folder / 'startup'}", f"-I{folder / 'kernels'}", f"-I{folder / 'startup/libc'}"]
    return flags + (["-DTW_OBSERVE"] if observes else [])


def build_program(
    chip: Chip,
    bundle: Bundle,
    program: Program,
    toolchain: Toolchain,
    folder: Path,
    options: HostOptions,
) -> Built:
    """Write and compile everything but the inputs. Raises ToolError."""
    compiler = find_riscv_gcc(chip, toolchain)
    names = c_names(program)
    cores = max((call.engine.cores for call in program.calls), default=1)
    bundle.write_to(folder)
    copy_sources(chip, folder)
    header = files("tilewright.run").joinpath("harness", "tilewright_host.h")
    (folder / "tilewright_host.h").write_text(header.read_text(encoding="utf-8"))
    (folder / "harness_glue.c").write_text(print_glue(program, names, apart=ARENA_SECTIONS))
    (folder / "program.ld").write_text(chip.link_script([(program, names)], cores))
    own = [*(f"startup/{name}" for name in STARTUP), "harness/main.c", "harness_glue.c"]
    sources = [folder / name for name in (*bundle.sources, *own)]
    flags = flags_of(toolchain, folder, cores, observes=options.observes)
    _, log = compile_sources(compiler, flags, folder, sources)
    return Built(chip, program, names, folder, cores, log)


def copy_sources(chip: Chip, folder: Path) -> None:
    """Start-up code, harness and runtime, beside a bundle."""
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=_is_python)
    shutil.copytree(chip.folder / "startup", folder / "startup", dirs_exist_ok=True)
    shutil.copytree(chip.folder / "runtime", folder / "kernels", dirs_exist_ok=True)
    for header in chip.headers:
        shutil.copy(header, folder / "kernels")


def _is_python(folder: str, names: list[str]) -> list[str]:
    del folder
    return [name for name in names if name.endswith(".py") or name.startswith("__")]


def link_with(
    built: Built, toolchain: Toolchain, batch: Batch, options: HostOptions, *, says: bool = False
) -> None:
    """Link with a batch of inputs. ``says``: the program prints what came out, for runners that
    cannot look into its memory. Raises ToolError, OptionError where the batch is too large."""
    chip, folder, program = built.chip, built.folder, built.program
    head = np.array([batch.inferences, options.repeat, says], np.int32).tobytes()
    data = head + input_bytes(program, batch)
    seen = sum(call.output.value.type.nbytes + 8 for call in program.observed)
    layers = (seen * batch.inferences + 8) if options.observes else 8
    results = options.repeat * batch.inferences * sum(o.value.type.nbytes for o in program.outputs)
    if len(data) + layers + results + 64 > chip.result_bytes:
        raise OptionError(
            f"{batch.inferences} inferences: inputs and results take {len(data) + results:,} B, "
            f"the {chip.result_memory} that holds them {chip.result_bytes:,} B; run fewer "
            "inferences"
        )
    (folder / "inputs.bin").write_bytes(data)
    source = folder / "inputs.S"
    source.write_text(
        f'.section .tw_inputs, "a"\n.incbin "{folder / "inputs.bin"}"\n'
        f'.section .tw_layers, "aw", %nobits\n.space {layers}\n'
    )
    compiler = find_riscv_gcc(chip, toolchain)
    flags = [*toolchain.flags, *LINK_FLAGS, f"-T{folder / 'program.ld'}"]
    link(compiler, flags, [*sorted(folder.glob("*.o")), source], built.path, ("-lgcc",))


def _loaded(built: Built) -> Simulator:
    chip = built.chip
    sim = Simulator(find_machine(chip.machine))
    sim.load(built.path)
    arena = built.program.arena_bytes.get("L1", 0)
    sim.write(chip.l1_base, bytes([POISON]) * (arena + chip.shared_bytes))
    for core, bottom, _ in _stacks(sim, built):
        sim.guard(core, bottom, GUARD_BYTES)
    for core, symbol in chip.guarded.items():
        sim.guard(core, sim.image.symbols[symbol], GUARD_BYTES)
    return sim


def _stacks(sim: Simulator, built: Built) -> Iterator[tuple[int, int, int]]:
    """Every core with the lowest address and the end of its stack."""
    chip = built.chip
    top = sim.image.symbols["cluster_stacks_top"]
    yield chip.master, top - chip.master_stack, top
    for place, core in enumerate(chip.workers(built.cores)):
        end = top - chip.master_stack - place * chip.worker_stack
        yield core, end - chip.worker_stack, end


@dataclass(frozen=True, slots=True)
class _Warm:
    """One inference. ``stack``: bytes of all stacks."""

    count: Count
    stack: int
    energy: Energy | None
    timeline: str


def _run(sim: Simulator, built: Built, skipped: int) -> _Warm:
    """Run to the end and say what the inference after ``skipped`` others did."""
    addresses = _addresses(built)
    run, after = addresses[f"tw_{built.program.name}_run"], addresses["harness_after"]
    for _ in range(skipped):
        _run_to(sim, built, run)
        _run_to(sim, built, after)
    marks = [_run_to(sim, built, run)]
    _paint(sim, built)
    meter = built.chip.meter
    measured = meter(sim, built.cores) if meter is not None else None
    sim.record_timeline()
    given: list[int] = []
    for address in (*(addresses[layer] for layer in built.names.layers), after):
        marks.append(_run_to(sim, built, address))
        given.append(sim.value(JOBS_GIVEN))
    stack = _painted(sim, built)
    energy = measured() if measured is not None else None
    ends = [marks[1], *_layer_ends(sim, marks[2:], given[1:])]
    spans = zip(built.names.layers, ends, ends[1:], strict=False)
    timeline = timeline_text(sim, tuple(spans))
    outcome = sim.run()
    if outcome is not Outcome.EXITED or sim.exit_code != 0:
        raise _failure(sim, built, outcome)
    layers = tuple(b - a for a, b in pairwise(ends))
    return _Warm(Count("cycles", marks[-1] - marks[0], layers), stack, energy, timeline)


def _layer_ends(sim: Simulator, left: Sequence[int], given: Sequence[int]) -> Iterator[int]:
    """When each layer is done: the core has left it, and N-EUREKA has done the jobs that it was
    given until then."""
    jobs = {what: stop for track, what, _, stop in sim.intervals() if track == JOBS_TRACK}
    last = 0
    for mark, count in zip(left, given, strict=True):
        last = max(last, mark, jobs.get(count - 1, 0))
        yield last


def _addresses(built: Built) -> dict[str, int]:
    """Function → address; the compiler's clones of a function go by its name."""
    functions = (s for s in elf.symbols(built.path) or () if s.is_function)
    return {symbol.name.partition(".")[0]: symbol.address for symbol in functions}


def _run_to(sim: Simulator, built: Built, address: int) -> int:
    """Run until the core that runs the network is at an address; its cycle counter there."""
    outcome = sim.run(breakpoint_at=address)
    if outcome is not Outcome.BREAKPOINT:
        raise _failure(sim, built, outcome)
    return sim.counters(built.chip.master).cycles


def _failure(sim: Simulator, built: Built, outcome: Outcome) -> MismatchError:
    how = explain(sim, outcome) or f"ended with code {sim.exit_code}"
    return MismatchError(
        f"{built.program.name}: the compiled network failed on {built.chip.machine}\n"
        f"{sim.printed}{how}\n"
        "this is a bug in tilewright; please attach the model and this text"
    )


def _paint(sim: Simulator, built: Built) -> None:
    """Fill what lies below every core's stack pointer."""
    for core, bottom, _ in _stacks(sim, built):
        below = sim.register(core, 2) - bottom
        sim.write(bottom, bytes([PAINT]) * below)


def _painted(sim: Simulator, built: Built) -> int:
    """Bytes of all stacks that are in use or have been since."""
    used = 0
    for _, bottom, top in _stacks(sim, built):
        data = sim.read(bottom, top - bottom)
        used += len(data.lstrip(bytes([PAINT])))
    return used


def _results(
    sim: Simulator, built: Built, batch: Batch, options: HostOptions
) -> tuple[dict[ValueName, Array], bool, tuple[tuple[bytes, ...], ...]]:
    program, symbols = built.program, sim.image.symbols
    size = sum(operand.value.type.nbytes for operand in program.outputs)
    raw = sim.read(symbols["results_start"], size * batch.inferences * options.repeat)
    outputs, is_identical = split_outputs(program, raw, batch.inferences, options.repeat)
    if not options.observes:
        return outputs, is_identical, ()
    start = symbols["layers_start"]
    seen = sim.read(start, symbols["results_start"] - start)
    return outputs, is_identical, seen_layers(program, seen, batch.inferences)


def seen_layers(program: Program, seen: bytes, inferences: int) -> tuple[tuple[bytes, ...], ...]:
    """[inferences][layer] what main.c keeps of layers; bytes behind its end may be any."""
    stop = 0
    while int.from_bytes(seen[stop : stop + 4], "little", signed=True) >= 0:
        stop += 8 + int.from_bytes(seen[stop + 4 : stop + 8], "little")
    return split_layers(seen[:stop], len(program.observed), inferences)
