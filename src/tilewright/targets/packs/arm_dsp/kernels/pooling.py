"""Bindings of the pooling kernels, four channels at a time."""

from dataclasses import replace
from math import prod

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature, Terms
from tilewright.ir.types import Array
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.pool_onnx import RescaledAveragePool2d
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.rescale import FixedPoint
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE
from tilewright.targets.packs.arm_dsp.kernels.short_scale import short_scale
from tilewright.targets.packs.portable.kernels.means_tflite import AVERAGE_POOL2D_S8_TFLITE
from tilewright.targets.packs.portable.kernels.pool2d import MAX_POOL2D_S8
from tilewright.targets.packs.portable.kernels.quick_loops import QUICK_LOOPS
from tilewright.targets.packs.portable.kernels.rescaled_means import RESCALED_AVERAGE_POOL2D_S8
from tilewright.targets.packs.terms import groups, taps_inside

Constants = tuple[Array | None, ...]

FEWEST_CHANNELS = 4
MOST_SUMMED = 256
"""int8 whose sum fits in int16, whatever they are."""


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Words of four channels; odd channels make one more, of which the rest is thrown away."""
    assert isinstance(op, (MaxPool2d, QAveragePool2d, RescaledAveragePool2d))
    (n, h, w, c), (_, out_h, out_w, _) = signature.inputs[0].shape, signature.output.shape
    rows, columns = taps_inside(op.window, (h, w), (out_h, out_w))
    pixels, words = n * out_h * out_w, groups(c, 4)
    return (
        pixels, pixels * words, n * rows * out_w * words, n * rows * columns * words,
        pixels * (c % 4),
    )  # fmt: skip


POOLING = Terms(("pixels", "words", "row_words", "window_words", "odd_outputs"), _terms)


def _pooling(portable: Kernel, name: str, variant: str, *includes: str) -> Kernel:
    """The portable kernel's binding for another source."""

    def refuse(op: Op, signature: Signature) -> str | None:
        channels = signature.output.shape[-1]
        if channels < FEWEST_CHANNELS:
            return f"there are {channels} channels, at least {FEWEST_CHANNELS}"
        assert isinstance(op, (MaxPool2d, QAveragePool2d, RescaledAveragePool2d))
        size = prod(op.window.kernel)
        if size > MOST_SUMMED and not isinstance(op, MaxPool2d):
            return f"windows have {size} elements, at most {MOST_SUMMED}"
        return portable.refuse(op, signature)

    headers = ("dsp_bytes.h", "dsp_window.h", "dsp_words.h", *includes)
    return replace(
        portable,
        symbol=f"{name}{variant}",
        struct=f"{name}_args",
        header=HERE / f"{name}.h",
        source=HERE / f"{name}{variant}.c",
        refuse=refuse,
        terms=POOLING,
        includes=(QUICK_LOOPS, *(HERE / header for header in headers)),
    )


def _pack(op: Op, constants: Constants) -> Constants:
    """Multipliers and shifts for the short sequences."""
    assert isinstance(op, RescaledAveragePool2d)
    x, multiplier, shift = constants
    assert multiplier is not None
    assert shift is not None
    points = map(FixedPoint, multiplier.tolist(), shift.tolist())
    short = [short_scale(point, op.output.rounding) for point in points]
    return (
        x,
        np.array([s.multiplier for s in short], np.int32),
        np.array([s.shift for s in short], np.int8),
    )


def _rescaled(portable: Kernel) -> Kernel:
    name = "rescaled_average_pool2d_s8"
    variant = portable.symbol.removeprefix(name)
    pooling = _pooling(portable, f"{name}_dsp", variant, "dsp_requantise.h")
    headers = tuple(path for path in pooling.includes if path != QUICK_LOOPS)
    return replace(pooling, source=HERE / f"{name}_dsp.c", includes=headers, pack=_pack)


MAX_POOL2D_S8_DSP = _pooling(MAX_POOL2D_S8, "max_pool2d_s8_dsp", "")
AVERAGE_POOL2D_S8_DSP = _pooling(AVERAGE_POOL2D_S8_TFLITE, "average_pool2d_s8_dsp", "_tflite")
RESCALED_AVERAGE_POOL2D_S8_DSP = tuple(map(_rescaled, RESCALED_AVERAGE_POOL2D_S8))
