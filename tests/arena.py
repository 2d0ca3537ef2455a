"""A plan at work: the network in one array of bytes, block by block."""

import numpy as np

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Plan
from tilewright.ir.types import Array


def run_in_arena(plan: Plan, graph: Graph, inputs: dict[ValueName, Array]) -> dict[str, Array]:
    """The network in one array of bytes: each block is computed from what is there by then."""
    arena = np.full(plan.arena_bytes["ram"], 0xA5, np.uint8)

    def place(name: ValueName) -> Array:
        buffer, type_ = plan.buffer_of(name), graph.type(name)
        assert buffer is not None
        raw = arena[buffer.offset : buffer.offset + type_.nbytes]
        return raw.view(type_.dtype.numpy).reshape(type_.shape)

    for name, array in inputs.items():
        place(name)[...] = array
    for time, step in enumerate(plan.steps):
        if step.kernel is None:
            continue
        scratch = plan.scratch_of(time)
        if scratch is not None:
            arena[scratch.offset : scratch.bytes.stop] = 0x5A
        target = place(step.node.output)
        streaming = step.kernel.streaming
        rank = len(target.shape) - (
            len(target.shape) if streaming is None else streaming.block_axes
        )
        blocks = list(np.ndindex(*target.shape[:rank]))
        for block in in_call_order(blocks, plan.piece_items(time)):
            read = [graph.constants.get(n, place(n)).copy() for n in step.node.inputs]
            target[block] = step.node.op.evaluate(*read)[block]
    return {name: place(name).copy() for name in graph.outputs}


def in_call_order(blocks: list[tuple[int, ...]], piece: int) -> list[tuple[int, ...]]:
    if not piece:
        return blocks
    starts = range(0, len(blocks), piece)
    return [block for start in reversed(starts) for block in blocks[start : start + piece]]
