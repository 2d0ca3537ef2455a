"""The judge of programs: walks all actions in issue order and follows every byte.

What holds afterwards: every node is computed, by kernels that take such calls and find all that
they read where they look for it; nothing is read or overwritten that a transfer or an engine is
still working with; nothing lies outside of its memory; and all outputs are complete in the end.
Distances, waits, joins, residency and pieces need no rules of their own.
"""

from collections.abc import Iterator

import numpy as np

from tilewright.check.calls import Calls
from tilewright.check.memory import NOTHING, Bytes, Memories, PlanError, Work, need
from tilewright.ir import program as ir
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.index import at
from tilewright.ir.target import Signature, Target
from tilewright.ir.types import Array, Region, Span, TensorType

__all__ = ["PlanError", "check_program"]


def check_program(program: ir.Program, graph: Graph, target: Target) -> None:
    """Raises PlanError naming the first action, or the first fact, that is wrong."""
    for memory, arena in program.arena_bytes.items():
        need(memory in {m.name for m in target.memories}, f"unknown memory {memory}")
        size, own = target.memory(memory).size, program.constants_in.items()
        used = arena + sum(program.constants[name].nbytes for name, where in own if where == memory)
        need(size is None or used <= size, f"{memory} needs {used} of {size} bytes")
    _check_nodes(program, graph, target)
    _check_constants(program, graph)
    arenas = {name: np.full(size, NOTHING) for name, size in program.arena_bytes.items()}
    judged = Calls(program, graph, target, Memories(arenas))
    states = tuple(state.operand for state in program.states)
    for name, where, numbers in _borders(judged, (*program.inputs, *states)):
        judged.memories.do(Work(f"the caller, writing {name}", (), ((where, numbers),)))
    for layer in program.layers:
        for action, tile in layer.issue():
            _act(judged, action, tile)
    for works in judged.memories.under_way.values():
        raise PlanError(f"nobody waits for {works[-1].who}")
    for name, where, numbers in _borders(judged, program.outputs):
        judged.memories.read(where, numbers, f"the network ends with {name}")
    for state, (name, where, _) in zip(program.states, _borders(judged, states), strict=True):
        numbers = judged.numbers(state.after, _whole(graph.type(state.after)))
        judged.memories.read(where, numbers, f"the network ends with state {name}")


def _check_nodes(program: ir.Program, graph: Graph, target: Target) -> None:
    """Every node once: a view, or a call as the graph has it, by a kernel of the target."""
    views = {node.output: node.inputs[0] for node in graph.nodes if node.op.is_view}
    for view, source in program.views.items():
        need(views.get(view) == source, f"{view} is no view of {source}")
    nodes = {node.output: node for node in graph.nodes}
    known = {*program.views}
    beside = [engine.name for engine in target.engines if engine.is_asynchronous]
    for action in (action for layer in program.layers for action in layer.flat()):
        call = action.call if isinstance(action, ir.Offload) else action
        if not isinstance(call, ir.Call):
            continue
        node, engine = call.node, call.engine
        need(nodes.get(node.output) == node, f"{node} is not in the graph")
        need(node.output not in known, f"{node} runs twice")
        known.add(node.output)
        names = (*(operand.value.name for operand in call.inputs), call.output.value.name)
        need(names == (*node.inputs, node.output), f"{node} is called with {names}")
        types = Signature(graph.input_types(node), graph.type(node.output))
        need(call.signature == types, f"{node} is planned for other types")
        need(engine in target.engines, f"{node} runs on an unknown engine")
        need(call.kernel in engine.kernels, f"{node} runs a kernel of another engine")
        job = beside.index(engine.name) if engine.is_asynchronous else None
        own = action.job if isinstance(action, ir.Offload) else None
        is_right = own == job and (job is None or job < program.jobs)
        need(is_right, f"{node} is job {own} of {engine.name}")
    lost = [name for name in nodes if name not in known]
    need(not lost, f"{lost} are never made")


def _check_constants(program: ir.Program, graph: Graph) -> None:
    """Every constant that a kernel reads is there, in that kernel's layout."""
    for call in program.calls:
        arrays = tuple(graph.constants.get(name) for name in call.node.inputs)
        packed = call.kernel.pack(call.node.op, arrays)
        for name, array in zip(call.node.inputs, packed, strict=True):
            if array is None:
                continue
            kept = program.constant(name)
            is_same = kept is not None and (kept.dtype, kept.shape) == (array.dtype, array.shape)
            is_same = is_same and kept is not None and kept.tobytes() == array.tobytes()
            need(is_same, f"{call.node} finds constant {name} in another layout")


def _whole(type_: TensorType) -> Region:
    return tuple(Span(0, extent) for extent in type_.shape)


def _borders(
    judged: Calls, operands: tuple[ir.Operand, ...]
) -> Iterator[tuple[ValueName, Bytes, Array]]:
    """Inputs or outputs of the network: name, place and the numbers that are there when it is
    complete. An output that is a constant lies nowhere."""
    for operand in operands:
        name, type_ = operand.value.name, operand.value.type
        if not isinstance(operand.place, ir.InConstant):
            where = judged.span(name, operand.place, type_, "the caller meets")
            yield name, where, judged.numbers(name, _whole(type_))


def _act(judged: Calls, action: ir.Simple, tile: int) -> None:
    memories = judged.memories
    match action:
        case ir.Call():
            memories.do(judged.work(action, tile))
        case ir.Offload(call, job):
            memories.start(("job", job), judged.work(call, tile), call.engine)
        case ir.Join():
            memories.finish(("job", action.job), f"join for {action.value}", at(action.left, tile))
        case ir.Load(transfer) | ir.Store(transfer):
            channel = at(transfer.channel, tile)
            known = 0 <= channel < judged.program.channels
            need(known, f"{transfer.value} travels on channel {channel}, there is no such")
            is_load = isinstance(action, ir.Load)
            memories.start(channel, _travel(judged, transfer, tile, is_load=is_load))
        case ir.Wait():
            memories.finish(at(action.channel, tile), f"wait for {action.value}")
        case ir.Keep():
            memories.do(_kept(judged, action, tile))


def _travel(judged: Calls, transfer: ir.Transfer, tile: int, *, is_load: bool) -> Work:
    """A box of a tensor, from or to the dense copy of it."""
    name, who = transfer.value, f"{'load' if is_load else 'store'} of {transfer.value}"
    memories, near, far = judged.memories, transfer.near, transfer.far
    stored = judged.stored(name)
    need(transfer.type == stored, f"{who} as {transfer.type}, it is {stored}")
    ways = [dma for dma in judged.target.dmas if dma.between == (far.memory, near.memory)]
    need(transfer.dma in ways, f"{who}: {transfer.dma.name} does not lead there")
    offsets = at(far.plus, tile) + _offsets(transfer.box, tile)
    inside = bool(offsets.size) and 0 <= offsets.min() <= offsets.max() < stored.nbytes
    need(inside, f"{who} moves bytes that it does not have")
    judged.check_place(name, near, who)
    start = near.offset + at(near.plus, tile)
    need(start % judged.target.memory(near.memory).align == 0, f"{who}: {start} is not aligned")
    dense = memories.bytes(near.memory, start, offsets.size, who)
    if isinstance(far, ir.InConstant):
        name = judged.program.shared.get(name, name)
        is_there = far.name == name and far.memory == judged.program.constants_in[name]
        need(is_load and is_there, f"{who} moves the constant {far.name} in {far.memory}")
        first = memories.number(name, 0, stored.nbytes)
        return Work(who, (), ((dense, first + offsets),))
    judged.check_place(name, far, who)
    offsets = far.offset + offsets
    box = Bytes(far.memory, int(offsets.min()), int(offsets.max()) + 1, offsets)
    memories.bytes(far.memory, box.start, box.stop - box.start, who)
    source, target = (box, dense) if is_load else (dense, box)
    return Work(who, (source,), ((target, memories.found(source).copy()),))


def _offsets(box: ir.Box, tile: int) -> Array:
    offsets = np.arange(at(box.run, tile))
    for count, stride in zip(reversed(box.counts), reversed(box.strides), strict=True):
        offsets = (np.arange(at(count, tile))[:, None] * stride + offsets).reshape(-1)
    return offsets


def _kept(judged: Calls, keep: ir.Keep, tile: int) -> Work:
    """Rows that move within a tile buffer, or from its other copy."""
    who, size = f"keeping rows of {keep.value}", at(keep.size, tile)
    judged.check_place(keep.value, keep.place, who)
    memory, front = keep.place.memory, keep.place.offset + at(keep.place.plus, tile)
    source = judged.memories.bytes(memory, front + at(keep.start, tile), size, who)
    target = judged.memories.bytes(memory, front, size, who)
    return Work(who, (source,), ((target, judged.memories.found(source).copy()),))
