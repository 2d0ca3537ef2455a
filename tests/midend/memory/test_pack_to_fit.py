"""Placement at a given capacity: against every order of small problems."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.midend.memory.pack_exactly import pack_exactly
from tilewright.midend.memory.pack_greedily import pack_greedily
from tilewright.midend.memory.pack_to_fit import Verdict, pack_to_fit
from tilewright.midend.memory.packing import Packing, Piece


@st.composite
def some_pieces(draw: st.DrawFn, most: int = 6) -> tuple[Piece, ...]:
    starts = draw(st.lists(st.integers(0, 8), min_size=1, max_size=most))
    return tuple(
        Piece(draw(st.integers(1, 7)), start, start + draw(st.integers(1, 5))) for start in starts
    )


def least_extent(pieces: tuple[Piece, ...]) -> int:
    """Some order of first fit is always optimal."""
    packing = Packing(pieces, {})
    return min(packing.extent(packing.first_fit(o)) for o in permutations(range(len(pieces))))


def assert_apart(pieces: tuple[Piece, ...], offsets: tuple[int, ...], capacity: int) -> None:
    for i, (one, at) in enumerate(zip(pieces, offsets, strict=True)):
        assert 0 <= at <= capacity - one.size
        for other, there in zip(pieces[:i], offsets[:i], strict=True):
            assert not one.meets(other) or at + one.size <= there or there + other.size <= at


@settings(derandomize=True, deadline=None, max_examples=150)
@given(some_pieces())
def test_the_least_capacity_is_met_and_one_byte_less_is_proven_impossible(
    pieces: tuple[Piece, ...],
) -> None:
    least = least_extent(pieces)
    offsets = pack_to_fit(pieces, least)
    assert not isinstance(offsets, Verdict)
    assert_apart(pieces, offsets, least)
    assert pack_to_fit(pieces, least - 1) is Verdict.IMPOSSIBLE


@settings(derandomize=True, deadline=None, max_examples=40)
@given(some_pieces(most=40), st.integers(0, 3))
def test_pieces_never_touch(pieces: tuple[Piece, ...], spare: int) -> None:
    capacity = Packing(pieces, {}).lower_bound + spare
    offsets = pack_to_fit(pieces, capacity, effort=500)
    if not isinstance(offsets, Verdict):
        assert_apart(pieces, offsets, capacity)


def test_two_searches_find_the_same() -> None:
    pieces = tuple(Piece(1 + i * 7 % 5, i * 3 % 11, i * 3 % 11 + 1 + i % 4) for i in range(40))
    capacity = Packing(pieces, {}).extent(pack_greedily(Packing(pieces, {})))
    assert pack_to_fit(pieces, capacity) == pack_to_fit(pieces, capacity) != Verdict.UNKNOWN


def test_nothing_and_pieces_of_no_size_fit_everywhere() -> None:
    assert pack_to_fit((), 0) == ()
    assert pack_to_fit((Piece(0, 0, 3), Piece(4, 0, 3)), 4) == (0, 0)
    assert pack_to_fit((Piece(5, 0, 1),), 4) is Verdict.IMPOSSIBLE


def test_the_exact_allocator_meets_a_bound_that_first_fit_misses() -> None:
    """Long pieces of 3 below and above: only one arrangement leaves the gaps in one place."""
    pieces = (Piece(2, 0, 4), Piece(3, 3, 7), Piece(1, 0, 7), Piece(4, 5, 9), Piece(3, 8, 12))
    packing = Packing(pieces, {})
    highest = tuple(sum(piece.size for piece in pieces[:i]) for i in range(len(pieces)))
    offsets, bound = pack_exactly(packing, highest, packing.lower_bound)
    assert packing.extent(offsets) == bound == least_extent(pieces)
