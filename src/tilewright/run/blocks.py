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
                yield from self._split(first, last)

    def _split(self, start: int, stop: int) -> Iterator[Region]:
        if stop - start == 1 or self._may_join(start, stop):
            yield self._region(start, stop - start)
        else:
            middle = (start + stop) // 2
            yield from self._split(start, middle)
            yield from self._split(middle, stop)

    def _region(self, start: int, count: int) -> Region:
        shape = self.piece.signature.output.shape
        spans = [Span(int(at), 1) for at in np.unravel_index(start, self.leading)]
        if spans:
            spans[-1] = Span(spans[-1].start, count)
        return (*spans, *(Span(0, extent) for extent in shape[len(spans) :]))

    def _may_join(self, start: int, stop: int) -> bool:
        """Whether what each block reads lies clear of what those before it in the run write."""
        out = self.piece.signature.output
        size, types = out.nbytes // prod(self.leading), self.piece.signature.inputs
        written = self.shared.output + np.arange(start + 1, stop) * size
        region = self._region(start + 1, stop - start - 1)
        for index, place in self.shared.inputs:
            access = self.piece.op.reads(*types)[index]
            first, last, stride = (
                np.full(written.size, place),
                np.full(written.size, place),
                types[index].nbytes,
            )
            for how, extent in zip(access, types[index].shape, strict=True):
                stride //= extent
                low, high = _ends(how, region, extent, len(self.leading) - 1)
                first, last = first + low * stride, last + high * stride
            last += stride
            clear = (written <= first) | (last <= self.shared.output + start * size)
            if not clear.all():
                return False
        return True


def _ends(how: Along | Whole, region: Region, extent: int, axis: int) -> tuple[Array, Array]:
    """First and last index of a dimension that the blocks of a run along ``axis`` read."""
    if not isinstance(how, Along):
        return np.array(0), np.array(extent - 1)
    out = region[how.axis]
    at = np.arange(out.start, out.start + out.size) if how.axis == axis else np.array(out.start)
    end = at if how.axis == axis else np.array(out.start + out.size - 1)
    first, last = at * how.stride - how.pad, end * how.stride - how.pad + how.window - 1
    return np.clip(first, 0, extent - 1), np.clip(last, 0, extent - 1)


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
