"""One stable text form per artefact: for goldens, ``--dump``, docs and bug reports."""

from collections.abc import Iterator

from tilewright.ir.graph import Graph, Node, Value
from tilewright.ir.index import Column, Index
from tilewright.ir.plan import Plan
from tilewright.ir.program import (
    Call,
    InConstant,
    Join,
    Keep,
    Load,
    Loop,
    Offload,
    Operand,
    Place,
    Program,
    Simple,
    Store,
    Transfer,
    Wait,
)


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
    lines += [line for index in range(len(plan.groups)) for line in _group(plan, index)]
    return "\n".join(lines) + "\n"


def _group(plan: Plan, index: int) -> Iterator[str]:
    """Tile, loops and holds of a group; nothing for a step that is computed whole, in place."""
    group = plan.groups[index]
    is_in_place = all(hold.is_whole for hold in group.holds.values())
    if group.steps.size == 1 and is_in_place and not group.order:
        return
    tile = "x".join(map(str, group.tile))
    axes = ", ".join(map(str, group.order)) or "none"
    parts = f" sums {group.parts} at a time" if group.parts else ""
    yield f"  group steps [{group.steps.start}..{group.steps.stop}) tile {tile} loops {axes}{parts}"
    for value, hold in group.holds.items():
        early = ", first one early" if value in group.early else ""
        yield f"    {hold.value:8s} {value}{early}"


def dump_program(program: Program) -> str:
    """Actions with the places of their operands and every argument of the kernel.

    What differs from tile to tile is a list in brackets; a line ``tile +1`` begins what a loop does
    for the tile after the one at hand.
    """
    lines = [f"program {program.name}"]
    lines += [f"  input  {_operand(o)}" for o in program.inputs]
    for layer in program.layers:
        for action in layer.actions:
            lines += _loop(action) if isinstance(action, Loop) else _action(action)
    lines += [f"  output {_operand(o)}" for o in program.outputs]
    return "\n".join(lines) + "\n"


def _loop(loop: Loop) -> Iterator[str]:
    yield f"  loop over {loop.tiles} tiles"
    shift = None
    for item in loop.body:
        if item.shift != shift:
            shift = item.shift
            yield f"   tile {shift:+d}"
        yield from (f"  {line}" for line in _action(item.action))
    yield "  end of loop"


def _action(action: Simple) -> Iterator[str]:
    match action:
        case Call():
            yield from _call("call", action)
        case Offload(call, job):
            yield from _call(f"offload job {job}:", call)
        case Join():
            yield f"  join job {action.job} for {action.value}{_when(action.when)}"
        case Load(transfer):
            yield _transfer("load", transfer)
        case Store(transfer):
            yield _transfer("store", transfer)
        case Wait():
            yield f"  wait {action.value} on channel {_index(action.channel)}{_when(action.when)}"
        case Keep():
            rows = f"{_index(action.size)} bytes from +{_index(action.start)} to the front of"
            yield f"  keep {rows} {_place(action.place)}{_when(action.when)}"


def _transfer(what: str, transfer: Transfer) -> str:
    box = transfer.box
    counts = "".join(
        f" x {_index(count)} every {stride}"
        for count, stride in zip(box.counts, box.strides, strict=True)
    )
    return (
        f"  {what} {transfer.value}: {_place(transfer.near)} and {_place(transfer.far)}, "
        f"{_index(box.run)} bytes{counts}, {transfer.dma.name} channel "
        f"{_index(transfer.channel)}{_when(transfer.when)}"
    )


def _call(how: str, call: Call) -> Iterator[str]:
    yield f"  {how} {call.kernel.symbol} on {call.engine.name} for {call.node.name}"
    for pointer, operand in zip(call.kernel.pointers, (*call.inputs, call.output), strict=True):
        yield f"    .{pointer} = {_operand(operand)}"
    if call.scratch is not None:
        place = f"{call.scratch.memory}+{call.scratch.offset}"
        times = f"{call.engine.cores} x " if call.engine.cores > 1 else ""
        yield f"    scratch = {place} ({times}{call.scratch_stride} bytes)"
    rows = [call.kernel.fields(p.op, p.signature) for p in call.filled]
    for member in rows[0]:
        values = [row[member] for row in rows]
        same = all(value == values[0] for value in values)
        yield f"    .{member} = {values[0] if same else values}"


def _operand(operand: Operand) -> str:
    return f"{_place(operand.place)}: {operand.value.name} {operand.value.type}"


def _place(place: Place) -> str:
    plus = "" if place.plus == 0 else f"+{_index(place.plus)}"
    where = "constant" if isinstance(place, InConstant) else f"{place.memory}+{place.offset}"
    return where + plus


def _index(index: Index) -> str:
    return str(list(index.values)) if isinstance(index, Column) else str(index)


def _when(when: Index) -> str:
    return (
        f" in tiles {[t for t, w in enumerate(when.values) if w]}"
        if isinstance(when, Column)
        else ""
    )
