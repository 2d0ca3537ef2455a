"""Places that leave the bytes of calls under way alone, where there is room.

An engine with a queue may still work on a call while the layers behind it start. If their buffers
take the place of what the call reads or writes, they have to wait for it. So buffers in its memory
are placed as if they lived for some layers longer, which costs memory that is there anyway.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import gcd

from tilewright.ir.graph import Graph
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.target import Role, Target
from tilewright.ir.tiling import Group
from tilewright.ir.types import Span
from tilewright.midend.memory.pack_greedily import pack_greedily
from tilewright.midend.memory.packing import Packing, Piece


def spread(graph: Graph, plan: Plan, target: Target) -> Plan:
    """The same plan with other offsets in the near memory of an engine with a queue, if it has one
    and the memory is large enough. States and arguments keep the places that they have."""
    used = {step.engine for step in plan.steps if step.engine and step.engine.queue > 1}
    if not used or graph.states or graph.arguments:
        return plan
    for engine in sorted(used, key=lambda engine: engine.name):
        for more in range(engine.queue, 0, -1):
            longer = _placed(plan, engine.near, target, more)
            if longer is not None:
                plan = longer
                break
    return plan


def _placed(plan: Plan, memory: str, target: Target, more: int) -> Plan | None:
    """With buffers that live for so many groups longer; None where that does not fit."""
    mine = [buffer for buffer in plan.buffers if buffer.memory == memory]
    unit = gcd(*(buffer.align for buffer in mine))
    lives = [_longer(buffer.lifetime, plan.groups, more) for buffer in mine]
    pieces = tuple(
        Piece(_units(buffer, unit), 2 * life.start, 2 * life.stop)
        for buffer, life in zip(mine, lives, strict=True)
    )
    offsets = pack_greedily(Packing(pieces, {}))
    moved = {
        buffer.name: replace(buffer, offset=unit * offset)
        for buffer, offset in zip(mine, offsets, strict=True)
    }
    size = target.memory(memory).size
    total = max(buffer.bytes.stop for buffer in moved.values())
    if size is not None and total + plan.constant_bytes.get(memory, 0) > size:
        return None
    kept = max((b.bytes.stop for b in moved.values() if b.role is not Role.SCRATCH), default=0)
    return replace(
        plan,
        buffers=tuple(moved.get(buffer.name, buffer) for buffer in plan.buffers),
        overlaps=tuple(overlap for overlap in plan.overlaps if overlap.writer not in moved),
        arena_bytes={**plan.arena_bytes, memory: total},
        activation_bytes={**plan.activation_bytes, memory: kept},
    )


def _units(buffer: Buffer, unit: int) -> int:
    """Whole units of the buffer's own alignment."""
    return -(-buffer.size // buffer.align) * buffer.align // unit


def _longer(life: Span, groups: Sequence[Group], more: int) -> Span:
    """To the end of the group that comes so many behind the one in which a lifetime ends."""
    last = next(i for i, group in enumerate(groups) if life.stop <= group.steps.stop)
    stop = groups[min(last + more, len(groups) - 1)].steps.stop
    return Span(life.start, stop - life.start)
