"""What a plan says about memory, in numbers and in the sentences of a refusal."""

from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.target import Memory, Role
from tilewright.ir.tiling import Hold
from tilewright.ir.types import Span


def usage_by_step(plan: Plan, memory: str) -> tuple[int, ...]:
    """Bytes that live buffers occupy in each step; shared bytes count once."""
    return tuple(
        _covered([buffer.bytes for buffer in _live(plan, memory, time)])
        for time in range(len(plan.steps))
    )


def peak_step(plan: Plan, memory: str) -> int:
    """The first step in which most bytes are occupied."""
    usage = usage_by_step(plan, memory)
    return usage.index(max(usage))


def live_at_peak(plan: Plan, memory: str) -> tuple[Buffer, ...]:
    """What occupies the memory in its fullest step, by offset."""
    return tuple(sorted(_live(plan, memory, peak_step(plan, memory)), key=lambda b: b.offset))


def activation_bytes(plan: Plan, memory: str) -> int:
    """What activations alone need, with inputs and outputs; scratch adds the rest of the arena."""
    return plan.activation_bytes.get(memory, 0)


def shortfall(best: Plan, whole: Plan, memory: Memory) -> str:
    """Why nothing fits: by how much, what is alive, which size would do.

    best   the smallest plan that was found, in tiles
    whole  the same network with every step computed at once
    """
    assert memory.size is not None
    name = memory.name
    needed, bound, size = best.arena_bytes[name], best.lower_bound[name], memory.size
    time = peak_step(best, name)
    live = sorted(live_at_peak(best, name), key=lambda b: (-b.size, b.lifetime.start))
    width = max(len(buffer.name) for buffer in live)
    rows = [f"    {b.name:<{width}}  {b.size:>11,} B  {_kind(b, best)}" for b in live]
    reach = (
        f"no placement of these tensors needs less than {bound:,} B"
        if bound > size
        else f"it is only proven that at least {bound:,} B are needed"
    )
    if needed < whole.arena_bytes[name]:
        reach += f"; with every step computed at once, {whole.arena_bytes[name]:,} B"
    return "\n".join(
        [
            f"{name} of target '{best.target}': the network needs {needed:,} B, "
            f"{needed - size:,} B more than the {size:,} B that there are",
            f"  fullest at {best.steps[time].node}, step {time + 1} of {len(best.steps)}, with",
            *rows,
            f"  {reach}",
            f"  try a larger memory (--memory {name}={needed}), or make the tensors of this "
            "step smaller (input resolution, channels)",
        ]
    )


def _kind(buffer: Buffer, plan: Plan) -> str:
    """How much of a tensor a buffer holds, in a word or two."""
    if buffer.role is Role.SCRATCH:
        return "scratch"
    if buffer.role is not Role.TILE:
        return "whole"
    end = next(g for g in plan.groups if g.steps.start < buffer.lifetime.stop <= g.steps.stop)
    return _HELD[end.holds[buffer.values[0]]]


_HELD = {
    Hold.DIRECT: "whole",
    Hold.SINGLE: "a part",
    Hold.DOUBLE: "two parts",
    Hold.LOCAL: "a part",
    Hold.CARRIED: "rows kept",
    Hold.PASSED: "two parts",
}


def _live(plan: Plan, memory: str, time: int) -> list[Buffer]:
    return [
        buffer
        for buffer in plan.buffers
        if buffer.memory == memory and buffer.lifetime.start <= time < buffer.lifetime.stop
    ]


def _covered(spans: list[Span]) -> int:
    """Bytes that at least one span covers."""
    total, stop = 0, 0
    for span in sorted(spans):
        total += max(0, span.stop - max(span.start, stop))
        stop = max(stop, span.stop)
    return total
