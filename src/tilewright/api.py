"""Every command of the command line as a function: same names, same results, as data.

Each returns a report: a frozen dataclass with ``json()`` (what ``--json`` prints) and ``show()``
(what a person reads).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.errors import CapacityError, CompileError, OptionError
from tilewright.frontend.lower import lower
from tilewright.frontend.rewrites.rules import optimise, simplify
from tilewright.ir.dump import dump_graph, dump_plan, dump_program
from tilewright.ir.graph import Graph
from tilewright.ir.target import Target
from tilewright.ir.types import Array
from tilewright.midend.lockfile import plan_text
from tilewright.midend.memory.place_csv import read_problem, solve_placement, write_placement
from tilewright.midend.pins import pins_for
from tilewright.pipeline import (
    Compilation,
    Options,
    choose_contract,
    compile_model,
    compile_whatever_flash,
    import_graph,
    load_target,
    machine_for,
    overflow_of,
    target_names,
)
from tilewright.report.compared import PlanDifference, plan_difference
from tilewright.report.compiled import CompileReport, compile_report
from tilewright.report.explained import ExplainReport, kernel_choices
from tilewright.report.explored import ExploreReport, Point, steps_of
from tilewright.report.inspected import InspectReport, describe, operator_rows
from tilewright.report.installed import DoctorReport, TargetsReport
from tilewright.report.memory import CheckReport, check_report, memory_use
from tilewright.report.placed import PlaceReport
from tilewright.report.problems import find_problems
from tilewright.report.profile import profile
from tilewright.report.running import RunReport, layer_costs
from tilewright.report.verified import VerifyReport
from tilewright.run.clock import time_program
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch, match_inputs, random_batch
from tilewright.run.installed import installed_tools
from tilewright.run.runners import run_bundle
from tilewright.run.subject import Subject
from tilewright.run.verify import verify

logger = logging.getLogger(__name__)

PHASES = ("import", "simplify", "lower", "optimise", "plan", "program")
"""What ``dump_phase`` can print, in the order in which the compiler makes it."""

Model = Path | str


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How to run a compiled network.

    repeat     runs of the whole batch in one process, >= 1
    seed       of the random input that is taken where none is given
    counts     count the instructions of one inference; on the host under valgrind
    profiles   count, and say where: by layer, kernel and function
    sanitizes  build with the address and undefined-behaviour sanitizers
    """

    repeat: int = 2
    seed: int = 0
    counts: bool = False
    profiles: bool = False
    sanitizes: bool = False


def compile_to(
    model: Model,
    folder: Model,
    target: Target | str = "host",
    options: Options = Options(),
    *,
    is_project: bool = False,
    save_plan: Model | None = None,
) -> CompileReport:
    """Compile and write the bundle to ``folder``: all of it or nothing.

    is_project  with all that makes it firmware for the target's board
    """
    compilation = _compile(model, target, options)
    if save_plan is not None:
        write_text(Path(save_plan), plan_text(compilation.plan, compilation.graph))
    bundle = _project(compilation) if is_project else compilation.bundle
    bundle.write_to(Path(folder))
    memories = memory_use(compilation.target, compilation.plan, compilation.program)
    report = compile_report(
        str(model), compilation.target.name, compilation.graph.contract.value,
        compilation.program, bundle,
    )  # fmt: skip
    return replace(
        report, memories=memories, folder=Path(folder), proof=compilation.plan.proof,
        is_replayed=options.plan is not None,
    )  # fmt: skip


def _project(compilation: Compilation) -> Bundle:
    target = compilation.target
    if (project := target.toolchain.project) is None:
        with_board = [t.name for t in list_targets().targets if t.toolchain.project is not None]
        raise OptionError(
            f"--project: target {target.name} has no board to link for; there are "
            f"{', '.join(with_board)}; -o FOLDER writes sources and headers only"
        )
    sizes = {m.name: m.size for m in target.memories if m.size is not None}
    made = project(compilation.bundle, compilation.program, target.toolchain, sizes)
    assert isinstance(made, Bundle), f"the project of {target.name} is no Bundle"
    return made


def run_model(
    model: Model,
    target: Target | str = "host",
    options: Options = Options(),
    *,
    inputs: Mapping[str, Array] | None = None,
    settings: RunSettings = RunSettings(),
) -> RunReport:
    """Compile, build and run. ``inputs``: by name, or in order; None: seeded random ones."""
    compilation = _compile(model, target, options)
    batch = _batch(compilation.graph, inputs, 1, settings.seed)
    logger.info("building and running %s", compilation.program.name)
    counts = settings.counts or settings.profiles
    host = HostOptions(settings.repeat, sanitizes=settings.sanitizes, counts=counts)
    program, toolchain = compilation.program, compilation.target.toolchain
    result = run_bundle(compilation.bundle, program, toolchain, batch, host)
    outputs = {
        name: result.outputs[operand.value.name]
        for name, operand in zip(compilation.source.results, program.outputs, strict=True)
    }
    return RunReport(
        model=str(model),
        target=compilation.target.name,
        contract=compilation.graph.contract.value,
        inferences=batch.inferences, runs=result.runs, runs_identical=result.runs_identical,
        macs=(compilation.source.macs, compilation.graph.macs),
        memories=memory_use(compilation.target, compilation.plan, program, result),
        count_unit=result.count.unit if result.count else "none",
        count_total=result.count.total if result.count else None,
        planned=time_program(program).cycles,
        layers=layer_costs(program, result.count),
        outputs=outputs if batch.is_batched else {n: a[0] for n, a in outputs.items()},
        profile=profile(program, result.count) if settings.profiles and result.count else None,
        energy=result.energy, timeline=result.timeline, speed=result.speed,
        gaps=result.gaps,
    )  # fmt: skip


def verify_model(
    model: Model,
    target: Target | str = "host",
    options: Options = Options(),
    *,
    inputs: Mapping[str, Array] | int = 3,
    sanitizes: bool = False,
) -> VerifyReport:
    """Compare definitions, generated C and a third party.

    inputs  arrays by name or in order, or how many seeded random inferences to take
    """
    compilation = _compile(model, target, options)
    is_random = isinstance(inputs, int)
    batch = _batch(
        compilation.graph, None if is_random else inputs, inputs if is_random else 1, seed=0
    )
    subject = Subject(
        Path(model), compilation.lowered, compilation.graph, compilation.program,
        compilation.bundle, compilation.target.toolchain,
    )  # fmt: skip
    verification = verify(subject, batch, sanitizes=sanitizes, tell=logger.info)
    contract = compilation.graph.contract.value
    return VerifyReport(str(model), compilation.target.name, contract, verification)


def inspect_model(
    model: Model, target: Target | str = "host", options: Options = Options()
) -> InspectReport:
    """What is in a model file, and everything that keeps it from being compiled."""
    logger.info("reading %s", model)
    source = import_graph(Path(model), options)
    simplified = simplify(source)
    contract = choose_contract(source, options.contract)
    problems = find_problems(
        simplified.graph, contract, _loaded(target), allow_float=options.allow_float
    )
    prune = None
    if not problems:
        lowered = lower(simplified.graph, contract, allow_float=options.allow_float)
        prune = optimise(lowered, prune=options.prune).prune
    return InspectReport(
        model=str(model),
        name=source.name,
        contract=contract.value,
        inputs=tuple(describe(source.values[name]) for name in source.inputs),
        outputs=tuple(describe(source.values[name]) for name in source.outputs),
        operators=operator_rows(source),
        notes=source.notes,
        problems=problems,
        prune=prune,
    )


def check_model(
    model: Model, target: Target | str = "host", options: Options = Options()
) -> CheckReport:
    """RAM and flash by what fills them, whether or not they are large enough."""
    sized = machine_for(_loaded(target), options)
    try:
        fixed = replace(options, memory={})
        compilation = compile_whatever_flash(Path(model), sized, fixed)
        refusal = overflow_of(compilation, Path(model), fixed)
    except CapacityError as error:
        unlimited = replace(sized, memories=tuple(replace(m, size=None) for m in sized.memories))
        compilation = _compile(model, unlimited, replace(options, memory={}))
        refusal = str(error)
    report = check_report(
        str(model), sized, compilation.graph, compilation.plan, compilation.program
    )
    return replace(report, refusal=refusal)


def explore_model(
    model: Model,
    memory: str,
    sizes: Sequence[int],
    target: Target | str = "host",
    options: Options = Options(),
) -> ExploreReport:
    """How fast the network is in memories between two sizes.

    memory  the one to vary; the others are as ``options.memory`` says
    sizes   smallest and largest, in bytes; or more than two: these, and none between
    """
    points: list[Point] = []
    for size in reversed(steps_of(sizes)):
        larger = points[-1] if points else None
        # The plan for more memory fits here, too; or there was none, and then there is none here.
        if larger is not None and (larger.used is None or larger.used <= size):
            points.append(replace(larger, size=size))
            continue
        sized = replace(options, memory={**options.memory, memory: size})
        logger.info("planning for %s of %d B", memory, size)
        try:
            compilation = _compile(model, target, sized)
        except CapacityError:
            points.append(Point(size, None, 0, 0))
            continue
        timing = time_program(compilation.program)
        uses = memory_use(compilation.target, compilation.plan, compilation.program)
        used = next(use.used for use in uses if use.name == memory)
        points.append(Point(size, used, timing.cycles, timing.moved))
    return ExploreReport(str(model), _loaded(target).name, memory, tuple(reversed(points)))


def compare_plans(before: Model, after: Model) -> PlanDifference:
    """What changed from one stored plan to another."""
    return plan_difference(Path(before), Path(after))


def explain_model(
    model: Model,
    target: Target | str = "host",
    options: Options = Options(),
    *,
    rule: str | None = None,
    node: str | None = None,
) -> ExplainReport:
    """Which rules changed what, which did not and why, and each node's kernels.

    rule, node  only these
    """
    logger.info("reading %s", model)
    source = import_graph(Path(model), options)
    simplified = simplify(source)
    contract = choose_contract(source, options.contract)
    lowered = lower(simplified.graph, contract, allow_float=options.allow_float)
    optimised = optimise(lowered, prune=options.prune)
    loaded = _loaded(target)
    pins = pins_for(options.pins, optimised.graph, loaded)
    applied = (*simplified.applied, *optimised.applied)
    refused = (*simplified.refused, *optimised.refused)
    return ExplainReport(
        str(model),
        loaded.name,
        tuple(n for n in applied if rule in (None, n.rule) and node in (None, n.node)),
        tuple(n for n in refused if rule in (None, n.rule) and node in (None, n.node)),
        tuple(
            choice
            for choice in (kernel_choices(optimised.graph, loaded, pins) if rule is None else ())
            if node in (None, choice.node)
        ),
    )


def place_pieces(problem: Model, output: Model, capacity: int) -> PlaceReport:
    """Offsets for a table of pieces with lifetimes, written to ``output``.

    capacity  bytes within which every piece must end
    """
    logger.info("placing %s", problem)
    read = read_problem(Path(problem))
    offsets = solve_placement(read, capacity)
    write_placement(Path(output), read, offsets)
    ends = (piece.size + offset for piece, offset in zip(read.pieces, offsets, strict=True))
    return PlaceReport(
        Path(problem), Path(output), capacity, max(ends, default=0), read.busiest[0], offsets
    )


def list_targets() -> TargetsReport:
    """All installed targets, and why some cannot be used."""
    targets: list[Target] = []
    broken: list[str] = []
    for name in dict.fromkeys(target_names()):
        try:
            targets.append(load_target(name))
        except CompileError as error:
            broken.append(str(error))
    return TargetsReport(tuple(targets), tuple(broken))


def doctor() -> DoctorReport:
    """What is installed, what each missing thing would enable, and how to get it."""
    needs = (n for target in list_targets().targets for n in target.toolchain.needs)
    return DoctorReport(installed_tools(needs))


def dump_phase(
    model: Model, phase: str, target: Target | str = "host", options: Options = Options()
) -> str:
    """The text form of what one phase of the compiler makes; later phases do not run."""
    graphs = ("import", "simplify", "lower", "optimise")
    if phase in graphs:
        return dump_graph(_graph_after(model, graphs.index(phase), options))
    if phase not in PHASES:
        raise OptionError(f"--stop-after {phase}: there are {', '.join(PHASES)}")
    compilation = _compile(model, target, options)
    return dump_plan(compilation.plan) if phase == "plan" else dump_program(compilation.program)


def _graph_after(model: Model, phase: int, options: Options) -> Graph:
    source = import_graph(Path(model), options)
    if phase == 0:
        return source
    simplified = simplify(source).graph
    if phase == 1:
        return simplified
    contract = choose_contract(source, options.contract)
    lowered = lower(simplified, contract, allow_float=options.allow_float)
    return lowered if phase == 2 else optimise(lowered, prune=options.prune).graph


def write_text(path: Path, text: str) -> None:
    """A text file. Raises OptionError where it cannot be written."""
    try:
        path.write_text(text)
    except OSError as error:
        raise OptionError(f"{path}: cannot be written: {error.strerror}") from None


def _compile(model: Model, target: Target | str, options: Options) -> Compilation:
    logger.info("compiling %s", model)
    return compile_model(Path(model), _loaded(target), options)


def _loaded(target: Target | str) -> Target:
    return load_target(target) if isinstance(target, str) else target


def _batch(graph: Graph, inputs: Mapping[str, Array] | None, inferences: int, seed: int) -> Batch:
    if inputs is not None:
        return match_inputs(graph, inputs)
    return random_batch(graph, inferences, seed)
