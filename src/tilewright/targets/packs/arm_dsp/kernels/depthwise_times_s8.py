"""Bindings of depthwise_times_s8_dsp.c: several output channels per input channel.

How many decides the order of the weights, and these are packed before the input's channels are
known: so each number has kernels of its own.
"""

from dataclasses import replace
from math import prod

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Terms
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.targets.packs.arm_dsp.kernels.depthwise_s8 import DEPTHWISE_S8_DSP, FOUR, fours
from tilewright.targets.packs.arm_dsp.kernels.finish import VARIANTS, finish
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE, Tables
from tilewright.targets.packs.arm_dsp.kernels.words import is_clipped
from tilewright.targets.packs.columns import as_row
from tilewright.targets.packs.terms import groups, whole_windows

TIMES = (2, 3, 4, 8)
"""Output channels per input channel that there are kernels for."""

RUN = 4
"""DEPTHWISE_TIMES_RUN: pixels whose outputs are kept."""


def _window_bytes(op: QDepthwiseConv2d, signature: Signature) -> int:
    """A padded window."""
    size = prod(op.window.kernel) * signature.inputs[0].shape[3]
    return -(-size // 4) * 4 if op.window.is_padded else 0


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    channels, made = signature.inputs[0].shape[3], signature.output.shape[3]
    kept = RUN * groups(channels, FOUR) * FOUR * (made // channels)
    return _window_bytes(op, signature) + kept


def _runs(outputs: int, stride: int, pad: int, reach: int, extent: int) -> int:
    """Of up to ``RUN`` windows of a line that lie inside the input, one behind the other."""
    return groups(whole_windows(outputs, stride, pad, reach, extent), RUN)


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Runs of windows inside the input, and windows beyond it, which are copied one by one."""
    assert isinstance(op, QDepthwiseConv2d)
    op, signature = as_row(op, signature, dilates=True)
    (_, h, w, c), (n, out_h, out_w, made) = signature.inputs[0].shape, signature.output.shape
    window, pixels = op.window, n * out_h * out_w
    (kernel_h, kernel_w), (extent_h, extent_w) = window.kernel, window.extent
    lines = n * whole_windows(out_h, window.strides[0], window.pads[0], extent_h, h)
    along = out_w, window.strides[1], window.pads[1], extent_w, w
    runs, border = lines * _runs(*along), pixels - lines * whole_windows(*along)
    taps, blocks = kernel_h * kernel_w, groups(c, FOUR)
    computed = pixels * blocks * (made // c)
    rows = 0 if window.kernel == (3, 3) else 1 if kernel_w == 1 else kernel_h
    has_holes = window.dilations != (1, 1)
    return (
        n * out_h, runs, runs * blocks, border, border * blocks, border * kernel_h,
        border * taps * c, border * taps * has_holes, border * taps * c * has_holes,
        computed, computed * rows, computed * taps, pixels, pixels * blocks, pixels * c,
        pixels * made, is_clipped(op.output) * pixels * made,
    )  # fmt: skip


TERMS = Terms(
    (
        "lines", "runs", "run_blocks", "borders", "border_blocks", "border_rows", "border_bytes",
        "hole_taps", "hole_bytes", "fours", "rows", "taps", "pixels", "blocks", "channels",
        "outputs", "clipped",
    ),
    _terms,
)  # fmt: skip


def _kernel(plain: Kernel, times: int, variant: str) -> Kernel:
    """``plain``: the kernel for any window and one output channel, of the same rounding."""

    def by_fours(array: Array) -> Array:
        """[.., channels * times] → [.., ceil(channels / 4) * times, 4]."""
        each = np.moveaxis(array.reshape(*array.shape[:-1], -1, times), -1, -2)
        blocks = np.moveaxis(fours(each), -3, -2)
        return blocks.reshape(*array.shape[:-1], -1, FOUR)

    def refuse(op: Op, signature: Signature) -> str | None:
        del op
        channels, made = signature.inputs[0].shape[3], signature.output.shape[3]
        if channels < FOUR:
            return f"{channels} channels, not at least {FOUR}"
        if made != times * channels:
            return f"{made // channels} output channels per input channel, not {times}"
        return None

    def fields(op: Op, signature: Signature) -> Fields:
        assert isinstance(op, QDepthwiseConv2d)
        window_bytes = _window_bytes(op, signature)
        return {**plain.fields(op, signature), "times": times, "window_bytes": window_bytes}

    def pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
        """As one array of words, [ceil(C/4) * times, KH*KW * 2 + 10]; see the header."""
        assert isinstance(op, QDepthwiseConv2d)
        w, bias, multiplier, shift = (a for a in constants if a is not None)
        tables = Tables(bias, multiplier, shift).per_channel()
        by_element = w.reshape(-1, w.shape[2]).astype(np.int16) - op.w_zero
        biases, tail = finish(by_element, tables, op.output).by_group(by_fours)
        by_group = by_fours(by_element).transpose(1, 0, 2)[..., [0, 2, 1, 3]]
        weights = np.ascontiguousarray(by_group.astype(np.int16)).reshape(len(biases), -1)
        words = np.concatenate([biases, weights.view("<i4"), tail], axis=1).astype(np.int32)
        unused = np.zeros(1, np.int32)
        return None, words, unused, unused, unused

    return replace(
        plain,
        symbol=f"depthwise_s8_dsp_times_{times}_{variant}",
        source=HERE / "depthwise_times_s8_dsp.c",
        refuse=refuse,
        fields=fields,
        terms=TERMS,
        scratch_bytes=_scratch_bytes,
        pack=pack,
    )


_PLAIN = DEPTHWISE_S8_DSP[-len(VARIANTS) :]

DEPTHWISE_TIMES_S8_DSP = tuple(
    _kernel(plain, times, variant.name)
    for times in TIMES
    for plain, variant in zip(_PLAIN, VARIANTS, strict=True)
)
