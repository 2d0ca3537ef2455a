"""What a plan says about memory, in numbers."""

from tilewright.ir.plan import Buffer, Plan
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
