"""What copies between two memories, and what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod


@dataclass(frozen=True, slots=True)
class Dma:
    """A way by which a machine copies between two memories on its own.

    name             the queue; ways of the same name share one queue, which works in order
    between          (far, near) memory
    max_rank         dimensions of one command: 1 is a run of bytes, 2 is rows with a stride, ...
    setup_cycles     per command, on the queue, before its first byte
    bytes_per_cycle  > 0
    issue_cycles     per command, on the core that issues it
    line_cycles      per run of neighbouring bytes, besides the bytes
    burst_bytes      runs take whole bursts: one byte costs as much as so many
    store_bytes_per_cycle  from near to far; None: as from far to near
    """

    name: str
    between: tuple[str, str]
    max_rank: int
    setup_cycles: int
    bytes_per_cycle: float
    issue_cycles: int = 0
    line_cycles: int = 0
    burst_bytes: int = 1
    store_bytes_per_cycle: float | None = None

    def commands(self, counts: Sequence[int]) -> int:
        """How many it takes to move runs of bytes; ``counts`` as in a Box, outermost first."""
        return prod(counts[: max(len(counts) + 1 - self.max_rank, 0)])

    def cycles(self, run: int, counts: Sequence[int], *, is_stored: bool) -> int:
        """One transfer on the idle queue: ``run`` bytes at every place that ``counts`` names."""
        lines = prod(counts)
        rate = self.bytes_per_cycle
        if is_stored and self.store_bytes_per_cycle is not None:
            rate = self.store_bytes_per_cycle
        moved = lines * (-(-run // self.burst_bytes) * self.burst_bytes)
        return (
            self.commands(counts) * self.setup_cycles
            + lines * self.line_cycles
            + ceil(moved / rate)
        )
