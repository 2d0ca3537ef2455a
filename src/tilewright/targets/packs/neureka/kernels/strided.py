"""Bindings of conv2d_strided_neureka.c and depthwise_strided_neureka.c.

The engine's 3x3 window moves by one. A window that moves further is computed everywhere, and a
second job, a 1x1 convolution by one, keeps the pixels that are wanted. Both wait in the engine's
queue; no core copies anything.
"""

from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.window2d import Window2d
from tilewright.targets.packs.neureka.cycles import AROUND, BETWEEN, job_cycles
from tilewright.targets.packs.neureka.encoding import encode_points
from tilewright.targets.packs.neureka.job import Job, Mode, Rescale, registers, weight_bytes
from tilewright.targets.packs.neureka.kernels.conv2d_neureka import (
    CONV2D_NEUREKA,
    DEPTHWISE_NEUREKA,
    conv2d_job,
    depthwise_job,
    encode_conv2d,
    encode_depthwise,
)
from tilewright.targets.packs.neureka.kernels.shared import (
    HERE,
    Packed,
    job_fields,
    out_of,
    packed,
)

KEPT_WORDS = (
    "in_pixel", "in_row", "out_pixel", "out_row", "weight_row", "last_channels", "channel_tiles",
    "pixel_tiles", "config",
)  # fmt: skip

_Strided = QConv2d | QDepthwiseConv2d


def everywhere(window: Window2d, height: int, width: int) -> Window2d:
    """The window moving by one, over no more input than the strided one reads."""
    rows, columns = window.output_size(height, width)
    top, left, _, _ = window.pads
    below = (rows - 1) * window.strides[0] + window.kernel[0] - top - height
    right = (columns - 1) * window.strides[1] + window.kernel[1] - left - width
    return replace(window, strides=(1, 1), pads=(top, left, max(below, 0), max(right, 0)))


def _all_of(op: _Strided, signature: Signature) -> tuple[_Strided, Signature]:
    """The same layer where the window moves by one."""
    x = signature.inputs[0]
    _, height, width, _ = x.shape
    window = everywhere(op.window, height, width)
    n, rows, columns, outputs = signature.output.shape
    shape = (
        n, (rows - 1) * op.window.strides[0] + 1, (columns - 1) * op.window.strides[1] + 1, outputs,
    )  # fmt: skip
    made = TensorType(signature.output.dtype, shape)
    return replace(op, window=window), Signature(signature.inputs, made)


def _first(op: _Strided, signature: Signature) -> Job:
    whole, everything = _all_of(op, signature)
    if isinstance(whole, QConv2d):
        return conv2d_job(whole, everything)
    return depthwise_job(whole, everything)


def _keep(op: _Strided, signature: Signature) -> Job:
    """The job that keeps every so many rows and columns of what the first one makes."""
    _, _, all_columns, outputs = _all_of(op, signature)[1].output.shape
    _, rows, columns, _ = signature.output.shape
    down, along = op.window.strides
    return Job(
        Mode.POINT, outputs, outputs, rows, columns,
        in_pixel=along * outputs, in_row=down * all_columns * outputs,
        weight_offset=0, out=out_of(signature), rescale=Rescale(8, 0, has_bias=False),
        is_signed=signature.output.dtype is DType.S8,
    )  # fmt: skip


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, _Strided)
    first, keep = _first(op, signature), _keep(op, signature)
    words = registers(keep)
    kept = {f"keep_{name}": words[name] for name in KEPT_WORDS}
    kept["keep_last_pixels"] = words["last_out"]
    size = weight_bytes(first) * first.outputs
    if first.mode is Mode.DEPTHWISE:
        size = 32 * first.weight_bits * first.out_tiles
    # Biases and scales, then shifts in whole words.
    behind = 8 * first.outputs + -(-first.outputs // 4) * 4
    fields = {**job_fields(first), "keep_w": size, "keep_scales": behind, **kept}
    return {name: fields[name] for name in _ORDER}


_ORDER = (
    "before", "scales", "in_pixel", "in_row", "out_pixel", "out_row", "weight_row",
    "last_channels", "last_out", "last_in", "channel_tiles", "pixel_tiles", "padding",
    "weight_offset", "config", "keep_w", "keep_scales", "keep_in_pixel", "keep_in_row",
    "keep_out_pixel", "keep_out_row", "keep_weight_row", "keep_last_channels",
    "keep_last_pixels", "keep_channel_tiles", "keep_pixel_tiles", "keep_config",
)  # fmt: skip
"""Members of neureka_strided_args behind the pointers."""


def _cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, _Strided)
    both = job_cycles(_first(op, signature)) + job_cycles(_keep(op, signature))
    return both - AROUND + BETWEEN


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, _Strided)
    size = _all_of(op, signature)[1].output.size
    return -(-size // 4) * 4


def _refuse(kernel: Kernel, op: Op, signature: Signature) -> str | None:
    assert isinstance(op, _Strided)
    if op.window.kernel != (3, 3) or op.window.strides == (1, 1):
        return f"takes 3x3 windows that move by more than one, not {op.window}"
    if isinstance(op, QConv2d) and op.is_channels_first:
        return "channels come first"
    return kernel.refuse(*_all_of(op, signature))


def _with_keep(made: Array, outputs: int) -> Array:
    """Encoded weights of both jobs, as rows of 32 bytes."""
    ones = encode_points(np.eye(outputs, dtype=np.uint8), 8)
    return np.concatenate([made.reshape(-1, 32), ones.reshape(-1, 32)])


def _pack_conv2d(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QConv2d)
    ones = np.ones(_outputs(constants, 0), np.uint8)
    return packed(op.output, constants, lambda w: _with_keep(encode_conv2d(op, w), len(ones)), ones)


def _pack_depthwise(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QDepthwiseConv2d)
    ones = np.ones(_outputs(constants, 2), np.uint8)
    return packed(op.output, constants, lambda w: _with_keep(encode_depthwise(w), len(ones)), ones)


def _outputs(constants: Packed, axis: int) -> int:
    weights = constants[1]
    assert weights is not None
    return weights.shape[axis]


def _strided(kernel: Kernel, symbol: str) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        return _refuse(kernel, op, signature)

    return replace(
        kernel,
        symbol=symbol,
        struct="neureka_strided_args",
        source=HERE / f"{symbol}.c",
        fields=_fields,
        cycles=_cycles,
        refuse=refuse,
        includes=(*kernel.includes, HERE / "neureka_strided.h"),
        scratch_bytes=_scratch_bytes,
    )


CONV2D_STRIDED_NEUREKA = replace(
    _strided(CONV2D_NEUREKA, "conv2d_strided_neureka"), pack=_pack_conv2d
)
DEPTHWISE_STRIDED_NEUREKA = replace(
    _strided(DEPTHWISE_NEUREKA, "depthwise_strided_neureka"), pack=_pack_depthwise
)
