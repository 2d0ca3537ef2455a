"""What a plan says about memory, in numbers and in the sentences of a refusal."""

from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.target import Memory, Role
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
    """The arena without what scratch adds to it: activations, with inputs and outputs.

    At least what activations occupy in their fullest step, and never less than the arena by more
    than the largest scratch.
    """
    buffers = [buffer for buffer in plan.buffers if buffer.memory == memory]
    scratch = max((b.size for b in buffers if b.role is Role.SCRATCH), default=0)
    activations = [b for b in buffers if b.role is not Role.SCRATCH]
    reach = max((b.bytes.stop for b in activations), default=0)
    fullest = max(
        (
            _covered([b.bytes for b in activations if _is_live(b, time)])
            for time in range(len(plan.steps))
        ),
        default=0,
    )
    return min(reach, max(fullest, plan.arena_bytes.get(memory, 0) - scratch))


def shortfall(plan: Plan, memory: Memory, size: int) -> str:
    """Why a plan does not fit ``size`` bytes: by how much, what is alive, what would help."""
    needed, bound = plan.arena_bytes[memory.name], plan.lower_bound[memory.name]
    time = peak_step(plan, memory.name)
    live = sorted(live_at_peak(plan, memory.name), key=lambda b: (-b.size, b.lifetime.start))
    width = max(len(buffer.name) for buffer in live)
    rows = [f"    {b.name:<{width}}  {b.size:>11,} B" for b in live]
    reach = (
        f"no placement of these tensors needs less than {bound:,} B"
        if bound > size
        else f"it is only proven that at least {bound:,} B are needed"
    )
    return "\n".join(
        [
            f"{memory.name} of target '{plan.target}': the network needs {needed:,} B, "
            f"{needed - size:,} B more than the {size:,} B that there are",
            f"  fullest at {plan.steps[time].node}, step {time + 1} of {len(plan.steps)}, with",
            *rows,
            f"  {reach}",
            f"  try a larger memory (--memory {memory.name}={needed}), or make the tensors of this "
            "step smaller (input resolution, channels)",
        ]
    )


def _live(plan: Plan, memory: str, time: int) -> list[Buffer]:
    return [b for b in plan.buffers if b.memory == memory and _is_live(b, time)]


def _is_live(buffer: Buffer, time: int) -> bool:
    return buffer.lifetime.start <= time < buffer.lifetime.stop


def _covered(spans: list[Span]) -> int:
    """Bytes that at least one span covers."""
    total, stop = 0, 0
    for span in sorted(spans):
        total += max(0, span.stop - max(span.start, stop))
        stop = max(stop, span.stop)
    return total
