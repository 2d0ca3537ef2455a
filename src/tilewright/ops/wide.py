"""Integer operators around 16-bit activations: products, sums and changes of scale."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.conv2d import Conv2dShape
from tilewright.ops.elementwise import broadcast_reads, broadcast_shape
from tilewright.ops.rescale import FixedPoint, Rounding, rescale

STORED = (DType.S8, DType.S16)
"""Element types that the operators of this file take and make."""

WORD = 32
"""Bits of the two words that hold a bias of 64 bits."""


@dataclass(frozen=True, slots=True)
class WideOutput:
    """What happens to an accumulator: clip(rescale(acc) + zero, low, high), stored as ``dtype``.

    rounding  DOUBLE for accumulators of 32 bits, HALF_UP for those of 64 bits: the reference
              multiplies these by a multiplier of 16 bits, adds half and shifts right
    """

    dtype: DType
    rounding: Rounding
    zero: int
    low: int
    high: int

    def apply(self, acc: Array, multiplier: Array | int, shift: Array | int) -> Array:
        """acc [..., O] of 64 bits; multiplier and shift [O] or [1]."""
        scaled = rescale(acc, multiplier, shift, self.rounding) + self.zero
        return np.clip(scaled, self.low, self.high).astype(self.dtype.numpy)


def reduced(point: FixedPoint) -> FixedPoint:
    """A DOUBLE scale for accumulators of 64 bits: a multiplier of 16 bits, a shift to the right.

    Raises ValueError for scales of 2**14 and more.
    Source: the TensorFlow Lite reference kernels for 16-bit activations.
    """
    near = point.multiplier + (1 << 15) >> 16
    shift = 15 - point.shift
    if shift < 1 or shift > 62:
        raise ValueError(f"a scale of 2**{point.shift} is beyond accumulators of 64 bits")
    return FixedPoint(min(near, 2**15 - 1), shift)


def in_words(bias: Array) -> Array:
    """A bias of 64 bits per channel as s32[2,O]: its low words (modulo 2**32), its high ones."""
    wide = bias.astype(np.int64)
    return np.stack([wide.astype(np.int32), (wide >> WORD).astype(np.int32)])


def of_words(words: Array) -> Array:
    """What ``in_words`` holds."""
    return (words[1].astype(np.int64) << WORD) + words[0].astype(np.int32).view(np.uint32)


def _check_stored(output: DType, *inputs: TensorType) -> None:
    wrong = [t for t in inputs if t.dtype not in STORED]
    if wrong or output not in (*STORED, DType.S32):
        raise ValueError(f"wants int8 or int16 tensors, got {wrong[0] if wrong else output}")


@dataclass(frozen=True, slots=True)
class WideConv2d(Conv2dShape):
    """y = output(sum(x * w) + bias); padding reads ``x_zero``.

    Inputs: x s8|s16, w s8|s16, bias s32[2,O] in words, multiplier s32[O or 1], shift s8[O or 1].
    The bias has the input's zero point folded in. Sums have 64 bits.
    """

    output: WideOutput = WideOutput(DType.S16, Rounding.HALF_UP, 0, -(2**15), 2**15 - 1)
    x_zero: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """As the output says. Raises ValueError for other element types."""
        _check_stored(self.output.dtype, *inputs[:2])
        return TensorType(self.output.dtype, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact sums, one change of scale."""
        x, w = (a.astype(np.int64) for a in inputs[:2])
        acc = self.accumulate(x, w, self.x_zero) + of_words(inputs[2])
        return self.output.apply(acc, inputs[3], inputs[4])

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """As every convolution of whole channels; a bias's words follow the output channel."""
        rows, cols = self.window.along()
        x: Access = (Along(0), rows, cols, Whole())
        if self.is_channels_first:
            x = (Along(0), Whole(), rows, cols)
        tables = tuple((Along(3),) if t.shape[0] > 1 else (Whole(),) for t in inputs[3:])
        return x, (Along(3), Whole(), Whole(), Whole()), (Whole(), Along(3)), *tables


@dataclass(frozen=True, slots=True)
class _WideBinary(Op):
    """Two broadcast inputs, s8 or s16."""

    output: WideOutput

    def infer(self, *inputs: TensorType) -> TensorType:
        """Broadcast shape. Raises ValueError for other element types."""
        _check_stored(self.output.dtype, *inputs)
        return TensorType(self.output.dtype, broadcast_shape(*inputs))

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Broadcast."""
        return broadcast_reads(*inputs)


@dataclass(frozen=True, slots=True)
class WideAdd(_WideBinary):
    """y = output(scaled(a) + scaled(b)), scaled(x) = rescale((x - x_zero) * 2**bits, x_scale).

    a_scale, b_scale  from an input's scale to twice the larger one: at most 1/2, shift <= 0;
                      a negative multiplier subtracts
    sum_scale         from there to the output's scale; below 1
    Source: ADD and SUB of the TensorFlow Lite reference kernels.
    """

    bits: int
    a_zero: int
    b_zero: int
    a_scale: FixedPoint
    b_scale: FixedPoint
    sum_scale: FixedPoint

    def evaluate(self, *inputs: Array) -> Array:
        """Three roundings: one per summand and one of the sum."""
        a, b = inputs
        total = self._part(a, self.a_zero, self.a_scale) + self._part(b, self.b_zero, self.b_scale)
        return self.output.apply(total, self.sum_scale.multiplier, self.sum_scale.shift)

    def _part(self, x: Array, zero: int, point: FixedPoint) -> Array:
        fine = (x.astype(np.int64) - zero) << self.bits
        part = rescale(fine, abs(point.multiplier), point.shift, Rounding.DOUBLE)
        return part if point.multiplier >= 0 else -part


@dataclass(frozen=True, slots=True)
class WideMul(_WideBinary):
    """y = output((a - a_zero) * (b - b_zero)), rescaled by ``scale``.

    Source: MUL of the TensorFlow Lite reference kernels.
    """

    a_zero: int
    b_zero: int
    scale: FixedPoint

    def evaluate(self, *inputs: Array) -> Array:
        """Exact product, one change of scale."""
        a, b = (x.astype(np.int64) for x in inputs)
        product = (a - self.a_zero) * (b - self.b_zero)
        return self.output.apply(product, self.scale.multiplier, self.scale.shift)


@dataclass(frozen=True, slots=True)
class WideRescale(Op):
    """y = output(x - zero): stored integers under another scale, or in another element type.

    Input: x s8 or s16.
    Source: QUANTIZE of the TensorFlow Lite reference kernels, of stored integers.
    """

    zero: int
    scale: FixedPoint
    output: WideOutput

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape. Raises ValueError for other element types."""
        _check_stored(self.output.dtype, *inputs)
        return TensorType(self.output.dtype, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """One change of scale."""
        centred = inputs[0].astype(np.int64) - self.zero
        return self.output.apply(centred, self.scale.multiplier, self.scale.shift)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)
