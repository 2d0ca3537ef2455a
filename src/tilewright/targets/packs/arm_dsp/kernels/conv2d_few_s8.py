"""Bindings of conv2d_s8_dsp_of_*: depthwise layers of one to three channels as convolutions.

Weights of zero join every other channel: three times the products at most, but four windows meet
pairs of output channels, and windows are gathered once for all of them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Terms
from tilewright.ir.types import Array, TensorType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.targets.packs.arm_dsp.kernels.conv2d_s8 import CONV2D_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.finish import VARIANTS
from tilewright.targets.packs.arm_dsp.kernels.refusals import refuse_dilation

MOST = 3
"""Channels; more would meet too many zeros."""


def _as_conv(op: Op, signature: Signature) -> tuple[QConv2d, Signature]:
    """The convolution that a depthwise layer is, with weights [O,KH,KW,C]."""
    assert isinstance(op, QDepthwiseConv2d)
    x, w, *tables = signature.inputs
    shape = (w.shape[2], *op.window.kernel, x.shape[3])
    inputs = (x, TensorType(w.dtype, shape), *tables)
    return _conv(op), Signature(inputs, signature.output)


def _conv(op: QDepthwiseConv2d) -> QConv2d:
    return QConv2d(op.window, 1, False, op.output, op.x_zero, op.w_zero)


def _refuse(op: Op, signature: Signature, channels: int) -> str | None:
    assert isinstance(op, QDepthwiseConv2d)
    if signature.inputs[0].shape[3] != channels:
        return f"the input has {signature.inputs[0].shape[3]} channels, not {channels}"
    return refuse_dilation(op.window.dilations)


def _wide(op: QDepthwiseConv2d, w: Array, channels: int) -> Array:
    """w[KH,KW,O] as [O,KH,KW,C]: the zero point where an output does not read a channel."""
    made = w.shape[2]
    wide = np.full((made, *w.shape[:2], channels), op.w_zero, np.int8)
    for output in range(made):
        wide[output, :, :, output * channels // made] = w[:, :, output]
    return wide


def _few(plain: Kernel, channels: int, variant: str) -> Kernel:
    """``plain``: the kernel for convolutions of the same rounding."""
    assert plain.terms is not None
    count: Callable[[Op, Signature], tuple[int, ...]] = plain.terms.count

    def refuse(op: Op, signature: Signature) -> str | None:
        return _refuse(op, signature, channels)

    def pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
        assert isinstance(op, QDepthwiseConv2d)
        x, w, *tables = constants
        assert w is not None
        return plain.pack(_conv(op), (x, _wide(op, w, channels), *tables))

    def fields(op: Op, signature: Signature) -> Fields:
        return plain.fields(*_as_conv(op, signature))

    def scratch_bytes(op: Op, signature: Signature) -> int:
        return plain.scratch_bytes(*_as_conv(op, signature))

    def terms(op: Op, signature: Signature) -> tuple[int, ...]:
        return count(*_as_conv(op, signature))

    return replace(
        plain,
        op=QDepthwiseConv2d,
        symbol=f"conv2d_s8_dsp_of_{channels}_{variant}",
        refuse=refuse,
        fields=fields,
        terms=Terms(plain.terms.names, terms),
        scratch_bytes=scratch_bytes,
        pack=pack,
    )


_PLAIN = CONV2D_S8_DSP[: len(VARIANTS)]

CONV2D_FEW_S8_DSP = tuple(
    _few(plain, channels, variant.name)
    for channels in range(1, MOST + 1)
    for plain, variant in zip(_PLAIN, VARIANTS, strict=True)
)
