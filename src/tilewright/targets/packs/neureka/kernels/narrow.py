"""Binding of conv2d_narrow_neureka.c: any window over an input whose rows are short.

The core that starts the job copies the input with its padding, every row to the start of 16 bytes.
There the bytes of a window, from its first row to its last, are one run: a pixel of a 1x1
convolution whose pixels overlap, with weights of zero for what lies between the window's rows.
"""

from dataclasses import dataclass, replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Signature
from tilewright.ir.types import Array, DType
from tilewright.ops.conv2d import QConv2d
from tilewright.targets.packs.neureka.cycles import job_cycles
from tilewright.targets.packs.neureka.encoding import encode_points
from tilewright.targets.packs.neureka.job import Job, Mode
from tilewright.targets.packs.neureka.kernels.conv2d_neureka import CONV2D_NEUREKA
from tilewright.targets.packs.neureka.kernels.shared import (
    HERE,
    Packed,
    job_fields,
    out_of,
    packed,
    weight_offset,
    wrong_bytes,
)

PITCH = 16
"""Bytes of a row of the copy."""

FILL_CYCLES, LONG_CYCLES, SHORT_CYCLES, BYTE_CYCLES = 9, 27, 12, 8
"""Of the copy: per row, per row of the input that four words are, per other row and byte of it.
Measured."""

LONG_BYTES = 8
"""From there on a row is four words."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """Rows and bytes of the copy, and which of them show the input."""

    rows: int
    row_bytes: int
    shown_rows: int
    shown_bytes: int


def _copy(op: QConv2d, signature: Signature) -> _Copy:
    _, height, width, channels = signature.inputs[0].shape
    _, out_rows, out_columns, _ = signature.output.shape
    window = op.window
    rows = (out_rows - 1) * window.strides[0] + window.kernel[0]
    columns = (out_columns - 1) * window.strides[1] + window.kernel[1]
    top, left, _, _ = window.pads
    return _Copy(
        rows,
        columns * channels,
        max(min(height, rows - top), 0),
        max(min(width, columns - left), 0) * channels,
    )


def _job(op: QConv2d, signature: Signature) -> Job:
    _, rows, columns, outputs = signature.output.shape
    channels = signature.inputs[0].shape[3]
    (kernel_h, kernel_w), (down, along) = op.window.kernel, op.window.strides
    return Job(
        Mode.POINT, (kernel_h - 1) * PITCH + kernel_w * channels, outputs, rows, columns,
        in_pixel=along * channels, in_row=down * PITCH, weight_offset=weight_offset(op.w_zero),
        out=out_of(signature), is_signed=signature.inputs[0].dtype is DType.S8,
    )  # fmt: skip


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QConv2d)
    copy = _copy(op, signature)
    _, _, width, channels = signature.inputs[0].shape
    top, left, _, _ = op.window.pads
    fill = int(np.frombuffer(np.full(4, op.x_zero, np.int8).tobytes(), np.int32)[0])
    return {
        **job_fields(_job(op, signature)),
        "copy_rows": copy.rows, "first_row": top, "rows": copy.shown_rows,
        "first_byte": left * channels, "bytes": copy.shown_bytes, "x_row": width * channels,
        "fill": fill,
    }  # fmt: skip


def _cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, QConv2d)
    copy = _copy(op, signature)
    is_long = copy.shown_bytes >= LONG_BYTES
    row = LONG_CYCLES if is_long else SHORT_CYCLES + BYTE_CYCLES * copy.shown_bytes
    copying = FILL_CYCLES * copy.rows + row * copy.shown_rows
    return job_cycles(_job(op, signature)) + copying


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QConv2d)
    return _copy(op, signature).rows * PITCH


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QConv2d)
    if op.groups > 1 or op.is_channels_first:
        return "channels are in groups or come first"
    if op.window.dilations != (1, 1):
        return f"has a {op.window} window; the engine's has no gaps"
    if signature.output.shape[0] > 1:
        return f"has {signature.output.shape[0]} images, the engine one"
    if (row := _copy(op, signature).row_bytes) > PITCH:
        return f"rows have {row} bytes with their padding, this kernel at most {PITCH}"
    return wrong_bytes(op.output, signature)


def _pack(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QConv2d)

    def encode(w: Array) -> Array:
        outputs, kernel_h, kernel_w, channels = w.shape
        # Between the rows of a window lie weights whose effective value is zero.
        rows = np.full((outputs, kernel_h, PITCH), 128 + op.w_zero, np.uint8)
        rows[:, :, : kernel_w * channels] = w.reshape(outputs, kernel_h, -1)
        length = (kernel_h - 1) * PITCH + kernel_w * channels
        return encode_points(rows.reshape(outputs, -1)[:, :length], 8)

    return packed(op.output, constants, encode)


CONV2D_NARROW_NEUREKA = replace(
    CONV2D_NEUREKA,
    symbol="conv2d_narrow_neureka",
    struct="neureka_narrow_args",
    source=HERE / "conv2d_narrow_neureka.c",
    fields=_fields,
    cycles=_cycles,
    refuse=_refuse,
    pack=_pack,
    scratch_bytes=_scratch_bytes,
)
