"""A plan at work: the network in one array of bytes, block by block."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.geometry import region_type
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Buffer, Plan, Step
from tilewright.ir.program import TileCall
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, Region, Span, TensorType
from tilewright.midend.tiling.tiles import Tile, tiles_of


def run_in_arena(plan: Plan, graph: Graph, inputs: dict[ValueName, Array]) -> dict[str, Array]:
    """The network in one array of bytes: each block is computed from what is there by then."""
    memory = _Memory(plan, graph, np.full(plan.arena_bytes["ram"], 0xA5, np.uint8))
    for name, array in inputs.items():
        memory.whole(name)[...] = array
    for index, group in enumerate(plan.groups):
        if group.order:
            _run_tiles(memory, index, group)
        elif plan.steps[group.steps.start].kernel is not None:
            _run_whole(memory, group.steps.start)
    return {name: memory.whole(name).copy() for name in graph.outputs}


@dataclass(frozen=True)
class _Memory:
    plan: Plan
    graph: Graph
    arena: Array

    def whole(self, name: ValueName) -> Array:
        """A tensor where it lies."""
        buffer = self.plan.buffer_of(name)
        assert buffer is not None
        return self._view(buffer, self.graph.type(name))

    def part(self, group: int, name: ValueName, tile: Tile) -> Array:
        """What a tile holds of a tensor that is never whole."""
        buffer = self.plan.tile_buffer(group, name)
        return self._view(buffer, region_type(self.graph.type(name), tile.held[name]))

    def _view(self, buffer: Buffer, type_: TensorType) -> Array:
        assert type_.nbytes <= buffer.size
        raw = self.arena[buffer.offset : buffer.offset + type_.nbytes]
        return raw.view(type_.dtype.numpy).reshape(type_.shape)

    def spoil_scratch(self, time: int) -> None:
        """A kernel may leave anything in its scratch."""
        scratch = self.plan.scratch_of(time)
        if scratch is not None:
            self.arena[scratch.offset : scratch.bytes.stop] = 0x5A


def _run_whole(memory: _Memory, time: int) -> None:
    step = memory.plan.steps[time]
    memory.spoil_scratch(time)
    target = memory.whole(step.node.output)
    for block in in_call_order(_blocks(step, target), memory.plan.piece_items(time)):
        read = [
            memory.graph.constants[n].copy()
            if n in memory.graph.constants
            else memory.whole(n).copy()
            for n in step.node.inputs
        ]
        target[block] = step.node.op.evaluate(*read)[block]


def _run_tiles(memory: _Memory, index: int, group: Group) -> None:
    """Tile by tile, every call block by block; carried rows move to the front in between."""
    before: Tile | None = None
    for tile in tiles_of(memory.plan.steps, group):
        for name, hold in group.holds.items():
            if hold is Hold.CARRIED and before is not None:
                old, new = before.held[name], tile.held[name]
                kept = memory.part(index, name, before)[_kept(old, new)].copy()
                memory.part(index, name, tile)[_kept(new, old)] = kept
        before = tile
        for time, call in enumerate(tile.calls, group.steps.start):
            if call is not None:
                memory.spoil_scratch(time)
                _run_call(memory, (index, group, tile), memory.plan.steps[time], call)


def _run_call(memory: _Memory, where: tuple[int, Group, Tile], step: Step, call: TileCall) -> None:
    index, group, tile = where

    def region(name: ValueName, wanted: Region) -> Array:
        if name in memory.graph.constants:
            return memory.graph.constants[name][_slices(wanted)]
        if group.holds[name] is Hold.DIRECT:
            return memory.whole(name)[_slices(wanted)]
        held = tile.held[name]
        inside = tuple(Span(w.start - h.start, w.size) for w, h in zip(wanted, held, strict=True))
        return memory.part(index, name, tile)[_slices(inside)]

    target = region(step.node.output, call.output)
    for block in _blocks(step, target):
        pairs = zip(step.node.inputs, call.inputs, strict=True)
        read = [region(name, wanted).copy() for name, wanted in pairs]
        target[block] = call.op.evaluate(*read)[block]


def _blocks(step: Step, target: Array) -> list[tuple[int, ...]]:
    assert step.kernel is not None
    streaming = step.kernel.streaming
    rank = len(target.shape) - (len(target.shape) if streaming is None else streaming.block_axes)
    return list(np.ndindex(*target.shape[:rank]))


def _slices(region: Region) -> tuple[slice, ...]:
    return tuple(slice(span.start, span.stop) for span in region)


def _kept(held: Region, other: Region) -> tuple[slice, ...]:
    """The part of ``held`` that the other region has, too."""
    spans: list[slice] = []
    for h, o in zip(held, other, strict=True):
        start, stop = max(h.start, o.start), min(h.stop, o.stop)
        spans.append(slice(start - h.start, max(stop, start) - h.start))
    return tuple(spans)


def in_call_order(blocks: list[tuple[int, ...]], piece: int) -> list[tuple[int, ...]]:
    if not piece:
        return blocks
    starts = range(0, len(blocks), piece)
    return [block for start in reversed(starts) for block in blocks[start : start + piece]]
