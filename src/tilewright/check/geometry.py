"""Which elements a call reads, and where their bytes are: worked out here from ``reads()`` alone,
so that a mistake of the planner is not made twice.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tilewright.ir.op import Along, Op, Reduced
from tilewright.ir.target import Signature
from tilewright.ir.types import Array, Region, Span, TensorType


def byte_offsets(type_: TensorType, region: Region) -> Array:
    """Where the bytes of a region are in the dense tensor, in the region's row-major order."""
    stride = type_.dtype.nbytes
    offsets = np.arange(stride)
    for extent, span in zip(reversed(type_.shape), reversed(region), strict=True):
        steps = np.arange(span.start, span.start + span.size) * stride
        offsets = (steps[:, None] + offsets).reshape(-1)
        stride *= extent
    return offsets


def wanted(
    op: Op, types: tuple[TensorType, ...], out: Region, given: tuple[Region, ...]
) -> tuple[list[Region], set[tuple[Span, int]]]:
    """The region of each input from which ``out`` is computed: from the first element that some
    window touches to the last, within the tensor. Of dimensions that are summed over, which a call
    may be given in parts, what it is given: returned again, as (part, extent of the dimension).
    """
    regions: list[Region] = []
    parts: set[tuple[Span, int]] = set()
    for access, type_, region in zip(op.reads(*types), types, given, strict=True):
        spans: list[Span] = []
        for how, extent, span in zip(access, type_.shape, region, strict=True):
            if isinstance(how, Along):
                last = out[how.axis].start + out[how.axis].size - 1
                start = min(max(out[how.axis].start * how.stride - how.pad, 0), extent)
                stop = min(max(last * how.stride - how.pad + how.window, 0), extent)
                spans.append(Span(start, max(stop - start, 0)))
            elif isinstance(how, Reduced):
                spans.append(span)
                parts.add((span, extent))
            else:
                spans.append(Span(0, extent))
        regions.append(tuple(spans))
    return regions, parts


def is_given(want: Region, given: Region, shape: tuple[int, ...]) -> bool:
    """Whether a call is given what it wants: just that, or all of an axis that it reads from its
    start on, where the last window of a stride ends before it. A call whose windows lie in padding
    wants nothing, and may be given all."""
    if any(span.size == 0 for span in want):
        return any(g.size == 0 for g in given) or given == tuple(Span(0, n) for n in shape)
    return all(
        w == g or (w.start == 0 and g == Span(0, extent))
        for w, g, extent in zip(want, given, shape, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Readers:
    """For each byte of an input, the first and the last output block, row-major, that reads it:
    corners of a box of blocks. ``is_read``: False for bytes that no window touches."""

    first: Array
    last: Array
    is_read: Array

    def lost(self, distance: int, block_bytes: int, blocks: int, piece: int) -> int:
        """How many bytes are overwritten before a block reads them.

        distance  bytes from the start of the output to that of the input
        piece     0: blocks are computed first to last; else so many per call, last call first
        """
        address = distance + np.arange(self.first.size)
        is_written = (address >= 0) & (address < block_bytes * blocks)
        writer = address // block_bytes
        if not piece:
            return int((is_written & self.is_read & (self.last > writer)).sum())
        # The last call that reads the byte is that of its first block; in it, the latest block.
        last_call = self.first // piece
        latest = self.first if piece == 1 else np.minimum(self.last, (last_call + 1) * piece - 1)
        is_late = (writer // piece > last_call) | (writer // piece == last_call) & (latest > writer)
        return int((is_written & self.is_read & is_late).sum())


@lru_cache(maxsize=64)
def readers(op: Op, signature: Signature, index: int, block_axes: int) -> Readers:
    """Of input ``index``; a block is the last ``block_axes`` dimensions of the output."""
    source, out = signature.inputs[index], signature.output
    rank = len(source.shape)
    lowest = [np.zeros((1,) * rank, np.int64) for _ in out.shape]
    highest = [np.full((1,) * rank, extent - 1) for extent in out.shape]
    for dimension, how in enumerate(op.reads(*signature.inputs)[index]):
        if isinstance(how, Along):
            place = np.arange(source.shape[dimension]) + how.pad
            place = place.reshape([-1 if d == dimension else 1 for d in range(rank)])
            first = np.maximum((place - how.window) // how.stride + 1, 0)
            last = np.minimum(place // how.stride, out.shape[how.axis] - 1)
            lowest[how.axis] = np.maximum(lowest[how.axis], first)
            highest[how.axis] = np.minimum(highest[how.axis], last)
    is_read = np.ones((1,) * rank, np.bool_)
    first, last = np.zeros((1,) * rank, np.int64), np.zeros((1,) * rank, np.int64)
    for axis, extent in enumerate(out.shape):
        is_read = is_read & (lowest[axis] <= highest[axis])
        if axis < len(out.shape) - block_axes:
            first, last = first * extent + lowest[axis], last * extent + highest[axis]
    flat = (np.broadcast_to(a, source.shape).reshape(-1) for a in (first, last, is_read))
    return Readers(*(np.repeat(array, source.dtype.nbytes) for array in flat))
