"""Plans for the joint search to begin with: the fastest path in base order, then early transfers
wherever they save time and the run before has room for their buffers.
"""

from collections.abc import Mapping, Sequence

from tilewright.ir.graph import ValueName
from tilewright.midend.choice.ways import Net, Way, delay, starts


def with_early(net: Net, path: Sequence[Way], limit: int) -> tuple[Way, ...]:
    """The same runs with transfers that start early, chosen from the first run to the last."""
    chosen: list[Way] = []
    for way in path:
        best, *others = starts(net, way)
        for other in others if chosen else ():
            before = chosen[-1]
            is_there = before.makes not in other.borrowed
            fits = before.bytes + _around(net, path, before) + other.early_bytes <= limit
            if is_there and fits and _cost(before, other) < _cost(before, best):
                best = other
        chosen.append(best)
    return tuple(chosen)


def _cost(before: Way, way: Way) -> int:
    return way.cycles + delay(before, way)


def _around(net: Net, path: Sequence[Way], run: Way) -> int:
    """Bytes of near tensors around a run, in base order."""
    near: Mapping[ValueName, int] = {way.makes: way.members[-1] for way in path if way.is_near}
    if net.is_one_memory:
        near = {**dict.fromkeys(net.graph.inputs, -1), **near}
    return sum(
        net.alive.size(tensor)
        for tensor, born in near.items()
        if born < run.members[0] and net.last_use(tensor) >= run.members[0]
        and tensor not in run.dying
    )  # fmt: skip
