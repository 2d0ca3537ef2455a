"""Layer and RMS normalisation of integers as the ``pulp`` contract's dialect does it.

Divisions truncate towards zero. Source: iLayerNorm and iRMSNorm of the integer dialect.
"""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.norm_onnx import square_roots
from tilewright.ops.normalisation import check_tables, norm_reads
from tilewright.ops.rescale import INT32_MAX, clip

LARGEST_ROW = 2**15
"""Sums of this many squares of at most 255 stay in int32."""

LARGEST_VALUE = 511
"""|v - mean| of a row; without a mean at most 255."""


def _check(*inputs: TensorType) -> None:
    check_tables(*inputs)
    if inputs[0].shape[-1] > LARGEST_ROW:
        raise ValueError(f"rows of {inputs[0]} are longer than {LARGEST_ROW} elements")


def _truncated(numerator: Array, denominator: Array | int) -> Array:
    """The quotient towards zero, as C divides."""
    quotient = np.abs(numerator) // denominator
    return np.where(numerator < 0, -quotient, quotient)


@dataclass(frozen=True, slots=True)
class TruncatedLayerNorm(Op):
    """Inputs: x s8[...,N], scale s32[N], bias s32[N]. With v = x - x_zero:

    mean = sum(v) / N; root = floor(sqrt(sum((v - mean)**2) / N + 1))
    y    = the low byte of ((v - mean) * scale / root + bias) >> shift
    x_zero is -128 where x holds unsigned integers minus 128; no |scale| is above ``reach``.
    """

    shift: int
    x_zero: int = 0
    reach: int = INT32_MAX

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, int8."""
        _check(*inputs)
        return TensorType(DType.S8, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """All in int64."""
        x, scale, bias = (a.astype(np.int64) for a in inputs)
        value = x - self.x_zero
        centred = value - _truncated(value.sum(axis=-1, keepdims=True), x.shape[-1])
        variance = (centred**2).sum(axis=-1, keepdims=True) // x.shape[-1]
        scaled = _truncated(centred * scale, square_roots(variance + 1)) + bias
        return (scaled >> self.shift).astype(np.int8)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows."""
        return norm_reads(*inputs)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are normalised as a whole."""
        return frozenset({len(inputs[0].shape) - 1})


@dataclass(frozen=True, slots=True)
class TruncatedRmsNorm(Op):
    """Inputs: x s8[...,N], scale s32[N]. With v = x - x_zero:

    root = floor(sqrt(sum(v**2) / N + 1)); y = clip((v * scale / root) >> shift)
    x_zero is -128 where x holds unsigned integers minus 128; no |scale| is above ``reach``.
    """

    shift: int
    x_zero: int = 0
    reach: int = INT32_MAX

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, int8."""
        _check(*inputs)
        return TensorType(DType.S8, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """All in int64."""
        x, scale = (a.astype(np.int64) for a in inputs)
        value = x - self.x_zero
        square = (value**2).sum(axis=-1, keepdims=True) // x.shape[-1]
        scaled = _truncated(value * scale, square_roots(square + 1))
        return clip(scaled >> self.shift, -128, 127)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows."""
        return norm_reads(*inputs)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are normalised as a whole."""
        return frozenset({len(inputs[0].shape) - 1})
