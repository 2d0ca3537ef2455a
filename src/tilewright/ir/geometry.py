"""Regions of tensors: sizes, where their bytes lie, what they share, and how a DMA walks them.

Tensors are dense and row-major. A region with an empty span has no elements at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from tilewright.ir.types import Region, Span, TensorType


def whole(type_: TensorType) -> Region:
    """All of a tensor."""
    return tuple(Span(0, extent) for extent in type_.shape)


def nothing(rank: int) -> Region:
    """A region without elements."""
    return (Span(0, 0),) * rank


def is_empty(region: Region) -> bool:
    """Whether a region has no elements."""
    return any(size == 0 for _, size in region)


def sizes_of(region: Region) -> tuple[int, ...]:
    """Elements per dimension."""
    return tuple(size for _, size in region)


def region_bytes(type_: TensorType, region: Region) -> int:
    """Bytes of a region once it is cut out."""
    return type_.dtype.nbytes * prod([size for _, size in region])


def region_type(type_: TensorType, region: Region) -> TensorType:
    """The dense tensor that a region of ``type_`` is once it is cut out."""
    return TensorType(type_.dtype, sizes_of(region))


def is_contiguous(type_: TensorType, region: Region) -> bool:
    """Whether a region's bytes follow one another in the whole tensor."""
    partial = [d for d, (_, size) in enumerate(region) if size != type_.shape[d]]
    return not partial or all(size == 1 for _, size in region[: partial[-1]])


def offset_in(type_: TensorType, region: Region) -> int:
    """Byte offset of a region's first element in the whole tensor."""
    offset = 0
    for span, extent in zip(region, type_.shape, strict=True):
        offset = offset * extent + span.start
    return offset * type_.dtype.nbytes


def relative(region: Region, held: Region) -> Region:
    """``region`` counted from where ``held`` starts; nothing at all where it is empty."""
    if is_empty(region):
        return nothing(len(region))
    return tuple(Span(r.start - h.start, r.size) for r, h in zip(region, held, strict=True))


def hull(a: Region, b: Region) -> Region:
    """The smallest region that contains both; an empty one asks for nothing."""
    if a == b or is_empty(b):
        return a
    if is_empty(a):
        return b
    spans: list[Span] = []
    for x, y in zip(a, b, strict=True):
        start, stop = min(x.start, y.start), max(x.stop, y.stop)
        spans.append(Span(start, stop - start))
    return tuple(spans)


def common(a: Region, b: Region) -> Region:
    """What two regions have in common; empty where that is nothing."""
    spans: list[Span] = []
    for x, y in zip(a, b, strict=True):
        start = max(x.start, y.start)
        spans.append(Span(start, max(min(x.stop, y.stop) - start, 0)))
    return tuple(spans)


def behind(needed: Region, done: Region) -> Region:
    """The part of ``needed`` behind what is there already, where both differ along one axis and
    regions move forwards along it; empty where everything is there."""
    if needed == done:
        return nothing(len(needed))
    spans: list[Span] = []
    for need, have in zip(needed, done, strict=True):
        start = need.start if need == have else max(need.start, have.stop)
        spans.append(Span(start, max(need.stop - start, 0)))
    return tuple(spans)


def kept_rows(type_: TensorType, before: Region, now: Region) -> tuple[int, int]:
    """(where in what ``before`` left, how many bytes) the rows begin that ``now`` needs again."""
    shared = common(before, now)
    if is_empty(shared):
        return 0, 0
    left, inside = region_type(type_, before), relative(shared, before)
    assert is_contiguous(left, inside), "carried rows do not follow one another"
    return offset_in(left, inside), region_bytes(type_, shared)


@dataclass(frozen=True, slots=True)
class Runs:
    """Some regions of one tensor as runs of bytes at regular distances.

    run      per region, bytes that follow one another
    counts   per further dimension, the outermost first: per region, how many there are
    strides  per further dimension, bytes from one to the next
    """

    run: tuple[int, ...]
    counts: tuple[tuple[int, ...], ...]
    strides: tuple[int, ...]

    @staticmethod
    def of(type_: TensorType, regions: Sequence[Region]) -> "Runs":
        """Dimensions that every region spans in full join the run or the count before them."""
        run: tuple[int, ...] = (type_.dtype.nbytes,) * len(regions)
        counts: list[tuple[int, ...]] = []
        strides: list[int] = []
        pitch = type_.dtype.nbytes  # bytes from one index to the next along the dimension at hand
        is_dense = True
        for axis in reversed(range(len(type_.shape))):
            sizes = tuple(region[axis].size for region in regions)
            if is_dense:
                run = tuple(r * s for r, s in zip(run, sizes, strict=True))
            elif any(size != 1 for size in sizes):
                _count(counts, strides, sizes, pitch)
            is_dense = is_dense and all(size == type_.shape[axis] for size in sizes)
            pitch *= type_.shape[axis]
        return Runs(run, tuple(reversed(counts)), tuple(reversed(strides)))

    def commands(self, max_rank: int) -> int:
        """DMA commands for the first region: a run, then as many counts as one command has."""
        outer = self.counts[: max(len(self.counts) - (max_rank - 1), 0)]
        return prod(count[0] for count in outer)


def _count(
    counts: list[tuple[int, ...]], strides: list[int], count: tuple[int, ...], pitch: int
) -> None:
    """One more dimension, or more of the last one where the two are evenly spaced."""
    if counts and len({*counts[-1]}) == 1 == len({*count}) and pitch == strides[-1] * counts[-1][0]:
        counts[-1] = tuple(a * b for a, b in zip(counts[-1], count, strict=True))
    else:
        counts.append(count)
        strides.append(pitch)
