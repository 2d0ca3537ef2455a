"""How an output and an input that dies with it may lie in the same memory.

Addresses grow to the right. A kernel that runs first block to last, in one call, may follow its
input upwards; one that is called piece by piece, last piece first, may follow it downwards::

    forward   output  |written ....... q|next ...........|
              input         D ->  |........|first byte that a block after q still reads ...|

    backward  output        |... before ........|piece p ..... written|
              input   |... last byte that piece p or one before it reads|  <- D

Everything written must lie clear of all that is still to be read. The kernel's ``Streaming``
promise covers the block that is being written.
"""

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import NamedTuple

import numpy as np

from tilewright.ir.op import Along, Op, Whole
from tilewright.ir.plan import Step
from tilewright.ir.target import Kernel, Signature
from tilewright.ir.types import Array, Span

SHORTEST_PIECE = 4
"""Blocks per call, at least, of a kernel that runs backward: kernels work on several pixels at a
time to read each weight once, so single pixels would cost more time than the memory is worth."""


class Gap(NamedTuple):
    """Where an input must not start: strictly between output start + below and + above, in bytes.

    above  the kernel runs forward at this distance or more
    below  the kernel runs backward at this distance or less
    may_replace  distance 0 is allowed, too: the kernel puts its output in the input's place
    """

    below: int
    above: int
    may_replace: bool = False

    @property
    def tightest(self) -> "Gap":
        """A gap that allows at least as much, without an exception."""
        return Gap(0, 0) if self.may_replace else self


def smallest_distance(op: Op, signature: Signature, input_index: int, block_axes: int) -> int:
    """Smallest D, in bytes, so that input start = output start + D loses no input byte, forward.

    input_index  which input shares memory with the output
    block_axes   a block is the last ``block_axes`` dimensions of the output; 0: one element
    The result lies in [-input bytes, output bytes]; at -input bytes the two may lie anyhow, at
    output bytes they never touch. Tensors are dense and row-major.
    """
    source = signature.inputs[input_index].nbytes
    first, _ = _reads_of_blocks(op, signature, input_index, block_axes)
    block_bytes = signature.output.nbytes // len(first)
    still_read_from = np.minimum.accumulate(first[::-1])[::-1]
    written_to = np.arange(1, len(first), dtype=np.int64) * block_bytes
    gaps = written_to - still_read_from[1:]
    return max(int(gaps.max(initial=-source)), -source)


def largest_distance(
    op: Op, signature: Signature, input_index: int, block_axes: int, piece: int = 1
) -> int:
    """Largest D so that input start = output start + D loses no input byte, backward.

    piece  blocks of one call; calls start at multiples of it, and the last one comes first
    The result lies in [-input bytes, output bytes]; at -input bytes the two never touch.
    """
    source = signature.inputs[input_index].nbytes
    _, stop = _reads_of_blocks(op, signature, input_index, block_axes)
    block_bytes = signature.output.nbytes // len(stop)
    read_to = np.maximum.accumulate(stop)
    starts = np.arange(1 if piece == 1 else 0, len(stop), piece, dtype=np.int64)
    # A piece of one block has read all it needs before it writes; a longer one reads on.
    last = starts - 1 if piece == 1 else np.minimum(starts + piece, len(stop)) - 1
    gaps = starts * block_bytes - read_to[last]
    return max(int(gaps.min(initial=signature.output.nbytes)), -source)


def sharing_gap(step: Step, input_indices: tuple[int, ...]) -> Gap | None:
    """Where a value that a step reads as each of ``input_indices`` must not start.

    None where its length is known at run time, where the kernel makes no promise for one of
    them, or where several cores run a kernel
    that promises an order: they write blocks in none.
    """
    if step.kernel is None or step.engine is None or step.growing:
        return None
    if step.kernel.streaming is None:
        return _replacing_gap(step.kernel, step.signature, input_indices)
    streaming, op, signature = step.kernel.streaming, step.node.op, step.signature
    if step.engine.cores > 1 or not set(input_indices) <= set(streaming.inputs):
        return None
    above = max(
        smallest_distance(op, signature, index, streaming.block_axes) for index in input_indices
    )
    return Gap(_below(step, input_indices, SHORTEST_PIECE), above)


def _replacing_gap(kernel: Kernel, signature: Signature, indices: tuple[int, ...]) -> Gap | None:
    source, result = signature.inputs[indices[0]].nbytes, signature.output.nbytes
    if indices != (kernel.replaces,) or source != result:
        return None
    return Gap(-source, result, may_replace=True)


def longest_piece(step: Step, input_indices: tuple[int, ...], distance: int) -> int:
    """Largest power of two of blocks per call that is safe backward at ``distance``.

    The caller promises that SHORTEST_PIECE is. Twice as long pieces need at least as much room, so
    the search may stop at the first failure.
    """
    piece = SHORTEST_PIECE
    while _below(step, input_indices, piece * 2) >= distance:
        piece *= 2
    return piece


def joint_extent(writer: int, readers: Sequence[tuple[int, Gap]]) -> int:
    """Fewest bytes that an output and the inputs that it may overwrite need together.

    writer   bytes of the output
    readers  (bytes, gap) of each input; inputs never overlap each other
    Several inputs are only shared forward. Placing them as early as their distances allow, in the
    order of these distances, is optimal (one machine, release dates, makespan), and no input gains
    from starting before the output.
    """
    stop = 0
    readers = [(size, gap.tightest) for size, gap in readers]
    for size, gap in sorted(readers, key=lambda reader: reader[1].above):
        stop = max(stop, gap.above) + size
    forward = max(writer, stop)
    if len(readers) != 1:
        return forward
    ((size, gap),) = readers
    return min(forward, max(writer - min(gap.below, 0), size))


def _below(step: Step, input_indices: tuple[int, ...], piece: int) -> int:
    """``largest_distance`` over several inputs; never touching where items are no blocks."""
    assert step.kernel is not None
    assert step.kernel.streaming is not None
    op, signature, axes = step.node.op, step.signature, step.kernel.streaming.block_axes
    out = signature.output.shape
    blocks = prod(out[: len(out) - axes])
    if piece > blocks or step.kernel.items(op, signature) != blocks:
        return -max(signature.inputs[index].nbytes for index in input_indices)
    return min(largest_distance(op, signature, index, axes, piece) for index in input_indices)


def _reads_of_blocks(
    op: Op, signature: Signature, input_index: int, block_axes: int
) -> tuple[Array, Array]:
    """(first input byte, one past the last) that each block reads, in block order.

    A block that reads nothing has its first byte far behind the input and its last far before.
    """
    out, source = signature.output, signature.inputs[input_index]
    leading = out.shape[: len(out.shape) - block_axes]
    # One contribution per leading axis, and one for what all blocks have in common.
    firsts = [*(np.zeros(extent, np.int64) for extent in leading), np.zeros(1, np.int64)]
    lasts = [first.copy() for first in firsts]
    stride_bytes = source.nbytes
    for how, extent in zip(op.reads(*signature.inputs)[input_index], source.shape, strict=True):
        stride_bytes //= extent
        axis = how.axis if isinstance(how, Along) and how.axis < len(leading) else len(leading)
        match how:
            case Along() if axis < len(leading):
                first, last = _sliding(how, leading[axis], extent)
            case Along():
                first, last = _ends(how.span(Span(0, out.shape[how.axis]), extent))
            case Whole():
                first, last = _ends(Span(0, extent))
        firsts[axis] += first * stride_bytes
        lasts[axis] += last * stride_bytes
    first = np.asarray(reduce(np.add.outer, firsts)).reshape(-1)
    last = np.asarray(reduce(np.add.outer, lasts)).reshape(-1)
    return first, last + source.dtype.nbytes


def _sliding(how: Along, outputs: int, extent: int) -> tuple[Array, Array]:
    """First and last index that each output index reads."""
    begin = np.arange(outputs, dtype=np.int64) * how.stride - how.pad
    start, stop = np.clip(begin, 0, extent), np.clip(begin + how.window, 0, extent)
    is_read = stop > start
    return np.where(is_read, start, _NEVER), np.where(is_read, stop - 1, -_NEVER)


def _ends(span: Span) -> tuple[int, int]:
    """First and last index of a span."""
    return (span.start, span.stop - 1) if span.size else (_NEVER, -_NEVER)


_NEVER = 1 << 31
"""An index beyond every tensor; times a stride below 2**28, one per dimension, it fits int64."""
