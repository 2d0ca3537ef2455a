"""TensorFlow Lite operators that choose or move elements: no arithmetic, any element type.

Along each dimension they are a Gather by a constant table. Slots are positions in the option tables
of the published schema (tensorflow/lite/schema/schema.fbs).
"""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from tilewright.errors import ModelError
from tilewright.frontend.chain import bordered, by_table
from tilewright.frontend.tflite_steps import ANY, Operator, Steps, by_steps
from tilewright.ir.types import Shape
from tilewright.ops.layout import Concat, Pad, Reshape

Slicing = tuple[slice | int | None, ...]


def import_split(steps: Steps) -> None:
    """SPLIT(axis, x) into equal parts."""
    x = steps.operand(1)
    shape = steps.shape(x)
    axis = steps.axis(_one(steps, 0), len(shape))
    count = len(steps.op.outputs)
    if shape[axis] % count:
        raise ModelError(f"{steps.label}: {shape[axis]} elements do not make {count} equal parts")
    _parts(steps, 1, axis, (shape[axis] // count,) * count)


def import_split_v(steps: Steps) -> None:
    """SPLIT_V(x, sizes, axis): one size may be -1, what is left."""
    shape = steps.shape(steps.operand(0))
    axis = steps.axis(_one(steps, 2), len(shape))
    sizes = steps.integers_of(1)
    rest = shape[axis] - sum(n for n in sizes if n != -1)
    parts = tuple(rest if n == -1 else n for n in sizes)
    if sizes.count(-1) > 1 or sum(parts) != shape[axis] or len(parts) != len(steps.op.outputs):
        raise ModelError(f"{steps.label}: parts {list(sizes)} do not make {shape[axis]} elements")
    _parts(steps, 0, axis, parts)


def _one(steps: Steps, position: int) -> int:
    """The axis in a constant operand of one element."""
    numbers = steps.integers_of(position)
    if len(numbers) != 1:
        raise ModelError(f"{steps.label}: has {len(numbers)} axes instead of one")
    return numbers[0]


def _parts(steps: Steps, position: int, axis: int, sizes: Sequence[int]) -> None:
    start = 0
    for output, size in enumerate(sizes):
        part = steps.chosen(steps.operand(position), axis, np.arange(start, start + size))
        steps.finish(part, output)
        start += size


def import_slice(steps: Steps) -> None:
    """SLICE(x, begin, size): a size of -1 goes to the end."""
    x, begin, size = steps.operand(0), steps.integers_of(1), steps.integers_of(2)
    shape = steps.shape(x)
    for axis, (start, count, extent) in enumerate(zip(begin, size, shape, strict=True)):
        stop = extent if count == -1 else start + count
        if not 0 <= start <= stop <= extent:
            raise ModelError(
                f"{steps.label}: elements {start} to {stop} of dimension {axis}, which has {extent}"
            )
        x = steps.chosen(x, axis, np.arange(start, stop))
    steps.finish(x)


def import_strided_slice(steps: Steps) -> None:
    """STRIDED_SLICE, masks as in numpy's indexing."""
    x = steps.operand(0)
    shape = steps.shape(x)
    table = np.arange(prod(shape)).reshape(shape)
    chosen = table[strided_slicing(steps, len(shape))]
    if not chosen.size:
        raise ModelError(f"{steps.label}: takes no element of {steps.type(x)}")
    axes = [s for s in _axis_slices(steps, shape)]
    for axis, places in enumerate(axes):
        x = steps.chosen(x, axis, places)
    steps.end(Reshape(tuple(map(int, chosen.shape))), x)


def strided_slicing(steps: Steps, rank: int) -> Slicing:
    """The operator as numpy's index."""
    begin, end, stride = (steps.integers_of(i) for i in (1, 2, 3))
    no_begin, no_end, ellipsis, fresh, shrink = (steps.option(i) for i in range(5))
    index: list[slice | int | None] = []
    for i, (b, e, s) in enumerate(zip(begin, end, stride, strict=True)):
        bit = 1 << i
        if ellipsis & bit:
            named = sum(1 for j in range(len(begin)) if j != i and not fresh & 1 << j)
            index += [slice(None)] * (rank - named)
        elif fresh & bit:
            index.append(None)
        elif shrink & bit:
            index.append(b)
        else:
            index.append(slice(None if no_begin & bit else b, None if no_end & bit else e, s))
    return tuple(index)


def _axis_slices(steps: Steps, shape: Shape) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The places that are taken of each dimension of x."""
    index = [i for i in strided_slicing(steps, len(shape)) if i is not None]
    index += [slice(None)] * (len(shape) - len(index))
    return [np.atleast_1d(np.arange(extent)[i]) for i, extent in zip(index, shape, strict=True)]


def import_pack(steps: Steps) -> None:
    """PACK: tensors of one shape along a new dimension."""
    inputs = [steps.operand(i) for i in range(len(steps.op.inputs))]
    shape = steps.shape(inputs[0])
    axis = steps.axis(steps.option(1), len(shape) + 1)
    grown = (*shape[:axis], 1, *shape[axis:])
    steps.end(Concat(axis), *(steps.reshaped(x, grown) for x in inputs))


def import_unpack(steps: Steps) -> None:
    """UNPACK: the rows of one dimension, which disappears."""
    x = steps.operand(0)
    shape = steps.shape(x)
    axis = steps.axis(steps.option(1), len(shape))
    if shape[axis] != len(steps.op.outputs):
        raise ModelError(f"{steps.label}: {shape[axis]} rows make {len(steps.op.outputs)} outputs")
    rest = (*shape[:axis], *shape[axis + 1 :])
    for output in range(shape[axis]):
        steps.end(Reshape(rest), steps.chosen(x, axis, np.array([output])), output=output)


def import_tile(steps: Steps) -> None:
    """TILE by constant counts."""
    x = steps.operand(0)
    for axis, count in enumerate(steps.integers_of(1)):
        x = steps.chosen(x, axis, np.tile(np.arange(steps.shape(x)[axis]), count))
    steps.finish(x)


def import_broadcast_to(steps: Steps) -> None:
    """BROADCAST_TO a constant shape."""
    x = steps.operand(0)
    steps.finish(steps.expanded(x, steps.integers_of(1)))


def import_mirror_pad(steps: Steps) -> None:
    """MIRROR_PAD: without (0) or with (1) the edge itself."""
    x = steps.operand(0)
    mode = "symmetric" if steps.option(0, "int8") else "reflect"
    flat = steps.integers_of(1)
    if len(flat) != 2 * len(steps.shape(x)):
        raise ModelError(f"{steps.label}: paddings {list(flat)} do not fit {steps.type(x)}")
    for axis, (before, after) in enumerate(zip(flat[0::2], flat[1::2], strict=True)):
        x = steps.chosen(x, axis, bordered(steps.shape(x)[axis], before, after, mode))
    steps.finish(x)


def import_reverse(steps: Steps) -> None:
    """REVERSE_V2 along constant axes."""
    x = steps.operand(0)
    for given in steps.integers_of(1):
        axis = steps.axis(given, len(steps.shape(x)))
        x = steps.chosen(x, axis, np.arange(steps.shape(x)[axis])[::-1])
    steps.finish(x)


def import_reverse_sequence(steps: Steps) -> None:
    """REVERSE_SEQUENCE by constant lengths."""
    x, lengths = steps.operand(0), steps.integers_of(1)
    shape = steps.shape(x)
    time, batch = (steps.axis(steps.option(i), len(shape)) for i in (0, 1))
    table = np.moveaxis(np.arange(prod(shape)).reshape(shape), (batch, time), (0, 1)).copy()
    for row, length in zip(table, lengths, strict=True):
        row[:length] = row[:length][::-1].copy()
    steps.finish(by_table(steps, x, np.moveaxis(table, (0, 1), (batch, time))))


def import_space_to_depth(steps: Steps) -> None:
    """SPACE_TO_DEPTH: blocks of pixels become channels."""
    x, b = steps.operand(0), steps.option(0)
    n, h, w, c = steps.shape(x)
    x = steps.reshaped(x, (n, h // b, b, w // b, b, c))
    x = steps.transposed(x, (0, 1, 3, 2, 4, 5))
    steps.end(Reshape((n, h // b, w // b, b * b * c)), x)


def import_depth_to_space(steps: Steps) -> None:
    """DEPTH_TO_SPACE: channels become blocks of pixels."""
    x, b = steps.operand(0), steps.option(0)
    n, h, w, c = steps.shape(x)
    x = steps.reshaped(x, (n, h, w, b, b, c // (b * b)))
    x = steps.transposed(x, (0, 1, 3, 2, 4, 5))
    steps.end(Reshape((n, h * b, w * b, c // (b * b))), x)


def import_space_to_batch(steps: Steps) -> None:
    """SPACE_TO_BATCH_ND: a border of zeros, then pixels of blocks become images of the batch."""
    x, block, flat = steps.operand(0), steps.integers_of(1), steps.integers_of(2)
    rank, depth = len(steps.shape(x)), len(block)
    if any(flat):
        before = (0, *flat[0::2], *(0,) * (rank - depth - 1))
        after = (0, *flat[1::2], *(0,) * (rank - depth - 1))
        x = steps.do(Pad(before, after), x)
    n, *rest = steps.shape(x)
    pairs = [part for size, b in zip(rest, block, strict=False) for part in (size // b, b)]
    x = steps.reshaped(x, (n, *pairs, *rest[depth:]))
    images = [2 * d + 2 for d in range(depth)]
    pixels = [2 * d + 1 for d in range(depth)]
    x = steps.transposed(x, (*images, 0, *pixels, *range(2 * depth + 1, rank + depth)))
    shrunk = [size // b for size, b in zip(rest, block, strict=False)]
    steps.end(Reshape((n * prod(block), *shrunk, *rest[depth:])), x)


def import_batch_to_space(steps: Steps) -> None:
    """BATCH_TO_SPACE_ND: images of the batch become the pixels of blocks, then borders are cut."""
    x, block, crops = steps.operand(0), steps.integers_of(1), steps.integers_of(2)
    n, *rest = steps.shape(x)
    spatial, channels, depth = rest[: len(block)], rest[len(block) :], len(block)
    x = steps.reshaped(x, (*block, n // prod(block), *rest))
    pairs = [place for d in range(depth) for place in (depth + 1 + d, d)]
    x = steps.transposed(x, (depth, *pairs, *range(2 * depth + 1, 2 * depth + 1 + len(channels))))
    grown = [size * b for size, b in zip(spatial, block, strict=True)]
    x = steps.reshaped(x, (n // prod(block), *grown, *channels))
    for d, extent in enumerate(grown):
        x = steps.chosen(x, d + 1, np.arange(crops[2 * d], extent - crops[2 * d + 1]))
    steps.finish(x)


def import_resize_nearest(steps: Steps) -> None:
    """RESIZE_NEAREST_NEIGHBOR; places are computed in float32, as LiteRT does."""
    x, wish = steps.operand(0), steps.integers_of(1)
    aligns, is_half = steps.flag(0), steps.flag(1)
    for axis, new in zip((1, 2), wish, strict=True):
        old = steps.shape(x)[axis]
        ends = (old - 1, new - 1) if aligns and new > 1 else (old, new)
        scale = np.float32(ends[0]) / np.float32(ends[1])
        at = (np.arange(new, dtype=np.float32) + np.float32(0.5 if is_half else 0.0)) * scale
        places = np.floor(at + np.float32(0.5)) if aligns else np.floor(at)
        x = steps.chosen(x, axis, np.clip(places, 0, old - 1).astype(np.int64))
    steps.finish(x)


MOVEMENTS: Mapping[str, Operator] = {
    "BATCH_TO_SPACE_ND": Operator(by_steps(import_batch_to_space), (3, 3)),
    "BROADCAST_TO": Operator(by_steps(import_broadcast_to), (2, 2)),
    "DEPTH_TO_SPACE": Operator(by_steps(import_depth_to_space), (1, 1)),
    "MIRROR_PAD": Operator(by_steps(import_mirror_pad), (2, 2)),
    "PACK": Operator(by_steps(import_pack), (1, ANY)),
    "RESIZE_NEAREST_NEIGHBOR": Operator(by_steps(import_resize_nearest), (2, 2)),
    "REVERSE_SEQUENCE": Operator(by_steps(import_reverse_sequence), (2, 2)),
    "REVERSE_V2": Operator(by_steps(import_reverse), (2, 2)),
    "SLICE": Operator(by_steps(import_slice), (3, 3)),
    "SPACE_TO_DEPTH": Operator(by_steps(import_space_to_depth), (1, 1)),
    "SPACE_TO_BATCH_ND": Operator(by_steps(import_space_to_batch), (3, 3)),
    "SPLIT": Operator(by_steps(import_split), (2, 2), (1, ANY)),
    "SPLIT_V": Operator(by_steps(import_split_v), (3, 3), (1, ANY)),
    "STRIDED_SLICE": Operator(by_steps(import_strided_slice), (4, 4)),
    "TILE": Operator(by_steps(import_tile), (2, 2)),
    "UNPACK": Operator(by_steps(import_unpack), (1, 1), (1, ANY)),
}
