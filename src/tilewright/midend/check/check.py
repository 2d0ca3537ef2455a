"""An independent judge of plans: shares no code with the planner, looks at every pair of buffers.

What holds afterwards: every node runs once and after what it reads; every value has one buffer,
alive while anybody needs it; buffers lie within their memories; and no byte is overwritten while
a later block of a kernel, or a later step, still reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.op import Along, Op
from tilewright.ir.plan import Buffer, Overlap, Plan, Step, scratch_name
from tilewright.ir.target import Role, Signature, Target
from tilewright.ir.types import Array, Span
from tilewright.midend.check.check_calls import call_findings
from tilewright.midend.check.check_parts import part_findings
from tilewright.midend.check.check_stages import stage_findings
from tilewright.midend.check.check_tiles import (
    covered_steps,
    group_of,
    inner_of,
    overwritten_early,
    scratch_wanted,
    tile_findings,
)
from tilewright.midend.check.check_travel import travel_findings
from tilewright.midend.pins import broken_pins


class PlanError(AssertionError):
    """A plan breaks an invariant."""

    def __init__(self, finding: str) -> None:
        super().__init__(f"{finding}; this is a bug in tilewright")


def check_plan(plan: Plan, graph: Graph, target: Target) -> None:
    """Raises PlanError naming the first invariant that the plan breaks."""
    _check_steps(plan, graph)
    covered = covered_steps(plan)
    _need(covered == list(range(len(plan.steps))), f"groups cover the steps {covered}")
    holders = _holders(plan, graph)
    judged = _Judged(plan, graph, target, holders)
    for buffer in plan.buffers:
        _check_bounds(buffer, plan, target)
    for memory, arena in plan.arena_bytes.items():
        size = target.memory(memory).size
        _need(size is None or arena <= size, f"{memory} needs {arena} of {size} bytes")
        _need(plan.lower_bound[memory] <= arena, f"{memory}: arena below its lower bound")
        least = plan.activation_bytes[memory]
        _need(least <= arena, f"{memory}: activations alone need {least} of {arena} bytes")
    _check_lifetimes(judged)
    for time, step in enumerate(plan.steps):
        _check_step_memory(judged, time, step)
    findings = chain(
        travel_findings(plan, graph, target), tile_findings(plan, graph), call_findings(plan),
        part_findings(plan), stage_findings(plan),
    )  # fmt: skip
    for finding in findings:
        raise PlanError(finding)
    for pin in broken_pins(plan, plan.pins):
        raise PlanError(f"the plan does not keep {pin}")
    for one, other in combinations(plan.buffers, 2):
        if one.memory == other.memory and _meet(one.lifetime, other.lifetime):
            _check_pair(judged, one, other)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A plan and what it is judged by; ``holders`` says which buffer holds each value."""

    plan: Plan
    graph: Graph
    target: Target
    holders: Mapping[ValueName, Buffer]


def _need(condition: bool, finding: str) -> None:
    if not condition:
        raise PlanError(finding)


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.stop and other.start < one.stop


def _check_steps(plan: Plan, graph: Graph) -> None:
    """Every node once, as the graph has it, after everything that it reads."""
    known = {*graph.inputs, *graph.constants}
    nodes = {node.output: node for node in graph.nodes}
    for step in plan.steps:
        node = step.node
        _need(nodes.get(node.output) == node, f"{node} is not in the graph")
        _need(node.output not in known, f"{node} runs twice")
        early = [name for name in node.inputs if name not in known]
        _need(not early, f"{node} reads {early} before they are made")
        types = Signature(graph.input_types(node), graph.type(node.output))
        _need(step.signature == types, f"{node} is planned for other types")
        known.add(node.output)
    lost = [name for name in nodes if name not in known]
    _need(not lost, f"{lost} are never made")


def _holders(plan: Plan, graph: Graph) -> dict[ValueName, Buffer]:
    """Value → its buffer. Exactly one for everything that is no constant; views share."""
    holders: dict[ValueName, Buffer] = {}
    for buffer in plan.buffers:
        for value in buffer.values if buffer.role is not Role.TILE else ():
            _need(value not in holders, f"{value} has two buffers")
            holders[value] = buffer
    owners: dict[str, ValueName] = {}
    made = [s.node.output for s in plan.steps if s.kernel and s.node.output not in inner_of(plan)]
    for name in (*graph.inputs, *made):
        _need(name in holders, f"{name} has no buffer")
        buffer = holders[name]
        _need(buffer.name not in owners, f"{name} and {owners.get(buffer.name)} are one buffer")
        owners[buffer.name] = name
        _need(buffer.size >= graph.type(name).nbytes, f"{buffer.name} is too small for {name}")
    for step in plan.steps:
        if step.kernel is None:
            view, source = step.node.output, step.node.inputs[0]
            same = holders.get(view) is not None and holders.get(view) == holders.get(source)
            _need(same, f"{view} is a view of {source} but lies elsewhere")
    return holders


def _check_bounds(buffer: Buffer, plan: Plan, target: Target) -> None:
    """Inside its memory's arena, aligned, and of a kind that the memory holds."""
    memories = {memory.name: memory for memory in target.memories}
    _need(buffer.memory in memories, f"{buffer.name} lies in unknown memory {buffer.memory}")
    memory = memories[buffer.memory]
    arena = plan.arena_bytes.get(memory.name, 0)
    _need(buffer.role in memory.holds, f"{memory.name} holds no {buffer.role.value}")
    _need(buffer.align > 0, f"{buffer.name} is aligned to {buffer.align} bytes")
    inside = buffer.offset >= 0 and buffer.offset + buffer.size <= arena
    _need(inside, f"{buffer.name} at {buffer.bytes} leaves the arena of {arena} bytes")
    aligned = buffer.offset % buffer.align == 0 and buffer.align % memory.align == 0
    _need(aligned, f"{buffer.name} at offset {buffer.offset} is not aligned")


def _check_lifetimes(judged: _Judged) -> None:
    """A buffer lives from what fills it to what reads it last; outputs live to the end."""
    plan, graph, holders = judged.plan, judged.graph, judged.holders
    end = max(len(plan.steps), 1)

    def alive(name: ValueName, time: int, why: str) -> None:
        span = holders[name].lifetime
        _need(span.start <= time < span.stop, f"{name} is not alive at step {time}, {why}")

    for name in graph.inputs:
        alive(name, 0, "when the network starts")
    for name in graph.outputs:
        if name not in graph.constants:
            alive(name, end - 1, "when the network ends")
    for time, step in enumerate(plan.steps):
        for name in (*step.node.inputs, step.node.output):
            if name in holders:
                alive(name, time, f"which is {step.node}")
                element = graph.type(name).dtype.nbytes
                _need(holders[name].offset % element == 0, f"{name} is not aligned")
    for buffer in plan.buffers:
        span = buffer.lifetime
        _need(span.start >= 0 and span.stop <= end, f"{buffer.name} lives outside of the plan")


def _check_step_memory(judged: _Judged, time: int, step: Step) -> None:
    """The engine reaches everything that the step touches, and its kernel has its scratch."""
    if step.kernel is None or step.engine is None:
        _need(step.kernel is None and step.engine is None, f"{step.node} is half a view")
        return
    _need(step.engine in judged.target.engines, f"{step.node} runs on an unknown engine")
    _need(step.kernel in step.engine.kernels, f"{step.node} runs a kernel of another engine")
    refusal = step.kernel.objection(step.node.op, step.signature)
    _need(refusal is None, f"{step.node} runs {step.kernel.symbol}, which refuses: {refusal}")
    holds = group_of(judged.plan, time).holds
    for name in (*step.node.inputs, step.node.output):
        if name in judged.holders and holds[name].is_whole:
            memory = judged.holders[name].memory
            is_reached = step.engine.reach(memory, Role.ACTIVATION) is not None
            _need(is_reached, f"{step.node} cannot reach {name} in {memory}")
    align = judged.target.memory(step.engine.near).align
    wanted = step.engine.scratch_bytes(scratch_wanted(judged.plan, time), align)
    scratch = [
        buffer for buffer in judged.plan.buffers if buffer.name == scratch_name(step.node.output)
    ]
    _need(sum(b.size for b in scratch) >= wanted, f"{step.node} lacks {wanted} bytes of scratch")
    _need(len(scratch) == (wanted > 0), f"{step.node} has {len(scratch)} scratch buffers")
    _need(all(b.memory == step.engine.near for b in scratch), f"{step.node}: scratch elsewhere")


def _check_pair(judged: _Judged, one: Buffer, other: Buffer) -> None:
    """Two buffers that are alive together: apart, or sharing with leave and without loss."""
    if not _meet(one.bytes, other.bytes):
        return
    names = {one.name, other.name}
    leave = next((o for o in judged.plan.overlaps if {o.writer, o.reader} == names), None)
    where = f"{one.name} at {one.bytes} and {other.name} at {other.bytes}"
    if leave is None:
        raise PlanError(f"{where} overlap without leave")
    writer, reader = (one, other) if leave.writer == one.name else (other, one)
    group = group_of(judged.plan, leave.step)
    together = writer.lifetime.start == group.steps.start and reader.lifetime.stop == leave.step + 1
    together = together and leave.step == group.steps.stop - 1
    _need(together, f"{where} overlap for longer than step {leave.step}")
    _need(reader.offset - writer.offset == leave.distance, f"{where} were meant otherwise")
    _check_sharing(judged, leave, writer, reader)


def _check_sharing(judged: _Judged, leave: Overlap, writer: Buffer, reader: Buffer) -> None:
    """No byte of the reader that a later block needs is written, block by block."""
    step = judged.plan.steps[leave.step]
    group = group_of(judged.plan, leave.step)
    if group.order or group.steps.size > 1:
        _need(
            not overwritten_early(judged.plan, leave), f"{step.node} loses bytes of {reader.name}"
        )
        return
    _need(judged.holders[step.node.output] is writer, f"{step.node} does not write {writer.name}")
    if _replaces(judged, leave, step):
        return
    if step.kernel is None or step.kernel.streaming is None or step.engine is None:
        raise PlanError(f"{step.node} makes no promise that lets {reader.name} be overwritten")
    _need(step.engine.cores == 1, f"{step.node} writes from several cores at once")
    streaming, out = step.kernel.streaming, step.signature.output
    blocks = int(np.prod(out.shape[: len(out.shape) - streaming.block_axes]))
    in_pieces = judged.plan.piece_items(leave.step)
    items = step.kernel.items(step.node.op, step.signature)
    _need(not in_pieces or items == blocks, f"{step.node} has {items} items, {blocks} blocks")
    for index, name in enumerate(step.node.inputs):
        if judged.holders.get(name) is not reader:
            continue
        _need(index in streaming.inputs, f"{step.node} may not overwrite its input {name}")
        source = step.signature.inputs[index]
        address = reader.offset - writer.offset + np.arange(source.nbytes)
        is_written = (address >= 0) & (address < out.nbytes)
        write = address // (out.nbytes // blocks)
        reads = _Reads.of(step.node.op, step.signature, index, streaming.block_axes)
        lost = is_written & reads.are_after(write, in_pieces)
        _need(not lost.any(), f"{step.node} overwrites {int(lost.sum())} bytes of {name} too early")


def _replaces(judged: _Judged, leave: Overlap, step: Step) -> bool:
    """Whether the kernel may put its output in the place of just this input."""
    if step.kernel is None or step.kernel.replaces is None or leave.distance:
        return False
    readers = [judged.holders.get(name) for name in step.node.inputs]
    reader = readers[step.kernel.replaces]
    source = step.signature.inputs[step.kernel.replaces]
    return (
        reader is not None
        and reader.name == leave.reader
        and readers.count(reader) == 1
        and source.nbytes == step.signature.output.nbytes
    )


@dataclass(frozen=True, slots=True)
class _Reads:
    """For each byte of an input, the first and the last output block (row-major) that reads it."""

    first: Array
    last: Array
    is_read: Array

    @staticmethod
    def of(op: Op, signature: Signature, index: int, block_axes: int) -> "_Reads":
        """From the operator's own table, one input index at a time."""
        source, out = signature.inputs[index], signature.output
        ones = (1,) * len(source.shape)
        first_on_axis = [np.zeros(ones, np.int64) for _ in out.shape]
        last_on_axis = [np.full(ones, extent - 1, np.int64) for extent in out.shape]
        for dimension, how in enumerate(op.reads(*signature.inputs)[index]):
            if isinstance(how, Along):
                shape = [1] * len(source.shape)
                shape[dimension] = -1
                first, last = _readers_on_axis(how, source.shape[dimension], out.shape[how.axis])
                first_on_axis[how.axis] = np.maximum(first_on_axis[how.axis], first.reshape(shape))
                last_on_axis[how.axis] = np.minimum(last_on_axis[how.axis], last.reshape(shape))
        pairs = list(zip(first_on_axis, last_on_axis, strict=True))
        is_read, first, last = np.ones(ones, np.bool_), np.zeros(ones), np.zeros(ones)
        for axis, (lowest, highest) in enumerate(pairs):
            is_read = is_read & (lowest <= highest)
            if axis < len(out.shape) - block_axes:
                first = first * out.shape[axis] + lowest
                last = last * out.shape[axis] + highest
        per_byte = (
            np.repeat(np.broadcast_to(a, source.shape).reshape(-1), source.dtype.nbytes)
            for a in (first, last, is_read)
        )
        return _Reads(*per_byte)

    def are_after(self, write: Array, in_pieces: int) -> Array:
        """Whether each byte is still read after the block ``write`` was written.

        in_pieces  0: blocks run first to last; else so many blocks per call, last call first
        """
        if not in_pieces:
            return self.is_read & (self.last > write)
        piece, lowest = write // in_pieces, self.first // in_pieces
        # Within the last call that reads the byte, the latest block that may read it.
        latest = np.minimum(self.last, (lowest + 1) * in_pieces - 1)
        if in_pieces == 1:
            latest = self.first
        return self.is_read & ((piece > lowest) | ((piece == lowest) & (latest > write)))


def _readers_on_axis(how: Along, extent: int, outputs: int) -> tuple[Array, Array]:
    """First and last output index that reads each input index; first > last for none."""
    first, last = np.full(extent, outputs), np.full(extent, -1)
    for position in range(outputs):
        span = how.span(Span(position, 1), extent)
        last[span.start : span.stop] = position
        first[span.start : span.stop] = np.minimum(first[span.start : span.stop], position)
    return first, last
