"""Bindings of Arm's CMSIS-NN, which the user brings: `--cmsis-nn PATH`.

Source of the calls: the public header arm_nnfunctions.h of CMSIS-NN 4 to 7, whose int8 functions
follow TensorFlow Lite's quantisation specification, that is the ``tflite`` contract.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.rescale import Rounding

HERE = Path(__file__).parent
HEADER = HERE / "cmsis_nn_s8.h"

_Windowed = QConv2d | QDepthwiseConv2d


def _refuse_window(op: _Windowed) -> str | None:
    if op.w_zero != 0:
        return f"CMSIS-NN has no zero point of weights, here {op.w_zero}"
    if tuple(op.window.dilations) != (1, 1):
        return "dilated"
    if op.output.rounding is not Rounding.DOUBLE:
        return f"CMSIS-NN rounds as {Rounding.DOUBLE.value}, not {op.output.rounding.value}"
    return None


def _refuse_conv(op: Op, signature: Signature) -> str | None:
    del signature
    assert isinstance(op, QConv2d)
    if op.groups != 1 or op.is_channels_first:
        return "groups, or channels first"
    return _refuse_window(op)


def _refuse_depthwise(op: Op, signature: Signature) -> str | None:
    del signature
    assert isinstance(op, QDepthwiseConv2d)
    return _refuse_window(op)


def _window_fields(scratch: Callable[[Op, Signature], int]) -> Callable[[Op, Signature], Fields]:
    def fields(op: Op, signature: Signature) -> Fields:
        assert isinstance(op, _Windowed)
        n, h, w, c = signature.inputs[0].shape
        _, out_h, out_w, out_c = signature.output.shape
        window = op.window
        return {
            "batch": n,
            "in_h": h, "in_w": w, "in_c": c,
            "out_h": out_h, "out_w": out_w, "out_c": out_c,
            "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
            "stride_h": window.strides[0], "stride_w": window.strides[1],
            "dilation_h": window.dilations[0], "dilation_w": window.dilations[1],
            "pad_top": window.pads[0], "pad_left": window.pads[1],
            "x_zero": op.x_zero, "y_zero": op.output.zero,
            "low": op.output.low, "high": op.output.high,
            "scratch_bytes": scratch(op, signature),
        }  # fmt: skip

    return fields


def _patch(signature: Signature) -> int:
    """Elements of one patch, a whole number of vectors."""
    elements = signature.inputs[1].size // signature.inputs[1].shape[0]
    return elements + -elements % 16


def _conv_scratch(op: Op, signature: Signature) -> int:
    """Two patches of int16, or four of int8: what releases until 7 want."""
    del op
    return 4 * _patch(signature)


def _depthwise_scratch(op: Op, signature: Signature) -> int:
    """One int16 patch with DSP; four int8 ones of all channels with Helium."""
    del op
    kernel_h, kernel_w, channels = signature.inputs[1].shape
    return 4 * kernel_h * kernel_w * (channels + -channels % 16)


def _unfolded(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """The file's own bias, since CMSIS-NN adds the input's zero point itself; tables in full."""
    assert isinstance(op, _Windowed)
    x, w, bias, multiplier, shift = constants
    assert w is not None
    assert bias is not None
    assert multiplier is not None
    assert shift is not None
    axes = (0, 1) if isinstance(op, QDepthwiseConv2d) else (1, 2, 3)
    sums = w.astype(np.int64).sum(axis=axes)
    own = (bias + op.x_zero * sums).astype(np.int32)
    tables = (np.ascontiguousarray(np.broadcast_to(t, bias.shape)) for t in (multiplier, shift))
    return (x, w, own, *(table.astype(np.int32) for table in tables))


def _whole(op: Op, signature: Signature) -> int:
    del op, signature
    return 1


def _cycles(per_mac: float, per_output: int) -> Callable[[Op, Signature], int]:
    def cycles(op: Op, signature: Signature) -> int:
        return round(per_mac * op.macs(*signature.inputs)) + per_output * signature.output.size

    return cycles


def cmsis_nn_kernels(*, has_helium: bool) -> tuple[Kernel, ...]:
    """CMSIS-NN for one kind of core; costs are executed instructions, measured on MLPerf Tiny.

    Its dense layers round twice, LiteRT's reference once: they would not be exact.
    """
    conv, depthwise = (0.35, 0.8) if has_helium else (2.0, 7.0)
    windowed = {
        "cmsis_conv2d_s8": (QConv2d, _refuse_conv, _conv_scratch, _cycles(conv, 14)),
        "cmsis_depthwise_s8": (
            QDepthwiseConv2d, _refuse_depthwise, _depthwise_scratch, _cycles(depthwise, 14),
        ),
    }  # fmt: skip
    return tuple(
        Kernel(
            op=op,
            symbol=symbol,
            struct="cmsis_window_args",
            header=HEADER,
            source=HERE / f"{symbol}.c",
            pointers=("x", "w", "bias", "multiplier", "shift", "y"),
            refuse=refuse,
            fields=_window_fields(scratch),
            items=_whole,
            cycles=cycles,
            scratch_bytes=scratch,
            pack=_unfolded,
        )
        for symbol, (op, refuse, scratch, cycles) in windowed.items()
    )
