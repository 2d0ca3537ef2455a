"""Placement without a solver: first fit under several orders, then seeded variations of the best.

Enough for most networks: where the result meets the lower bound, nothing else is tried.
"""

from collections.abc import Sequence
from random import Random

from tilewright.midend.memory.packing import Offsets, Packing, Piece

GREEDY_EFFORT = 400_000
"""Pairs of pieces to look at while orders are varied, a piece counting as fifty; about a quarter
of a second."""


def pack_greedily(problem: Packing, enough: int = 0) -> Offsets:
    """The lowest of first-fit under several orders and seeded variations of the best order.

    enough  units that are as good as the lower bound: nothing better is looked for
    """
    pieces = problem.pieces
    everything = range(len(pieces))
    orders = (
        sorted(everything, key=lambda i: (-pieces[i].stop, -pieces[i].start, i)),
        sorted(everything, key=lambda i: (-pieces[i].size, pieces[i].start, i)),
        sorted(everything, key=lambda i: (-pieces[i].size * _age(pieces[i]), i)),
        sorted(everything, key=lambda i: (-_age(pieces[i]), -pieces[i].size, i)),
        sorted(everything, key=lambda i: (pieces[i].start, -pieces[i].size, i)),
    )
    best_order, best, needed = list(everything), tuple[int, ...](), -1
    for order in orders:
        offsets = problem.first_fit(order)
        if needed < 0 or problem.extent(offsets) < needed:
            best_order, best, needed = order, offsets, problem.extent(offsets)
    return _vary(problem, best_order, best, max(enough, problem.lower_bound))


def _vary(problem: Packing, order: list[int], best: Offsets, enough: int) -> Offsets:
    """Move a piece that reaches the top, or a random one, to an earlier place in the order."""
    random = Random(0)
    needed = problem.extent(best)
    per_order = sum(map(len, problem.forbidden)) + 50 * len(order)
    for _ in range(GREEDY_EFFORT // max(per_order, 1)):
        if needed <= enough:
            break
        tops = [i for i in order if best[i] + problem.pieces[i].size == needed]
        mover = _one_of(tops if random.random() < 0.5 else order, random)
        changed = [i for i in order if i != mover]
        changed.insert(_one_of(range(order.index(mover) + 1), random), mover)
        offsets = problem.first_fit(changed)
        if problem.extent(offsets) <= needed:
            order, best, needed = changed, offsets, problem.extent(offsets)
    return best


def _age(piece: Piece) -> int:
    return piece.stop - piece.start


def _one_of(choices: Sequence[int], random: Random) -> int:
    """Only ``Random.random`` promises the same sequence in every version of Python."""
    return choices[int(random.random() * len(choices))]
