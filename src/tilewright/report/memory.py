"""RAM and flash by what fills them, and the tensors that are alive when RAM is fullest."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console, Group

from tilewright.backend.c_names import c_names
from tilewright.backend.print_constants import stored_bytes
from tilewright.backend.print_layer import tile_tables
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.program import InConstant, Program
from tilewright.ir.target import Memory, Role, Target
from tilewright.midend.labels import Labels
from tilewright.midend.usage import activation_bytes, live_at_peak, peak_step
from tilewright.ops.lut import Lut
from tilewright.report.text import Json, facts, paragraph, percent_text, size_text, table
from tilewright.run.result import RunResult


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """One memory of the target.

    size       bytes; None where nothing limits it
    parts      what fills it → bytes; parts that nobody measured are left out
    elsewhere  parts that are told but take nothing of ``size``: on a machine with an operating
               system the stack is the process's
    """

    name: str
    size: int | None
    parts: Mapping[str, int]
    elsewhere: frozenset[str] = frozenset()

    @property
    def used(self) -> int:
        """Bytes of all parts that lie in this memory."""
        return sum(size for part, size in self.parts.items() if part not in self.elsewhere)

    @property
    def short(self) -> int:
        """Bytes that are missing; 0 where all fits."""
        return max(self.used - self.size, 0) if self.size is not None else 0

    def json(self) -> dict[str, Json]:
        """As the machine interface has it."""
        return {"used": self.used, "size": self.size, "parts": dict(self.parts)}


def memory_use(
    target: Target, plan: Plan, program: Program, result: RunResult | None = None
) -> tuple[MemoryUse, ...]:
    """What the plan says and, where the network was built, what the linker and the stack say.

    arena    activations with input and output, as far as they reach
    states   what lives from one run to the next
    scratch  what kernels' working memory adds to the arena beyond that
    stack    measured for one inference on a painted stack
    weights  constants of layers that multiply; tables: of those that look up
    code     functions, and the read-only data that belongs to them
    startup  of a program for bare metal: vectors, reset, library functions, main
    """
    parts: dict[str, dict[str, int]] = {memory.name: {} for memory in target.memories}
    for memory in target.memories:
        _add_arena(parts[memory.name], memory, plan)
        _add_states(parts[memory.name], memory, program)
    _add_constants(parts, target, program)
    if result is not None and result.stack is not None:
        parts[target.toolchain.stack_in or target.near]["stack"] = result.stack
    if result is not None and result.linked is not None:
        parts[target.code_in]["code"] = result.linked.code + result.linked.other
        if result.linked.startup:
            parts[target.code_in]["startup"] = result.linked.startup
    elsewhere = frozenset({"stack"}) if target.toolchain.stack_in is None else frozenset[str]()
    return tuple(MemoryUse(m.name, m.size, parts[m.name], elsewhere) for m in target.memories)


def _add_arena(parts: dict[str, int], memory: Memory, plan: Plan) -> None:
    whole = plan.arena_bytes.get(memory.name, 0)
    if whole == 0:
        return
    reach = activation_bytes(plan, memory.name)
    parts["arena"] = min(reach + -reach % memory.align, whole)
    if whole > parts["arena"]:
        parts["scratch"] = whole - parts["arena"]


def _add_states(parts: dict[str, int], memory: Memory, program: Program) -> None:
    kept = (s.operand.value.type for s in program.states if s.place.memory == memory.name)
    states = sum(type_.nbytes + -type_.nbytes % max(memory.align, 4) for type_ in kept)
    if states:
        parts["states"] = states
        parts["arena"] -= states


def _add_constants(parts: dict[str, dict[str, int]], target: Target, program: Program) -> None:
    """Constants where each lies; tables of tiles with the code."""
    tables = {
        operand.place.name
        for call in program.calls
        if isinstance(call.node.op, Lut)
        for operand in call.inputs
        if isinstance(operand.place, InConstant)
    }
    for name, array in program.constants.items():
        memory = program.constants_in.get(name, target.code_in)
        part = "tables" if name in tables else "weights"
        _add(parts, target.memory(memory), part, stored_bytes(array))
    for size in tile_tables(program, c_names(program)).values():
        _add(parts, target.memory(target.code_in), "tables", size)


def _add(parts: dict[str, dict[str, int]], memory: Memory, part: str, size: int) -> None:
    there = parts[memory.name]
    there[part] = there.get(part, 0) + size + -size % memory.align


@dataclass(frozen=True, slots=True)
class AliveTensor:
    """One row of the table of what is alive at the peak.

    name     the tensor's
    made_by  the node that makes it, which people recognise sooner; the input's own name
    """

    name: str
    made_by: str
    type: str
    size: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `tilewright check` says. All of it comes from the plan: no C compiler is needed."""

    model: str
    target: str
    memories: tuple[MemoryUse, ...]
    bound: int
    peak_memory: str
    peak_node: str
    alive: tuple[AliveTensor, ...]
    refusal: str = ""
    """Why the planner found nothing; the rest is then about memories without limits."""

    @property
    def fits(self) -> bool:
        """Whether every memory with a size holds what it must."""
        return not self.refusal and all(not memory.short for memory in self.memories)

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "model": self.model,
            "target": self.target,
            "fits": self.fits,
            "refusal": self.refusal or None,
            "memory": {memory.name: memory.json() for memory in self.memories},
            "lower_bound": self.bound,
            "peak": {
                "memory": self.peak_memory,
                "node": self.peak_node,
                "alive": [
                    {
                        "name": t.name,
                        "made_by": t.made_by,
                        "type": t.type,
                        "bytes": t.size,
                        "start": t.start,
                        "stop": t.stop,
                    }
                    for t in self.alive
                ],
            },
        }

    def show(self, console: Console) -> None:
        """A table of memories, a table of what is alive at the peak, a verdict."""
        console.print(memory_table(self.memories))
        title = f"Alive in {self.peak_memory} while {self.peak_node} runs, where it is fullest"
        rows = [
            (t.made_by, t.type, f"{t.size:,}", f"{t.start:,} .. {t.stop - 1:,}") for t in self.alive
        ]
        console.print(table(title, ("Made by", "<Type", ">Bytes", ">Place in the arena"), rows))
        unknown = "code, the stack (tilewright run measures both)"
        bound = f"no placement of these tensors needs less than {size_text(self.bound)}"
        console.print(facts([("Proven", bound), ("Not counted", unknown)]))
        for memory in self.memories:
            if memory.short and not self.refusal.startswith(f"{memory.name} of "):
                said = f"{memory.name}: {size_text(memory.short)} short of {size_text(memory.size)}"
                paragraph(console, said, "bold red")
        if self.refusal:
            paragraph(console, self.refusal)
        if self.fits and any(memory.size is not None for memory in self.memories):
            paragraph(console, "It fits.", "bold green")


def check_report(
    model: str, target: Target, graph: Graph, plan: Plan, program: Program
) -> CheckReport:
    """Everything that the plan knows about memory."""
    labels = Labels.of(graph, plan.steps)
    memory = target.near
    return CheckReport(
        model,
        target.name,
        memory_use(target, plan, program),
        plan.lower_bound.get(memory, 0),
        memory,
        plan.steps[peak_step(plan, memory)].node.name,
        tuple(_alive(buffer, plan, program, labels) for buffer in live_at_peak(plan, memory)),
    )


def _alive(buffer: Buffer, plan: Plan, program: Program, labels: Labels) -> AliveTensor:
    start, stop = buffer.offset, buffer.bytes.stop
    if buffer.role is Role.SCRATCH:
        made_by = f"scratch of {plan.steps[buffer.lifetime.start].node.name}"
        return AliveTensor(buffer.name, made_by, "bytes", buffer.size, start, stop)
    if buffer.role is Role.TILE:
        copies = "bytes, 2 copies" if buffer.copies == 2 else "bytes"
        made_by = f"part of {labels.label[buffer.values[0]]}"
        return AliveTensor(buffer.name, made_by, copies, buffer.size, start, stop)
    makers = {step.node.output: step.node.name for step in plan.steps}
    name = buffer.values[0]
    states = {state.operand.value.name: state.name for state in program.states}
    born = f"state {states[name]}" if name in states else f"input {name}"
    made_by = makers.get(name, born)
    kept = (state.operand for state in program.states)
    operands = (*program.inputs, *kept, *(call.output for call in program.calls))
    types = {operand.value.name: str(operand.value.type) for operand in operands}
    return AliveTensor(name, made_by, types[name], buffer.size, start, stop)


def memory_table(memories: tuple[MemoryUse, ...]) -> Group:
    """One row per memory and part."""
    rows: list[tuple[str, str, str, str, str]] = []
    for memory in memories:
        share = percent_text(memory.used, memory.size) if memory.size else ""
        rows.append((memory.name, "all", size_text(memory.used), size_text(memory.size), share))
        rows += [("", part, size_text(count), "", "") for part, count in memory.parts.items()]
    return table("Memory", ("Memory", "Part", ">Bytes", ">Limit", ">Used"), rows)
