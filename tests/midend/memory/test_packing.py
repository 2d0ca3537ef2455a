"""Placement as numbers: allowed, never below the bound, and the best where that is known."""

import csv
from itertools import pairwise, permutations
from math import gcd
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.midend.memory.pack_exactly import pack_exactly
from tilewright.midend.memory.pack_greedily import pack_greedily
from tilewright.midend.memory.packing import Offsets, Packing, Piece
from tilewright.midend.tiling.overlap import Gap

MINIMALLOC = Path(__file__).parents[4] / "shared" / "models" / "minimalloc"


def is_allowed(problem: Packing, offsets: Offsets) -> bool:
    """The definition, pair by pair."""
    for me, piece in enumerate(problem.pieces):
        for you in range(me):
            other = problem.pieces[you]
            if piece.start >= other.stop or other.start >= piece.stop:
                continue
            distance = offsets[me] - offsets[you]
            apart = distance >= other.size or -distance >= piece.size
            gap_of_me, gap_of_you = problem.leaves.get((you, me)), problem.leaves.get((me, you))
            shared = allows(gap_of_me, distance) or allows(gap_of_you, -distance)
            if not (apart or shared):
                return False
    return min(offsets, default=0) >= 0


def allows(gap: Gap | None, distance: int) -> bool:
    if gap is None:
        return False
    return not gap.below < distance < gap.above or (gap.may_replace and distance == 0)


def packed(problem: Packing) -> Offsets:
    offsets, bound = pack_exactly(problem, pack_greedily(problem), problem.lower_bound)
    assert problem.lower_bound <= bound <= problem.extent(offsets)
    assert is_allowed(problem, offsets)
    return offsets


@st.composite
def chains(draw: st.DrawFn) -> Packing:
    """Steps that each make one piece, with leaves to overwrite what dies; at most 7 pieces."""
    count = draw(st.integers(1, 6))
    deaths = [draw(st.integers(birth, count)) for birth in range(count)]
    sizes = [draw(st.integers(1, 6)) for _ in range(count + 1)]
    pieces = [Piece(sizes[0], 0, 2 * draw(st.integers(1, count)))]
    pieces += [
        Piece(size, 2 * t + 1, 2 * max(t + 1, death))
        for t, (size, death) in enumerate(zip(sizes[1:], deaths, strict=True))
    ]
    leaves: dict[tuple[int, int], Gap] = {}
    for writer, piece in enumerate(pieces):
        dying = [i for i, p in enumerate(pieces) if p.stop - 1 == piece.start and p is not piece]
        for reader in dying:
            size = pieces[reader].size
            if draw(st.booleans()):
                above = draw(st.integers(-size, piece.size))
                below = draw(st.integers(-size, 0)) if len(dying) == 1 else -size
                leaves[writer, reader] = Gap(below, above)
            elif size == piece.size and draw(st.booleans()):
                leaves[writer, reader] = Gap(-size, size, may_replace=True)
    return Packing(tuple(pieces), leaves)


@st.composite
def rectangles(draw: st.DrawFn) -> Packing:
    spans = st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(1, 6))
    drawn = draw(st.lists(spans, min_size=1, max_size=6))
    return Packing(tuple(Piece(size, start, start + age) for size, start, age in drawn), {})


def least_extent(problem: Packing) -> int:
    """Without leaves, first fit under some order finds a best placement."""
    count = len(problem.pieces)
    return min(problem.extent(problem.first_fit(order)) for order in permutations(range(count)))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(rectangles())
def test_small_problems_are_solved_to_the_optimum(problem: Packing):
    assert problem.extent(packed(problem)) == least_extent(problem)


def every_placement(problem: Packing, limit: int) -> bool:
    """Whether any placement at all ends at ``limit`` or before; piece by piece, all offsets."""

    def place(offsets: tuple[int, ...]) -> bool:
        count = len(offsets)
        if count == len(problem.pieces):
            return True
        part = problem.first(count + 1)
        return any(
            is_allowed(part, (*offsets, offset)) and place((*offsets, offset))
            for offset in range(limit - problem.pieces[count].size + 1)
        )

    return place(())


@settings(derandomize=True, deadline=None, max_examples=60)
@given(chains())
def test_no_placement_of_a_small_chain_with_sharing_is_smaller(problem: Packing):
    assert not every_placement(problem, problem.extent(packed(problem)) - 1)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.one_of(chains(), rectangles()))
def test_first_fit_obeys_every_gap_in_every_order(problem: Packing):
    order = list(range(len(problem.pieces)))
    Random(len(order)).shuffle(order)
    assert is_allowed(problem, problem.first_fit(order))
    assert is_allowed(problem, pack_greedily(problem))


def random_rows(seed: int, count: int) -> Packing:
    """Cut a full rectangle of 64 x 64 into pieces: a placement without any hole exists."""
    random = Random(seed)
    cells = [(0, 64, 0, 64)]
    while len(cells) < count:
        index = random.randrange(len(cells))
        low, high, start, stop = cells.pop(index)
        if random.random() < 0.5 and high - low > 1:
            cut = random.randrange(low + 1, high)
            cells += [(low, cut, start, stop), (cut, high, start, stop)]
        elif stop - start > 1:
            cut = random.randrange(start + 1, stop)
            cells += [(low, high, start, cut), (low, high, cut, stop)]
        else:
            cells.append((low, high, start, stop))
    random.shuffle(cells)
    return Packing(tuple(Piece(h - lo, s, e) for lo, h, s, e in cells), {})


@pytest.mark.parametrize("seed", range(6))
def test_a_rectangle_cut_into_pieces_is_put_together_again(seed: int):
    problem = random_rows(seed, 16)
    assert problem.lower_bound == 64
    assert problem.extent(packed(problem)) == 64


def from_csv(path: Path) -> tuple[Packing, int]:
    """(pieces, bytes of one unit) from a file with columns id, lower, upper, size."""
    with path.open() as file:
        rows = [{k: int(v) for k, v in r.items() if k != "id"} for r in csv.DictReader(file)]
    unit = gcd(*(row["size"] for row in rows))
    pieces = (Piece(row["size"] // unit, row["lower"], row["upper"]) for row in rows)
    return Packing(tuple(pieces), {}), unit


@pytest.mark.skipif(not MINIMALLOC.is_dir(), reason="needs ../shared/models/minimalloc")
def test_the_small_public_problem_fits_its_capacity():
    problem, unit = from_csv(MINIMALLOC / "input.12.csv")
    assert problem.extent(packed(problem)) * unit == problem.lower_bound * unit == 12


@pytest.mark.slow
@pytest.mark.skipif(not MINIMALLOC.is_dir(), reason="needs ../shared/models/minimalloc")
@pytest.mark.parametrize("name", "CK")
def test_public_problems_are_placed_twice_alike_within_the_bounds(name: str):
    problem, unit = from_csv(MINIMALLOC / f"{name}.1048576.csv")
    offsets = packed(problem)
    assert offsets == packed(problem)
    assert problem.extent(offsets) * unit <= 1.5 * 1048576


def test_orders_vary_by_a_seed_that_every_process_shares():
    problem = random_rows(7, 30)
    first, second = pack_greedily(problem), pack_greedily(random_rows(7, 30))
    assert first == second
    assert all(a <= b for a, b in pairwise((problem.lower_bound, problem.extent(first))))
