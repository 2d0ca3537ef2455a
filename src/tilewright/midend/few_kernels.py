"""Leaving kernels out that save little: every one that is called takes flash.

Each node has its willing verdicts, fastest first. Kernels leave one by one, that which costs least
first, while the cycles that this adds to the whole network stay within a share of the fastest.
"""

from collections.abc import Sequence

from tilewright.ir.target import Engine, Kernel
from tilewright.midend.tiling.cut import engine_cycles

Candidate = tuple[Engine, Kernel, int]
"""An engine, a kernel of its, and the kernel's cycles on one core."""

SPARES = {"speed": 0.001, "size": 0.08, "fastest": 0.0}
"""What --optimise names → which share of the fastest choice's cycles may be given for flash."""


def without_rare(willing: Sequence[Sequence[Candidate]], spare: float) -> list[Candidate]:
    """The choice of each node: of its candidates, the fastest whose kernel has not left.

    willing  the candidates of every node, at least one each
    spare    the share of the fastest choice's cycles that others may take on top of it
    """
    sorted_ = [sorted(some, key=_cycles) for some in willing]
    chosen = [some[0] for some in sorted_]
    if not spare:
        return chosen
    left = spare * sum(map(_cycles, chosen))
    while True:
        used = {kernel.symbol for _, kernel, _ in chosen}
        found: tuple[float, list[Candidate]] | None = None
        for symbol in sorted(used):
            others = _others(sorted_, chosen, symbol, used - {symbol})
            if others is None:
                continue
            extra = sum(map(_cycles, others)) - sum(map(_cycles, chosen))
            if extra <= left and (found is None or extra < found[0]):
                found = extra, others
        if found is None:
            return chosen
        left -= found[0]
        chosen = found[1]


def _cycles(candidate: Candidate) -> int:
    return engine_cycles(*candidate)


def _others(
    willing: Sequence[Sequence[Candidate]],
    chosen: Sequence[Candidate],
    symbol: str,
    used: set[str],
) -> list[Candidate] | None:
    """The choice without one kernel, among those that are used anyway; None where there is none."""
    made: list[Candidate] = []
    for some, now in zip(willing, chosen, strict=True):
        if now[1].symbol != symbol:
            made.append(now)
            continue
        other = next((c for c in some if c[1].symbol in used and c[0] is now[0]), None)
        if other is None:
            return None
        made.append(other)
    return made
