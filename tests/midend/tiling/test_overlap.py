"""Distances between an output and the input that it overwrites."""

from itertools import pairwise, product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.ir.op import Along, Op
from tilewright.ir.target import Signature
from tilewright.ir.types import DType, Span, TensorType
from tilewright.midend.tiling.overlap import Gap, joint_extent, largest_distance, smallest_distance
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.elementwise import Add
from tilewright.ops.layout import Concat, Pad, Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.quantise import Dequantize
from tilewright.ops.window2d import Window2d
from work import counted


def s8(*shape: int) -> TensorType:
    return TensorType(DType.S8, shape)


def s32(*shape: int) -> TensorType:
    return TensorType(DType.S32, shape)


def signature(op: Op, *inputs: TensorType) -> Signature:
    return Signature(inputs, op.infer(*inputs))


def conv(window: Window2d, x: TensorType, channels: int) -> tuple[Op, Signature]:
    op = QConv2d(window)
    w = s8(channels, *window.kernel, x.shape[3])
    return op, signature(op, x, w, s32(channels), s32(channels), s8(channels))


def depthwise(window: Window2d, x: TensorType, multiplier: int = 1) -> tuple[Op, Signature]:
    op, o = QDepthwiseConv2d(window), x.shape[3] * multiplier
    return op, signature(op, x, s8(*window.kernel, o), s32(o), s32(o), s8(o))


def by_brute_force(op: Op, sig: Signature, index: int, block_axes: int) -> int:
    """The definition, one block and one input byte at a time."""
    out, source = sig.output, sig.inputs[index]
    access = op.reads(*sig.inputs)[index]
    leading = out.shape[: len(out.shape) - block_axes]
    addresses = np.arange(source.size).reshape(source.shape) * source.dtype.nbytes
    firsts: list[int | None] = []
    for block in np.ndindex(*leading):
        inner = out.shape[len(leading) :]
        region = (*(Span(i, 1) for i in block), *(Span(0, n) for n in inner))
        spans = [
            how.span(region[how.axis], extent) if isinstance(how, Along) else Span(0, extent)
            for how, extent in zip(access, source.shape, strict=True)
        ]
        read = addresses[tuple(slice(s.start, s.stop) for s in spans)]
        firsts.append(int(read.min()) if read.size else None)
    block_bytes = out.nbytes // len(firsts)
    gaps = [
        (q + 1) * block_bytes - first
        for q in range(len(firsts))
        for first in firsts[q + 1 :]
        if first is not None
    ]
    return max([*gaps, -source.nbytes])


def test_a_padded_3x3_keeps_one_row_and_one_pixel_behind():
    op, sig = conv(Window2d((3, 3), pads=(1, 1, 1, 1)), s8(1, 32, 32, 16), 16)
    assert smallest_distance(op, sig, 0, 1) == (32 + 1) * 16


def test_a_pointwise_convolution_that_doubles_the_channels_ends_with_its_input():
    op, sig = conv(Window2d((1, 1)), s8(1, 48, 48, 8), 16)
    # The last pixel is read before it is written, so one input pixel less than 48*48*8 = 18432.
    assert smallest_distance(op, sig, 0, 1) == 18432 - 8


def test_elementwise_operators_work_in_place():
    add = Add()
    lut = Lut()
    sig = signature(add, s8(1, 8, 8, 4), s8(1, 8, 8, 4))
    one_byte_out = Signature(sig.inputs, s8(1, 8, 8, 4))
    assert smallest_distance(add, one_byte_out, 0, 0) == 0
    assert smallest_distance(lut, signature(lut, s8(3, 5), s8(256)), 0, 0) == 0


def test_an_operator_that_widens_elements_stays_behind_by_what_it_adds():
    op = Dequantize(0.5, 3)
    assert smallest_distance(op, signature(op, s8(100)), 0, 0) == 3 * 99


def test_a_single_block_may_lie_anywhere():
    op = QDense()
    sig = signature(op, s8(1, 640), s8(128, 640), s32(128), s32(128), s8(128))
    assert smallest_distance(op, sig, 0, 1) == -640


def test_an_input_that_every_element_needs_is_free_only_at_the_last_element():
    op = QDense()
    sig = signature(op, s8(1, 640), s8(128, 640), s32(128), s32(128), s8(128))
    assert smallest_distance(op, sig, 0, 0) == 127


def test_concat_needs_no_copy_space_along_its_first_axis():
    op = Concat(0)
    sig = signature(op, s8(3, 4), s8(5, 4))
    assert smallest_distance(op, sig, 0, 1) == 0
    assert smallest_distance(op, sig, 1, 1) == 3 * 4


def test_large_images_are_no_more_work_than_small_ones():
    op, sig = conv(Window2d((3, 3), pads=(1, 1, 1, 1)), s8(1, 640, 640, 3), 8)
    last_window = (638 * 640 + 638) * 3
    with counted() as work:
        assert smallest_distance(op, sig, 0, 1) == (640 * 640 - 1) * 8 - last_window
    assert work.calls < 1000  # 112, of 409,600 pixels


SIZES = st.integers(1, 7)


@st.composite
def windowed_cases(draw: st.DrawFn) -> tuple[Op, Signature]:
    kernel, strides, dilations = (
        draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(3)
    )
    pads = draw(st.tuples(*[st.integers(0, 3)] * 4))
    window = Window2d(kernel, strides, pads, dilations)
    rows = draw(st.integers(max(1, window.extent[0] - pads[0] - pads[2]), 8))
    cols = draw(st.integers(max(1, window.extent[1] - pads[1] - pads[3]), 8))
    x = s8(draw(st.integers(1, 2)), rows, cols, draw(st.integers(1, 4)))
    match draw(st.sampled_from(["conv", "depthwise", "pool"])):
        case "conv":
            return conv(window, x, draw(st.integers(1, 5)))
        case "depthwise":
            return depthwise(window, x, draw(st.integers(1, 2)))
        case _:
            op = MaxPool2d(window)
            return op, signature(op, x)


@st.composite
def layout_cases(draw: st.DrawFn) -> tuple[Op, Signature]:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    dtype = draw(st.sampled_from([DType.S8, DType.F32]))
    x = TensorType(dtype, tuple(shape))
    match draw(st.sampled_from(["transpose", "pad", "concat", "dequantize", "add"])):
        case "transpose":
            op: Op = Transpose(tuple(draw(st.permutations(range(len(shape))))))
        case "pad":
            pads = st.tuples(*[st.integers(0, 2)] * len(shape))
            op = Pad(draw(pads), draw(pads))
        case "concat":
            op = Concat(draw(st.integers(0, len(shape) - 1)))
            return op, signature(op, x, x)
        case "dequantize":
            op = Dequantize(1.0, 0)
        case _:
            op = Add()
            other = tuple(n if draw(st.booleans()) else 1 for n in shape)
            return op, signature(op, x, TensorType(dtype, other))
    return op, signature(op, x)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.one_of(windowed_cases(), layout_cases()), st.data())
def test_the_distance_is_the_definition(case: tuple[Op, Signature], data: st.DataObject):
    op, sig = case
    activations = [i for i, t in enumerate(sig.inputs[:2]) if t.dtype is sig.inputs[0].dtype]
    index = data.draw(st.sampled_from(activations))
    block_axes = data.draw(st.integers(0, len(sig.output.shape)))
    wanted = by_brute_force(op, sig, index, block_axes)
    assert smallest_distance(op, sig, index, block_axes) == wanted


@pytest.mark.parametrize("block_axes", [0, 1])
def test_a_block_that_reads_only_padding_sets_no_bound(block_axes: int):
    op = Pad((0, 4), (0, 4))
    sig = signature(op, s8(1, 2))
    assert smallest_distance(op, sig, 0, block_axes) == by_brute_force(op, sig, 0, block_axes)


def loses_bytes(op: Op, sig: Signature, index: int, order: list[list[int]], distance: int) -> bool:
    """Calls of consecutive blocks, in the given order, one byte at a time."""
    out, source = sig.output, sig.inputs[index]
    blocks = sum(map(len, order))
    leading = next(n for n in range(len(out.shape) + 1) if prod(out.shape[:n]) == blocks)
    access = op.reads(*sig.inputs)[index]
    addresses = np.arange(source.nbytes).reshape(*source.shape, source.dtype.nbytes)
    written: set[int] = set()
    corners = list(np.ndindex(*out.shape[:leading]))
    for block in (b for call in order for b in call):
        region = (*(Span(i, 1) for i in corners[block]), *(Span(0, n) for n in out.shape[leading:]))
        spans = [
            how.span(region[how.axis], extent) if isinstance(how, Along) else Span(0, extent)
            for how, extent in zip(access, source.shape, strict=True)
        ]
        read = addresses[tuple(slice(s.start, s.stop) for s in spans)] + distance
        if written & set(read.reshape(-1).tolist()):
            return True
        size = out.nbytes // blocks
        written |= set(range(block * size, (block + 1) * size))
    return False


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.one_of(windowed_cases(), layout_cases()), st.sampled_from([1, 2, 4]), st.data())
def test_pieces_called_last_first_lose_no_byte_at_the_largest_distance(
    case: tuple[Op, Signature], piece: int, data: st.DataObject
):
    op, sig = case
    block_axes = data.draw(st.integers(0, len(sig.output.shape)))
    blocks = prod(sig.output.shape[: len(sig.output.shape) - block_axes])
    distance = largest_distance(op, sig, 0, block_axes, piece)
    pieces = [list(range(s, min(s + piece, blocks))) for s in range(0, blocks, piece)]
    assert -sig.inputs[0].nbytes <= distance <= sig.output.nbytes
    for closer in range(distance, -sig.inputs[0].nbytes, -max(1, distance // 3)):
        assert not loses_bytes(op, sig, 0, pieces[::-1], closer)


def test_a_pointwise_layer_may_climb_by_its_piece():
    op, sig = conv(Window2d((1, 1)), s8(1, 25, 5, 64), 64)
    assert largest_distance(op, sig, 0, 1, 1) == 0
    assert largest_distance(op, sig, 0, 1, 4) == -4 * 64


def test_longer_pieces_need_at_least_as_much_room():
    op, sig = conv(Window2d((3, 3), pads=(1, 1, 1, 1)), s8(1, 8, 8, 4), 4)
    distances = [largest_distance(op, sig, 0, 1, piece) for piece in (1, 2, 4, 8, 16, 32, 64)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] == -(8 + 1) * 4
    assert distances[-1] == -8 * 8 * 4


def least_extent(writer: int, readers: list[tuple[int, Gap]]) -> int:
    """Every offset of every reader around a writer at 0."""
    reach = writer + sum(size for size, _ in readers)
    best = reach
    for starts in product(*(range(-reach, reach + 1) for _ in readers)):
        placed = sorted((s, s + size) for s, (size, _) in zip(starts, readers, strict=True))
        apart = all(a[1] <= b[0] for a, b in pairwise(placed))
        clear = all(
            s >= min(gap.above, writer) or s <= max(gap.below, -size)
            for s, (size, gap) in zip(starts, readers, strict=True)
        )
        if apart and clear:
            best = min(best, max(writer, placed[-1][1]) - min(0, placed[0][0]))
    return best


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(1, 4), st.integers(-4, 6)), min_size=1, max_size=2),
    st.integers(-4, 4),
)
def test_the_joint_extent_is_the_best_of_all_placements(
    writer: int, sizes: list[tuple[int, int]], below: int
):
    alone = len(sizes) == 1
    readers = [
        (size, Gap(max(below, -size) if alone else -size, min(max(above, -size), writer)))
        for size, above in sizes
    ]
    assert joint_extent(writer, readers) == least_extent(writer, readers)
