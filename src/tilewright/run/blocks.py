"""A kernel call whose output lies on bytes of its inputs, in the order in which it may run.

With a ``Streaming`` promise: block by block, each reading what is left by then, in pieces where the
call is made so. Without one: as if everything had been written before anything is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from tilewright.ir.op import Along, Op, Whole
from tilewright.ir.program import Call, TileCall
from tilewright.ir.types import Array, Region, Shape, Span, TensorType
from tilewright.run.hazards import POISON


@dataclass(frozen=True, slots=True)
class Shared:
    """Inputs and the output of a call in one piece of memory, of which this is a copy.

    window   the bytes
    inputs   (which input, where in the window it starts), for those that share bytes
    output   where in the window the output starts
    """

    window: Array
    inputs: tuple[tuple[int, int], ...]
    output: int

    def tensor(self, start: int, type_: TensorType) -> Array:
        """The bytes from ``start`` on as a tensor: what is written to one shows in the other."""
        raw = self.window[start : start + type_.nbytes]
        return raw.view(type_.dtype.numpy).reshape(type_.shape)


def evaluate_shared(
    call: Call, piece: TileCall, operands: Sequence[Array], shared: Shared
) -> Array:
    """The output's bytes, in the most hostile order that the kernel allows.

    operands  all inputs; those that share bytes are taken from there instead
    """
    types, out = piece.signature.inputs, piece.signature.output
    made = shared.tensor(shared.output, out)
    before = made.copy() if piece.op.adds_up() else np.zeros_like(made)
    found = list(operands)
    for index, start in shared.inputs:
        found[index] = shared.tensor(start, types[index])
    order = _blocks(call, piece, shared)
    if order is None:
        shared.window[shared.output : shared.output + out.nbytes] = POISON
        made[...] = piece.op.evaluate(*found) + before
    else:
        for block in order:
            made[_cut(block)] = _block(piece.op, found, types, block) + before[_cut(block)]
    return shared.window[shared.output : shared.output + out.nbytes]


@dataclass(frozen=True, slots=True)
class _Order:
    """Runs of blocks, each within one row of the last leading axis, in the order of writing."""

    piece: TileCall
    shared: Shared
    leading: Shape

    def regions(self, starts: Iterable[int], size: int) -> Iterator[Region]:
        """The output, as ever longer regions as make no difference: no block of one writes what a
        later block of it reads. ``size``: blocks from each start on that are written in order."""
        row = self.leading[-1] if self.leading else 1
        for start in starts:
            stop = min(start + size, prod(self.leading))
            ends = [*range(start - start % row + row, stop, row), stop]
            for first, last in pairwise((start, *ends)):
                yield from self._runs(first, last)

    def _runs(self, start: int, stop: int) -> Iterator[Region]:
        """Blocks of one row, in runs as long as may be."""
        size = self.piece.signature.output.nbytes // prod(self.leading)
        first = start
        for block, least in enumerate(self._least_starts(start, stop), start=start):
            if least > first * size and block > first:
                yield self._region(first, block - first)
                first = block
        yield self._region(first, stop - first)

    def _region(self, start: int, count: int) -> Region:
        shape = self.piece.signature.output.shape
        spans = [Span(int(at), 1) for at in np.unravel_index(start, self.leading)]
        if spans:
            spans[-1] = Span(spans[-1].start, count)
        return (*spans, *(Span(0, extent) for extent in shape[len(spans) :]))

    def _least_starts(self, start: int, stop: int) -> list[int]:
        """Per block, bytes of the output before which a run that it is in must not begin: what it
        reads lies clear of what those before it in the run write."""
        out, types = self.piece.signature.output, self.piece.signature.inputs
        size = out.nbytes // prod(self.leading)
        written = self.shared.output + np.arange(start, stop) * size
        region = self._region(start, stop - start)
        least = np.zeros(written.size, np.int64)
        for index, place in self.shared.inputs:
            access = self.piece.op.reads(*types)[index]
            first, last, stride = place, place, types[index].nbytes
            for how, extent in zip(access, types[index].shape, strict=True):
                stride //= extent
                low, high = _ends(how, region, extent, len(self.leading) - 1)
                first, last = first + low * stride, last + high * stride
            behind = last + stride - self.shared.output
            least = np.maximum(least, np.where(written <= first, 0, behind))
        return [int(bytes_) for bytes_ in least]


def _ends(
    how: Along | Whole, region: Region, extent: int, axis: int
) -> tuple[Array | int, Array | int]:
    """First and last index of a dimension that the blocks of a run along ``axis`` read."""
    if not isinstance(how, Along):
        return 0, extent - 1
    out = region[how.axis]
    if how.axis != axis:
        first, last = out.start * how.stride - how.pad, (out.start + out.size - 1) * how.stride
        last += how.window - 1 - how.pad
        return min(max(first, 0), extent - 1), min(max(last, 0), extent - 1)
    at = np.arange(out.start, out.start + out.size) * how.stride - how.pad
    return np.clip(at, 0, extent - 1), np.clip(at + how.window - 1, 0, extent - 1)


def _blocks(call: Call, piece: TileCall, shared: Shared) -> Iterator[Region] | None:
    """The regions of the output in the order in which they are written; None: in no order."""
    promise, shape = call.kernel.streaming, piece.signature.output.shape
    if promise is None or call.engine.cores > 1:
        return None
    if not {index for index, _ in shared.inputs} <= {*promise.inputs}:
        return None
    leading = shape[: len(shape) - promise.block_axes]
    blocks, size = prod(leading), call.piece_items
    if size and call.kernel.items(piece.op, piece.signature) != blocks:
        return None
    order = _Order(piece, shared, leading)
    return order.regions(reversed(range(0, blocks, size or blocks)), size or blocks)


def _block(op: Op, inputs: Sequence[Array], types: Sequence[TensorType], block: Region) -> Array:
    """One block from what is there now: from just what it needs, where the operator can say so."""
    regions = tuple(
        tuple(
            how.span(block[how.axis], extent) if isinstance(how, Along) else Span(0, extent)
            for how, extent in zip(access, type_.shape, strict=True)
        )
        for access, type_ in zip(op.reads(*types), types, strict=True)
    )
    shape = op.infer(*types).shape
    is_cut = any(block[axis].size < shape[axis] for axis in op.whole_axes(*types))
    if is_cut or any(span.size == 0 for region in regions for span in region):
        return op.evaluate(*inputs)[_cut(block)]
    parts = (array[_cut(region)] for array, region in zip(inputs, regions, strict=True))
    return op.on_tile(block, *types).evaluate(*parts)


def _cut(region: Region) -> tuple[slice, ...]:
    return tuple(slice(span.start, span.start + span.size) for span in region)
