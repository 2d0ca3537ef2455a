"""How far a kernel's output must stay behind an input that it overwrites while it streams.

Addresses grow to the right. The output follows the input through the same memory::

    output  |written ....... q|next ...........|
    input         D ->  |........|first byte that a block after q still reads ...|

Everything written up to block q must end at or before the first input byte that a later block
reads. The kernel's ``Streaming`` promise covers block q itself.
"""

from collections.abc import Sequence
from functools import reduce
from math import prod

import numpy as np

from tilewright.ir.op import Along, Op, Whole
from tilewright.ir.plan import Step
from tilewright.ir.target import Signature
from tilewright.ir.types import Array, Span


def smallest_distance(op: Op, signature: Signature, input_index: int, block_axes: int) -> int:
    """Smallest D, in bytes, so that input start = output start + D loses no input byte.

    input_index  which input shares memory with the output
    block_axes   a block is the last ``block_axes`` dimensions of the output; 0: one element
    The result lies in [-input bytes, output bytes]; at -input bytes the two may lie anyhow, at
    output bytes they never touch. Tensors are dense and row-major.
    """
    out, source = signature.output, signature.inputs[input_index]
    leading = out.shape[: len(out.shape) - block_axes]
    blocks = prod(leading)
    block_bytes = out.nbytes // blocks
    first = _first_read(op, signature, input_index, block_axes)
    needed_from = np.minimum.accumulate(first[::-1])[::-1]
    written = np.arange(1, blocks, dtype=np.int64) * block_bytes
    gaps = written - needed_from[1:]
    return max(int(gaps.max(initial=-source.nbytes)), -source.nbytes)


def sharing_distance(step: Step, input_indices: tuple[int, ...]) -> int | None:
    """``smallest_distance`` for a value that a step reads as each of ``input_indices``.

    None where the kernel makes no streaming promise for one of them, or where several cores run
    it: they write blocks in no order.
    """
    if step.kernel is None or step.kernel.streaming is None or step.engine is None:
        return None
    streaming = step.kernel.streaming
    if step.engine.cores > 1 or not set(input_indices) <= set(streaming.inputs):
        return None
    return max(
        smallest_distance(step.node.op, step.signature, index, streaming.block_axes)
        for index in input_indices
    )


def _first_read(op: Op, signature: Signature, input_index: int, block_axes: int) -> Array:
    """First input byte that each block reads, in block order; far beyond the input where none."""
    out, source = signature.output, signature.inputs[input_index]
    leading = out.shape[: len(out.shape) - block_axes]
    firsts = [np.zeros(extent, np.int64) for extent in leading]
    in_every_block = 0
    stride_bytes = source.nbytes
    for how, extent in zip(op.reads(*signature.inputs)[input_index], source.shape, strict=True):
        stride_bytes //= extent
        match how:
            case Along(axis) if axis < len(leading):
                firsts[axis] += _along_starts(how, extent, leading[axis]) * stride_bytes
            case Along(axis):
                span = how.span(Span(0, out.shape[axis]), extent)
                in_every_block += (span.start if span.size else _NEVER) * stride_bytes
            case Whole():
                pass
    return np.asarray(reduce(np.add.outer, firsts, np.int64(in_every_block))).reshape(-1)


def _along_starts(how: Along, extent: int, outputs: int) -> Array:
    """First index that each output index reads; beyond every tensor where all is padding."""
    begin = np.arange(outputs, dtype=np.int64) * how.stride - how.pad
    start, stop = np.clip(begin, 0, extent), np.clip(begin + how.window, 0, extent)
    return np.where(stop > start, start, _NEVER)


_NEVER = 1 << 31
"""An index beyond every tensor; times a stride below 2**28, one per dimension, it fits int64."""


def joint_extent(writer: int, readers: Sequence[tuple[int, int]]) -> int:
    """Fewest bytes that an output and the inputs that it may overwrite need together.

    writer   bytes of the output
    readers  (bytes, distance) of each input; inputs never overlap each other
    Placing inputs as early as their distances allow, in the order of these distances, is optimal
    (one machine, release dates, makespan), and no input gains from starting before the output.
    """
    stop = 0
    for size, distance in sorted(readers, key=lambda reader: reader[1]):
        stop = max(stop, distance) + size
    return max(writer, stop)
