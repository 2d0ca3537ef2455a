"""The whole compiler on one page: follow the types downwards.

model file ─ import_graph ─▶ Graph ─ simplify ─▶ Graph ─ lower ─▶ Graph in exact integers
─ optimise ─▶ Graph ─ assign ─▶ Assignment ─ plan_memory ─▶ Plan ─ stage ─▶ Program
─ check_program ─ print_bundle ─▶ Bundle
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import identifier
from tilewright.backend.late_joins import with_late_joins
from tilewright.backend.print_bundle import print_bundle
from tilewright.backend.print_weights import Where
from tilewright.backend.stage import stage
from tilewright.check.judge import PlanError, check_program
from tilewright.errors import CapacityError, CompileError, ModelError, OptionError, did_you_mean
from tilewright.frontend.lower import lower
from tilewright.frontend.rewrites.engine import Rewritten
from tilewright.frontend.rewrites.rules import optimise, simplify
from tilewright.frontend.sizes import need_plannable
from tilewright.frontend.states import with_states
from tilewright.ir.graph import Contract, Graph
from tilewright.ir.plan import Assignment, Plan
from tilewright.ir.program import Program
from tilewright.ir.target import Memory, Target
from tilewright.ir.types import Array, DType, Shape
from tilewright.midend.few_kernels import SPARES
from tilewright.midend.lockfile import planned_nodes, read_plan
from tilewright.midend.memory.spread import spread
from tilewright.midend.pins import PinWishes, broken_pins, pins_for
from tilewright.midend.solved import Wanted, solved, split_and_laid_out
from tilewright.midend.split import unsplit_names
from tilewright.midend.states import with_states_in_place
from tilewright.midend.summary import check_summary
from tilewright.report.memory import memory_use
from tilewright.report.overflow import overflow

MOST_MEMORY = 1 << 40
"""Bytes; sums of sizes and cycles stay far within what the solver counts with."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may ask of a compilation; the defaults are what most people want.

    contract      arithmetic contract; None: the one that the model's file format implies
    input_shapes  graph input → shape, where the file leaves dimensions open
    allow_float   compute what is not quantised, or has no integer form, in float32, instead of
                  refusing it
    prune         remove channels whose weights are all zero
    memory        memory name → bytes, to override the target's sizes
    without       engines of the target that are to compute nothing
    name          C identifier of the network; None: made from the file's name
    effort        how long to look for a plan: quick, normal or best
    optimise      speed: the fastest kernels that are worth their flash; size: fewer kernels, as far
                  as that costs less than a tenth of the cycles; fastest: whatever flash they take
    plan          a stored plan to use instead of looking for one
    pins          what the plan has to keep to: engines, copies, tiles, places of tensors
    weights       where constants go: "c", into C; "blob", into a binary file; "auto": by size
    input_types   graph input → how it is stored, for files in the integer dialect (int8 if unsaid)
    signature     which of a .tflite file's signatures to compile; empty: its first subgraph
    states        pairs of an output and the input that it is in the next run
    initial       such an input → what it is before the first run; real zeros where it is not there
    """

    contract: Contract | None = None
    input_shapes: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    allow_float: bool = True
    prune: bool = True
    memory: Mapping[str, int] = field(default_factory=dict[str, int])
    without: tuple[str, ...] = ()
    name: str | None = None
    effort: str = "normal"
    optimise: str = "speed"
    plan: Path | None = None
    pins: PinWishes = field(default_factory=PinWishes)
    weights: str = "auto"
    input_types: Mapping[str, DType] = field(default_factory=dict[str, DType])
    signature: str = ""
    states: tuple[tuple[str, str], ...] = ()
    initial: Mapping[str, Array] = field(default_factory=dict[str, Array])


@dataclass(frozen=True, slots=True)
class Compilation:
    """Every artefact of one compilation, so that a report or a test can look at any of them."""

    source: Graph
    simplified: Rewritten
    lowered: Graph
    optimised: Rewritten
    assignment: Assignment
    plan: Plan
    program: Program
    bundle: Bundle
    target: Target

    @property
    def graph(self) -> Graph:
        """The graph that was compiled: lowered and optimised."""
        return self.optimised.graph


def compile_model(
    model: Path | str, target: Target | str, options: Options = Options()
) -> Compilation:
    """Model file → bundle of C for ``target``, or the installed one of that name.

    Raises CompileError; writes nothing.
    """
    model = Path(model)
    target = load_target(target) if isinstance(target, str) else target
    made = compile_whatever_flash(model, target, options)
    if short := overflow_of(made, model, options):
        raise CapacityError(short)
    return made


def compile_whatever_flash(model: Path, target: Target, options: Options) -> Compilation:
    """The same, whether or not the constants fit into the memory that is to hold them."""
    target = machine_for(target, options)
    where = where_weights_go(options)
    source = import_graph(model, options)
    simplified = simplify(source)
    contract = choose_contract(source, options.contract)
    lowered = lower(simplified.graph, contract, allow_float=options.allow_float)
    lowered = lowered.with_states_of(source)
    optimised = optimise(lowered, prune=options.prune)
    named = replace(options, name=options.name or identifier(model.stem))
    in_place = with_states_in_place(optimised.graph.with_states_of(source))
    graph, assignment, plan, program = plan_network(in_place, target, named)
    optimised = replace(optimised, graph=graph)
    model_digest = hashlib.sha256(model.read_bytes()).hexdigest()
    bundle = print_bundle(program, plan, graph, model_digest, where)
    return Compilation(
        source, simplified, lowered, optimised, assignment, plan, program, bundle, target
    )


def where_weights_go(options: Options) -> Where:
    """Raises OptionError for what is no such choice."""
    try:
        return Where(options.weights)
    except ValueError:
        choices = ", ".join(where.value for where in Where)
        raise OptionError(f"--weights {options.weights}: there are {choices}") from None


def overflow_of(made: Compilation, model: Path, options: Options) -> str:
    """Why something takes more of a memory than there is; empty where all fits."""
    uses = memory_use(made.target, made.plan, made.program)
    short = next((memory for memory in uses if memory.short), None)
    if short is None:
        return ""
    helps: list[str] = []
    if not options.prune:
        pruned = replace(options, prune=True, memory={})
        again = compile_whatever_flash(model, made.target, pruned)
        if not any(m.short for m in memory_use(again.target, again.plan, again.program)):
            helps.append("channels whose weights are all zero removed (without --no-prune)")
    return overflow(short, made.program, made.target.name, helps)


class Planned(NamedTuple):
    """The graph that is computed, by which kernels, where and when; judged."""

    graph: Graph
    assignment: Assignment
    plan: Plan
    program: Program


def plan_network(graph: Graph, target: Target, options: Options) -> Planned:
    """Lowered graph → its plan, solved or read, and the program that it means.

    Reductions that fit no near memory are split, see midend/split.py. Raises CompileError, and
    PlanError where the compiler itself has made a plan that is wrong.
    """
    name = options.name or identifier(graph.name)
    if options.plan is None:
        graph, assignment, plan = solved(graph, target, _wanted(options))
        plan = spread(graph, plan, target)
        return Planned(graph, assignment, plan, judged_program(graph, plan, target, name))
    try:
        text = options.plan.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"--plan {options.plan}: cannot be read: {error}") from None
    graph = split_and_laid_out(graph, unsplit_names(planned_nodes(text)), target)
    pins = pins_for(options.pins, graph, target)
    plan = read_plan(text, str(options.plan), graph, target)
    try:
        program = judged_program(graph, plan, target, name)
    except PlanError as error:
        finding = str(error).partition("; this is a bug")[0]
        raise OptionError(
            f"{options.plan}: not a plan for this network and these memories: {finding}; make a "
            "new one with compile --save-plan"
        ) from None
    for pin in broken_pins(plan, pins):
        raise OptionError(
            f"{options.plan}: the stored plan does not keep {pin}; make a new one with compile "
            f"--save-plan {pin}"
        )
    return Planned(graph, Assignment(plan.steps, plan.pins), plan, program)


def _wanted(options: Options) -> Wanted:
    if options.optimise not in SPARES:
        raise OptionError(f"--optimise {options.optimise}: there are {', '.join(SPARES)}")
    return Wanted(options.effort, options.pins, SPARES[options.optimise])


def judged_program(graph: Graph, plan: Plan, target: Target, name: str) -> Program:
    """What a plan means, once the judge has found nothing. Raises PlanError where it has."""
    try:
        check_summary(plan, graph)
        program = with_late_joins(stage(graph, plan, target, name))
    except PlanError:
        raise
    except (LookupError, ValueError, AssertionError, StopIteration) as error:
        raise PlanError(f"it means no program: {error}") from error
    check_program(program, graph, target)
    for pin in broken_pins(plan, plan.pins):
        raise PlanError(f"the plan does not keep {pin}")
    return program


def import_graph(model: Path, options: Options = Options()) -> Graph:
    """Model file → source graph; the suffix decides the format. Raises ModelError."""
    if not model.is_file():
        raise ModelError(f"{model}: no such file")
    match model.suffix.lower():
        case ".tflite":
            from tilewright.frontend.tflite_import import import_tflite

            graph = import_tflite(model, options.input_shapes, options.signature)
        case ".onnx":
            from tilewright.frontend.onnx_import import import_onnx

            if options.signature:
                raise OptionError(f"--signature {options.signature}: .tflite files have signatures")
            graph = import_onnx(model, options.input_shapes, options.input_types)
        case suffix:
            raise ModelError(
                f"{model}: cannot tell the format from the suffix {suffix!r}; "
                "give a .tflite or .onnx file"
            )
    for name, value in graph.values.items():
        if name not in graph.constants:
            need_plannable(str(model), name, value.type)
    return with_states(graph, options.states, options.initial)


def choose_contract(graph: Graph, wish: Contract | None) -> Contract:
    """The contract to compile under. Raises OptionError where the wish makes no sense."""
    if wish is None or wish is graph.contract:
        return graph.contract
    if graph.contract is Contract.PULP:
        raise OptionError(
            f"{graph.name}: --contract {wish.value}: the file's own integers are those of contract "
            "pulp; leave --contract out"
        )
    if Contract.LLM in (wish, graph.contract):
        raise OptionError(
            f"{graph.name}: --contract {wish.value} cannot replace {graph.contract.value}; "
            "language models have a contract of their own, and nothing else has it"
        )
    if graph.contract is Contract.FLOAT32:
        raise OptionError(
            f"{graph.name}: --contract {wish.value} needs a quantised model, this one has no "
            "quantised tensors; quantise it first, or leave --contract out"
        )
    if wish is Contract.FLOAT32:
        raise OptionError(
            f"{graph.name}: --contract float32 is for models without quantised tensors"
        )
    return wish


def machine_for(target: Target, options: Options) -> Target:
    """The target with the memories and engines that were asked for. Raises OptionError."""
    return without_engines(with_memory(target, options.memory), options.without)


def without_engines(target: Target, names: Iterable[str]) -> Target:
    """The target less these engines, and less memories that only they reach. An engine A+B is A and
    B at the same time, and is left out with either.

    Raises OptionError for a name that it has not, and where no engine would be left.
    """
    gone = set(names)
    known = {part for engine in target.engines for part in engine.name.split("+")}
    if unknown := sorted(gone - known):
        raise OptionError(
            f"--without {unknown[0]}: target {target.name} has {', '.join(sorted(known))}"
        )
    engines = tuple(e for e in target.engines if gone.isdisjoint(e.name.split("+")))
    if not engines:
        raise OptionError(
            f"--without {','.join(sorted(gone))}: target {target.name} has no other engine; leave "
            "one of them in"
        )
    reached = {reach.memory for engine in engines for reach in engine.reaches}
    reached |= {name for dma in target.dmas for name in dma.between}
    memories = tuple(memory for memory in target.memories if memory.name in reached)
    return replace(target, engines=engines, memories=memories if gone else target.memories)


def with_memory(target: Target, sizes: Mapping[str, int]) -> Target:
    """The target, or its alternative that has memories of these names, with these sizes.

    Raises OptionError for names that neither has, and for sizes that no machine has.
    """
    for name, size in sizes.items():
        if not 0 <= size <= MOST_MEMORY:
            raise OptionError(
                f"--memory {name}: {size:,} B; give 0 to {MOST_MEMORY:,} B, or leave it out where "
                "nothing limits it"
            )
    machines = (target, *target.alternatives)
    chosen = next((m for m in machines if sizes.keys() <= {x.name for x in m.memories}), None)
    if chosen is None:
        first, *others = (", ".join(x.name for x in m.memories) for m in machines)
        known = {x.name for m in machines for x in m.memories}
        wrong = next((name for name in sizes if name not in known), ",".join(sizes))
        instead = "".join(f"; it can have {names} instead" for names in others)
        raise OptionError(
            f"--memory {wrong}: target {target.name} has {first}, not {wrong}{instead}"
        )
    return replace(chosen, memories=tuple(_of_size(m, sizes.get(m.name)) for m in chosen.memories))


def _of_size(memory: Memory, size: int | None) -> Memory:
    """The memory where people give it a size. Raises OptionError below what its runtime takes."""
    if size is None:
        return memory
    if size < memory.reserved:
        raise OptionError(
            f"--memory {memory.name}: {size:,} B; stacks and what cores share take "
            f"{memory.reserved:,} B of it, give more than that"
        )
    return replace(memory, size=size - memory.reserved)


def target_names() -> tuple[str, ...]:
    """Names of all installed targets, in alphabetical order."""
    return tuple(sorted(point.name for point in entry_points(group="tilewright.targets")))


def load_target(name: str) -> Target:
    """An installed target. Raises OptionError for a name that is unknown, CompileError for
    one that is taken twice or whose package is broken."""
    found = [p for p in entry_points(group="tilewright.targets") if p.name == name]
    if not found:
        names = target_names()
        raise OptionError(
            f"--target {name}: not installed; there are {', '.join(names)}"
            f"{did_you_mean(name, names)}"
        )
    if len(found) > 1:
        makers = ", ".join(p.value for p in found)
        raise CompileError(f"--target {name}: {len(found)} packages provide it: {makers}")
    (point,) = found
    package = f"package {point.dist.name}" if point.dist else f"the package of {point.value}"
    try:
        target = point.load()
    except Exception as error:
        raise CompileError(
            f"--target {name}: {package}, which provides it as {point.value}, cannot be loaded: "
            f"{type(error).__name__}: {error}; repair or uninstall the package"
        ) from error
    if not isinstance(target, Target):
        raise CompileError(
            f"--target {name}: {package} provides {point.value}, which is a "
            f"{type(target).__name__}, no tilewright Target; repair or uninstall the package"
        )
    return target
