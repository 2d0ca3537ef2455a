"""Regions against sets of elements."""

from itertools import product
from math import prod

from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.ir.geometry import (
    Runs,
    common,
    hull,
    is_contiguous,
    is_empty,
    kept_rows,
    offset_in,
    region_bytes,
)
from tilewright.ir.types import DType, Region, Span, TensorType

steady = settings(derandomize=True, deadline=None, max_examples=200, database=None)
TYPE = TensorType(DType.S16, (4, 5, 3))


@st.composite
def regions(draw: st.DrawFn) -> Region:
    spans: list[Span] = []
    for extent in TYPE.shape:
        start = draw(st.integers(0, extent - 1))
        spans.append(Span(start, draw(st.integers(1, extent - start))))
    return tuple(spans)


def elements(region: Region) -> set[tuple[int, ...]]:
    return {*product(*(range(span.start, span.stop) for span in region))}


def numbers(region: Region) -> list[int]:
    """Bytes of a region's elements in the whole tensor, in order."""
    _, rows, columns = TYPE.shape
    return sorted((a * rows + b) * columns + c for a, b, c in elements(region))


@steady
@given(regions(), regions())
def test_common_and_hull_are_those_of_the_elements(a: Region, b: Region) -> None:
    shared = common(a, b)
    assert elements(shared) == elements(a) & elements(b)
    assert is_empty(shared) == (not elements(a) & elements(b))
    assert elements(a) | elements(b) <= elements(hull(a, b))
    assert hull(a, a) == a


@steady
@given(regions())
def test_bytes_and_places_are_those_of_the_elements(region: Region) -> None:
    at = numbers(region)
    assert region_bytes(TYPE, region) == 2 * len(at)
    assert offset_in(TYPE, region) == 2 * at[0]
    assert is_contiguous(TYPE, region) == (at == [*range(at[0], at[0] + len(at))])


@steady
@given(regions())
def test_runs_walk_every_element_once(region: Region) -> None:
    runs = Runs.of(TYPE, (region,))
    steps = [range(0, count[0] * stride, stride) for count, stride in zip(
        runs.counts, runs.strides, strict=True)]  # fmt: skip
    starts = [offset_in(TYPE, region) + sum(at) for at in product(*steps)]
    walked = sorted(b for start in starts for b in range(start, start + runs.run[0]))
    assert walked == sorted(b for n in numbers(region) for b in (2 * n, 2 * n + 1))
    assert runs.commands(1) == prod(count[0] for count in runs.counts)
    assert runs.commands(9) == 1


def test_rows_that_are_kept_lie_at_the_end_of_the_tile_before() -> None:
    before = (Span(0, 1), Span(0, 4), Span(0, 3))
    now = (Span(0, 1), Span(2, 3), Span(0, 3))
    assert kept_rows(TYPE, before, now) == (2 * 3 * 2, 2 * 3 * 2)
    assert kept_rows(TYPE, before, (Span(0, 1), Span(4, 1), Span(0, 3))) == (0, 0)
