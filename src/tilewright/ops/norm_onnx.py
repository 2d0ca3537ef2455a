"""Layer and RMS normalisation of int8 rows in integers, without a float: less than 1/100 LSB from
the real one before it is rounded.

With N elements in a row, C = sum(x) (layer norm) or C = N * x_zero (RMS norm), and ^ a shift:

    d    = N * x - C                                      exact
    V    = sum(d**2) / N                                  exact: N*N times the variance
    T    = max(V ^ fraction_bits + epsilon, 1 ^ fraction_bits) ^ 2*lift, in [2**60, 2**62)
    r    = (2**61 - 1) / floor(sqrt(T))                   divided without remainder
    n    = high((d ^ fraction_bits/2 + lift - guard) * r) the row, normalised: 2**(29 - guard) is 1
    y    = clip((high(n * scale) + bias) ^ -output_shift)

where high() is the upper half of a 64-bit product. ``scale`` holds the real scale over that of the
output, ``bias`` besides the real bias the output's zero point and half a step, so that the last
shift rounds; a tie would be one by chance and goes up.
"""

from dataclasses import dataclass
from math import ceil, isqrt, log2

import numpy as np

from tilewright.ir.op import Access, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.normalisation import check_tables, norm_reads
from tilewright.ops.rescale import INT32_MAX, clip

ROOT_BITS = 30
"""Square roots lie in [2**30, 2**31)."""

LARGEST_STEP_BITS = 8
"""|x - x_zero| <= 255 < 2**8."""

LARGEST_ZERO = 129
"""The output's zero point and half a step."""


@dataclass(frozen=True, slots=True)
class RescaledNorm(Op):
    """Inputs: x s8[...,N], scale s32[N], bias s32[N]; see the module for what is computed.

    is_centred     whether the row's mean is subtracted (layer norm), or x_zero (RMS norm)
    epsilon        what is added to V, with ``fraction_bits`` (even) bits after the point
    guard          2**guard >= sqrt(N), the largest normalised value
    output_shift   fraction bits of ``bias``
    """

    is_centred: bool
    x_zero: int
    epsilon: int
    fraction_bits: int
    guard: int
    output_shift: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, int8."""
        check_tables(*inputs)
        return TensorType(DType.S8, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """All in int64; shifts to the right round down."""
        x, scale, bias = (a.astype(np.int64) for a in inputs)
        count = x.shape[-1]
        centre = x.sum(axis=-1, keepdims=True) if self.is_centred else count * self.x_zero
        distance = count * x - centre
        spread = (distance**2).sum(axis=-1, keepdims=True) // count
        one = np.int64(1) << self.fraction_bits
        total = np.maximum((spread << self.fraction_bits) + self.epsilon, one)
        lift = lifts(total)
        root = square_roots(total << 2 * lift)
        reciprocal = (2 ** (2 * ROOT_BITS + 1) - 1) // root
        lifted = distance << (lift + self.fraction_bits // 2 - self.guard)
        normal = (lifted * reciprocal) >> 32
        return clip((((normal * scale) >> 32) + bias) >> self.output_shift, -128, 127)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows."""
        return norm_reads(*inputs)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are normalised as a whole."""
        return frozenset({len(inputs[0].shape) - 1})


def lifts(total: Array) -> Array:
    """By how many pairs of bits numbers in [1, 2**62) must be shifted to reach [2**60, 2**62)."""
    pairs = [(2 * ROOT_BITS + 2 - int(t).bit_length()) // 2 for t in total.reshape(-1)]
    return np.array(pairs, np.int64).reshape(total.shape)


def square_roots(total: Array) -> Array:
    """floor(sqrt(total)), exact."""
    roots = [isqrt(int(t)) for t in total.reshape(-1)]
    return np.array(roots, np.int64).reshape(total.shape)


def rescaled_norm(
    length: int, *, is_centred: bool, x_zero: int, epsilon: float, gain: float, offset: float
) -> RescaledNorm:
    """The operator with as many fraction bits as fit.

    length   elements in a row
    epsilon  in units of the input's scale squared
    gain     the largest |scale| over the output's scale
    offset   the largest |bias| over the output's scale
    Raises ValueError where a row is too long, or a factor too large, for 32 bits.
    """
    guard = ceil(log2(length) / 2)
    largest_square = (length << LARGEST_STEP_BITS) ** 2
    weight = epsilon * length**2
    fraction_bits = (62 - (largest_square + ceil(min(weight, 2.0**62))).bit_length()) // 2 * 2
    if fraction_bits < 2 * guard:
        raise ValueError(
            f"rows of {length} elements with an epsilon of {epsilon:.3g} squared steps of the "
            "input are too much for an integer normalisation"
        )
    # Each table stays within 2**30, and so do their sums with high(): |n| < 2**30.
    reach = max(gain * 2.0 ** (3 + guard), offset + LARGEST_ZERO)
    output_shift = 30 - ceil(log2(reach))
    if output_shift < 1:
        raise ValueError(
            f"a scale of {gain:.3g} or a bias of {offset:.3g} steps of the output is too large for "
            f"a normalisation of {length} elements"
        )
    rounded = round(weight * 2.0**fraction_bits)
    return RescaledNorm(is_centred, x_zero, rounded, fraction_bits, guard, output_shift)


def norm_tables(op: RescaledNorm, scale: Array, bias: Array, y_zero: int) -> tuple[Array, Array]:
    """The two tables, s32.

    scale, bias  real ones over the output's scale, float64
    """
    point, half = 2.0**op.output_shift, 2.0 ** (op.output_shift - 1)
    factors = np.rint(scale * point * 2.0 ** (3 + op.guard))
    offsets = np.rint((bias + y_zero) * point + half)
    assert max(np.abs(factors).max(), np.abs(offsets).max()) <= INT32_MAX
    return factors.astype(np.int32), offsets.astype(np.int32)
