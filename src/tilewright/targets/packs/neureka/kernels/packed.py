"""Bindings of kernels that take several neighbouring columns as one pixel.

The engine reads 28 (3x3) or 32 (1x1) channels of a pixel in one cycle, however few there are, and
computes 32 outputs from them. Where a layer has few channels, columns that lie side by side in
memory are one pixel: fewer pixels are read, and weights of zero stand where a window does not
reach. A window that moves along by as many columns as a pixel has then moves by one pixel.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature, WholeAxis
from tilewright.ir.types import Array, DType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.targets.packs.neureka.encoding import encode_points, encode_windows
from tilewright.targets.packs.neureka.job import TILE, Job, Mode, last_of
from tilewright.targets.packs.neureka.kernels.conv2d_neureka import (
    CONV2D_NEUREKA,
    DEPTHWISE_NEUREKA,
    conv2d_job,
)
from tilewright.targets.packs.neureka.kernels.planes import best_plane
from tilewright.targets.packs.neureka.kernels.shared import (
    Packed,
    neureka_kernel,
    out_of,
    packed,
    weight_offset,
)
from tilewright.targets.packs.neureka.kernels.strided import (
    CONV2D_STRIDED_NEUREKA,
    everywhere,
)
from tilewright.targets.packs.neureka.kernels.two_jobs import (
    CHUNK,
    Both,
    keeping_rows,
    packed_with_keep,
    two_job_kernel,
)

Windows = QConv2d | QDepthwiseConv2d

WINDOW_LANES, POINT_LANES, OUTPUTS = 28, 32, 32
"""Input channels of a tile of the engine, and output channels."""

WHOLE_ROWS = (WholeAxis(3), WholeAxis(2))


def most_columns(lanes: int, outputs: int, most_lanes: int = WINDOW_LANES) -> int:
    """Output columns of a pixel: a power of two, so that most images have a multiple of it.

    lanes, outputs  input and output channels per output column
    """
    columns = 1
    while 2 * columns * lanes <= most_lanes and 2 * columns * outputs <= OUTPUTS:
        columns *= 2
    return columns


def _columns_of(op: Windows, inputs: int, outputs: int) -> int:
    """Output columns of a pixel; whole groups of input columns belong to them."""
    if op.window.is_pointwise:
        return most_columns(inputs, outputs, POINT_LANES)
    return most_columns(op.window.strides[1] * inputs, outputs)


def _sizes(signature: Signature) -> tuple[int, int]:
    """Input and output channels."""
    return signature.inputs[0].shape[3], signature.output.shape[3]


def window_job(op: Windows, signature: Signature, columns: int) -> Job:
    """3x3 with so many output columns in a pixel, over all rows that the window passes."""
    _, height, width, inputs = signature.inputs[0].shape
    _, rows, out_columns, outputs = signature.output.shape
    down, along = op.window.strides
    top, left, below, _ = everywhere(op.window, height, width).pads
    lanes = along * columns * inputs
    pixels = -(-out_columns // columns)
    return Job(
        mode=Mode.WINDOW, inputs=lanes, outputs=columns * outputs,
        rows=(rows - 1) * down + 1, columns=pixels, in_pixel=lanes, in_row=width * inputs,
        pads=(top, min(left, 1), below, max(_beyond(op, signature, columns), 0)),
        pad_value=op.x_zero, weight_offset=weight_offset(op.w_zero), out=out_of(signature),
        is_signed=signature.inputs[0].dtype is DType.S8,
    )  # fmt: skip


def _beyond(op: Windows, signature: Signature, columns: int) -> int:
    """Pixels of padding on the right that the last window reaches; 0 where it needs none."""
    width, out_columns = signature.inputs[0].shape[2], signature.output.shape[2]
    along, left = op.window.strides[1], op.window.pads[1]
    if along * (out_columns - 1) + 2 - left < width:
        return 0
    return out_columns // columns + 2 - min(left, 1) - width // (along * columns)


def wrong_columns(op: Windows, signature: Signature, columns: int) -> str | None:
    """None where the image has whole pixels, and padding that the engine gives them."""
    width, out_columns = signature.inputs[0].shape[2], signature.output.shape[2]
    if out_columns % columns:
        return f"makes {out_columns} columns, this kernel {columns} at a time"
    beyond = _beyond(op, signature, columns)
    if beyond and width % (op.window.strides[1] * columns):
        return f"has {width} columns and padding behind them within a pixel"
    if beyond > 2 or (beyond > 1 and last_of(out_columns // columns, TILE) < beyond):
        return "the last tile has one column, and padding that the engine does not give the others"
    return None


def spread(stored: Array, along: int, left: int, columns: int, nothing: int) -> Array:
    """Windows [columns * O, 3, 3, along * columns * C] over pixels, from [O, 3, 3, C] over columns.

    nothing  what is stored where the effective weight is zero
    """
    outputs, _, _, inputs = stored.shape
    step = along * columns
    made = np.full((columns, outputs, 3, 3, step, inputs), nothing, np.uint8)
    for column in range(columns):
        for tap in range(3):
            pixel, lane = divmod(along * column - left + tap, step)
            made[column, :, :, pixel + min(left, 1), lane] = stored[:, :, tap]
    return made.reshape(columns * outputs, 3, 3, step * inputs)


def zero_weight(w_zero: int) -> int:
    """What is stored for a weight whose effective value is zero."""
    return 128 + w_zero


def _spread_points(stored: Array, columns: int, nothing: int) -> Array:
    """[columns * O, columns * C] from [O, C]: every column has its own block."""
    outputs, inputs = stored.shape
    made = np.full((columns, outputs, columns, inputs), nothing, np.uint8)
    for column in range(columns):
        made[column, :, column] = stored
    return made.reshape(columns * outputs, columns * inputs)


def diagonal(stored: Array, nothing: int) -> Array:
    """A depthwise layer's weights [3, 3, C] as those of a convolution [C, 3, 3, C]."""
    count = stored.shape[2]
    made = np.full((count, 3, 3, count), nothing, np.uint8)
    for channel in range(count):
        made[channel, :, :, channel] = stored[:, :, channel]
    return made


def _as_windows(op: Windows, stored: Array) -> Array:
    """Stored weights as those of a convolution."""
    return stored if isinstance(op, QConv2d) else diagonal(stored, zero_weight(op.w_zero))


def _repeated(constants: Packed, columns: int) -> Packed:
    """Tables with entries for the channels of every column; one for all channels stays one."""
    x, w, *given = constants
    tables = (t if t is None or t.size == 1 else np.tile(t, columns) for t in given[1:])
    assert given[0] is not None
    return x, w, np.tile(given[0], columns), *tables


def _weights(constants: Packed) -> Array:
    weights = constants[1]
    assert weights is not None
    return weights


def _columns_in(op: Op, constants: Packed) -> int:
    """As ``_columns_of``, from the weights."""
    shape = _weights(constants).shape
    if isinstance(op, QDepthwiseConv2d):
        return _columns_of(op, shape[2], shape[2])
    assert isinstance(op, QConv2d)
    return _columns_of(op, shape[3], shape[0])


def _refuse_columns(op: Op, signature: Signature) -> str | None:
    """Layers of which several columns fit a pixel."""
    assert isinstance(op, Windows)
    columns = _columns_of(op, *_sizes(signature))
    if columns < 2:
        inputs, outputs = _sizes(signature)
        return f"has {inputs} and {outputs} channels, too many for two columns at once"
    if op.window.is_pointwise:
        n, rows, out_columns, _ = signature.output.shape
        pixels = n * rows * out_columns
        return f"has {pixels} pixels, no multiple of {columns}" if pixels % columns else None
    return wrong_columns(op, signature, columns)


def _job(op: Op, signature: Signature) -> Job:
    assert isinstance(op, Windows)
    columns = _columns_of(op, *_sizes(signature))
    if not op.window.is_pointwise:
        return window_job(op, signature, columns)
    n, rows, out_columns, _ = signature.output.shape
    one = conv2d_job(op, signature)
    wide = replace(one, inputs=columns * one.inputs, outputs=columns * one.outputs)
    return best_plane(wide, n * rows * out_columns // columns)


def _pack(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, Windows)
    columns = _columns_in(op, constants)

    def encode(w: Array) -> Array:
        nothing = zero_weight(op.w_zero)
        if op.window.is_pointwise:
            return encode_points(_spread_points(w.reshape(len(w), -1), columns, nothing), 8)
        pads = op.window.pads
        return encode_windows(spread(_as_windows(op, w), 1, pads[1], columns, nothing), 8)

    return packed(op.output, _repeated(constants, columns), encode)


def _refuse_moved(op: Op, signature: Signature) -> str | None:
    """3x3 or 1x1 that move by one, and have few channels."""
    assert isinstance(op, Windows)
    if op.window.strides != (1, 1):
        return f"takes windows that move by one, not {op.window}"
    kernel = CONV2D_NEUREKA if isinstance(op, QConv2d) else DEPTHWISE_NEUREKA
    wrong = kernel.refuse(op, signature)
    return wrong if wrong is not None else _refuse_columns(op, signature)


def _strided(columns_of: Callable[[Windows, int, int], int], symbol: str) -> Kernel:
    """A kernel for windows that move along by two: rows are left to drop."""

    def both(op: Op, signature: Signature) -> Both:
        assert isinstance(op, QConv2d)
        columns = columns_of(op, *_sizes(signature))
        return keeping_rows(window_job(op, signature, columns), signature, op.window.strides[0])

    def refuse(op: Op, signature: Signature) -> str | None:
        assert isinstance(op, QConv2d)
        if op.window.strides[0] < 2 or op.window.strides[1] != 2:
            return f"takes windows that move by two, not {op.window}"
        if (wrong := CONV2D_STRIDED_NEUREKA.refuse(op, signature)) is not None:
            return wrong
        return wrong_columns(op, signature, columns_of(op, *_sizes(signature)))

    def pack(op: Op, constants: Packed) -> Packed:
        assert isinstance(op, QConv2d)
        shape = _weights(constants).shape
        columns, nothing = columns_of(op, shape[3], shape[0]), zero_weight(op.w_zero)
        along, left = op.window.strides[1], op.window.pads[1]
        return packed_with_keep(
            op.output, _repeated(constants, columns), CHUNK,
            lambda w: encode_windows(spread(w, along, left, columns, nothing), 8),
        )  # fmt: skip

    return replace(two_job_kernel(CONV2D_NEUREKA, symbol, both, refuse, pack), limits=WHOLE_ROWS)


def _one(op: Windows, inputs: int, outputs: int) -> int:
    """Wherever the image has no multiple of more."""
    del op, inputs, outputs
    return 1


CONV2D_PACKED_NEUREKA = neureka_kernel(
    QConv2d, "conv2d_packed_neureka", _job, _refuse_moved, _pack, WHOLE_ROWS
)
DEPTHWISE_PACKED_NEUREKA = neureka_kernel(
    QDepthwiseConv2d, "depthwise_packed_neureka", _job, _refuse_moved, _pack, WHOLE_ROWS
)
CONV2D_PAIRS_NEUREKA = _strided(_one, "conv2d_pairs_neureka")
CONV2D_PACKED_STRIDED_NEUREKA = _strided(_columns_of, "conv2d_packed_strided_neureka")
