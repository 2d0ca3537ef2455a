"""RESIZE_BILINEAR of TensorFlow Lite.

Reals are resized by one matrix per dimension. int8 is mixed in fixed point, 10 bits of place per
dimension, and rounded away from zero; uint8 in float32, rounded half up. Both work on the integers
as the file stores them, before the zero point is taken away.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tilewright.frontend.chain import by_matrix
from tilewright.frontend.tflite_steps import Operator, Steps, by_steps
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array, DType
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.convert import ToReal, Truncate
from tilewright.ops.curves import Curve

ONE = 1 << 10
"""One place of the input, in fixed point."""

AXES = (1, 2)
"""Height and width of [N,H,W,C]."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One dimension: its extents, and how output places lie on input places."""

    old: int
    new: int
    aligns_corners: bool
    is_half_pixel: bool

    @property
    def _ends(self) -> tuple[int, int]:
        if self.aligns_corners and self.new > 1:
            return self.old - 1, self.new - 1
        return self.old, self.new

    def _bounds(self, low: Array, high: Array) -> tuple[Array, Array]:
        last = self.old - 1
        return np.clip(low, 0, last).astype(np.int64), np.clip(high, 0, last).astype(np.int64)

    def matrix(self) -> Array:
        """[new][old]: what each input place weighs, float32."""
        scale = np.float32(self._ends[0]) / np.float32(self._ends[1])
        places = np.arange(self.new, dtype=np.float32)
        at = (
            (places + np.float32(0.5)) * scale - np.float32(0.5)
            if self.is_half_pixel
            else places * scale
        )
        low, high = self._bounds(np.floor(at), np.ceil(at))
        rows = np.zeros((self.new, self.old), np.float32)
        numbers = np.arange(self.new)
        rows[numbers, low] += 1 - (at - low)
        rows[numbers, high] += at - low
        return rows

    def fixed(self) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Two input places per output place, and their weights in parts of ONE."""
        over, under = self._ends
        scale = (ONE * over + under // 2) // under
        at = np.arange(self.new, dtype=np.int64) * scale
        if self.is_half_pixel:
            at += scale // 2 - ONE // 2
        low, high = self._bounds(_towards_zero(at), _towards_zero(at + ONE - 1))
        return (low, high), (ONE - (at - ONE * low), at - ONE * low)


def _towards_zero(at: Array) -> Array:
    return np.sign(at) * (np.abs(at) // ONE)


def import_resize_bilinear(steps: Steps) -> None:
    """RESIZE_BILINEAR to a constant size."""
    x = steps.operand(0)
    wish = steps.integers_of(1)
    lines = [
        _Line(steps.shape(x)[axis], new, steps.flag(2), steps.flag(3))
        for axis, new in zip(AXES, wish, strict=True)
    ]
    value = steps.builder.values[x]
    if value.quantisation is None:
        for axis, line in zip(AXES, lines, strict=True):
            x = by_matrix(steps, x, axis, line.matrix())
        steps.finish(x)
        return
    scale = steps.reals(np.array(value.quantisation.scale))
    zero = steps.integers(np.array(value.quantisation.zero_point))
    near = steps.curve(Curve.ROUND, steps.binary(BinaryKind.DIV, x, scale))
    stored = steps.binary(BinaryKind.ADD, steps.do(Truncate(), near), zero)
    mix = _mixed if value.type.dtype is DType.S8 else _mixed_as_reals
    mixed = steps.binary(BinaryKind.SUB, mix(steps, stored, lines), zero)
    steps.end(Binary(BinaryKind.MUL), steps.do(ToReal(), mixed), scale)


def _mixed_as_reals(steps: Steps, x: ValueName, lines: list[_Line]) -> ValueName:
    """Integers by float32 matrices, rounded half up."""
    real = steps.do(ToReal(), x)
    for axis, line in zip(AXES, lines, strict=True):
        real = by_matrix(steps, real, axis, line.matrix())
    raised = steps.binary(BinaryKind.ADD, real, steps.reals(np.array(0.5)))
    return steps.do(Truncate(), steps.curve(Curve.FLOOR, raised))


def _mixed(steps: Steps, x: ValueName, lines: list[_Line]) -> ValueName:
    """Integers, 20 bits finer, rounded away from zero: |x| * ONE * ONE stays below 2**28."""
    total = x
    for axis, line in zip(AXES, lines, strict=True):
        shape = [1, 1, 1, 1]
        shape[axis] = line.new
        parts = [
            steps.binary(
                BinaryKind.MUL,
                steps.chosen(total, axis, places),
                steps.integers(weights.reshape(shape)),
            )
            for places, weights in zip(*line.fixed(), strict=True)
        ]
        total = steps.binary(BinaryKind.ADD, *parts)
    half = ONE * ONE // 2
    above = steps.binary(BinaryKind.LESS, steps.integers(np.array(0)), total)
    lift = steps.binary(BinaryKind.MUL, above, steps.integers(np.array(2 * half)))
    raised = steps.binary(BinaryKind.ADD, total, lift)
    raised = steps.binary(BinaryKind.SUB, raised, steps.integers(np.array(half)))
    return steps.binary(BinaryKind.DIV, raised, steps.integers(np.array(ONE * ONE)))


RESIZES: Mapping[str, Operator] = {
    "RESIZE_BILINEAR": Operator(by_steps(import_resize_bilinear), (2, 2)),
}
