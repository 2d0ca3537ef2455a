"""One stable text form per artefact: for goldens, ``--dump``, docs and bug reports."""

from collections.abc import Iterator

from tilewright.ir.graph import Graph, Node, Value
from tilewright.ir.plan import Plan
from tilewright.ir.program import Call, InArena, Operand, Program


def dump_graph(graph: Graph) -> str:
    """Inputs, nodes in issue order with the types of what they read and make, outputs."""
    lines = [f"graph {graph.name} contract {graph.contract.value} {graph.macs} MACs"]
    lines += [f"  input  {_value(graph.values[name])}" for name in graph.inputs]
    for node in graph.nodes:
        lines += _node(graph, node)
    lines += [f"  output {name}" for name in graph.outputs]
    return "\n".join(lines) + "\n"


def _node(graph: Graph, node: Node) -> Iterator[str]:
    yield f"  {node.name}: {node.op}"
    for name in node.inputs:
        kind = "const" if name in graph.constants else "reads"
        yield f"    {kind} {_value(graph.values[name])}"
    yield f"    makes {_value(graph.values[node.output])}"


def _value(value: Value) -> str:
    text = f"{value.name}: {value.type}"
    return f"{text} ({value.quantisation})" if value.quantisation is not None else text


def dump_plan(plan: Plan) -> str:
    """Arena sizes, steps with engine and kernel, buffers by offset, permitted sharing."""
    lines = [f"plan for {plan.target}"]
    for memory, size in plan.arena_bytes.items():
        lines.append(f"  arena {memory}: {size} bytes, lower bound {plan.lower_bound[memory]}")
    for index, step in enumerate(plan.steps):
        where = (
            f"{step.engine.name} {step.kernel.symbol}" if step.engine and step.kernel else "view"
        )
        lines.append(f"  step {index}: {step.node.name} on {where}")
    for b in sorted(plan.buffers, key=lambda b: (b.memory, b.offset, b.lifetime)):
        lines.append(
            f"  buffer {b.name}: {b.role.value} {b.memory}[{b.offset}..{b.bytes.stop}) "
            f"steps [{b.lifetime.start}..{b.lifetime.stop}) holds {', '.join(b.values) or '-'}"
        )
    for o in plan.overlaps:
        pieces = f", last {o.piece_items} items first" if o.piece_items else ""
        lines.append(
            f"  share step {o.step}: {o.reader} starts {o.distance} bytes after {o.writer}{pieces}"
        )
    return "\n".join(lines) + "\n"


def dump_program(program: Program) -> str:
    """Actions with the places of their operands and every argument of the kernel."""
    lines = [f"program {program.name}"]
    lines += [f"  input  {_operand(o)}" for o in program.inputs]
    for call in program.calls:
        lines += _call(call)
    lines += [f"  output {_operand(o)}" for o in program.outputs]
    return "\n".join(lines) + "\n"


def _call(call: Call) -> Iterator[str]:
    yield f"  call {call.kernel.symbol} on {call.engine.name} for {call.node.name}"
    for pointer, operand in zip(call.kernel.pointers, (*call.inputs, call.output), strict=True):
        yield f"    .{pointer} = {_operand(operand)}"
    if call.scratch is not None:
        place = f"{call.scratch.memory}+{call.scratch.offset}"
        yield f"    .scratch = {place} ({call.scratch_bytes} bytes)"
    for member, value in call.kernel.fields(call.node.op, call.signature).items():
        yield f"    .{member} = {value}"


def _operand(operand: Operand) -> str:
    place = operand.place
    where = f"{place.memory}+{place.offset}" if isinstance(place, InArena) else "constant"
    return f"{where}: {operand.value.name} {operand.value.type}"
