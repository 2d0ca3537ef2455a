"""Elementwise operators in real numbers: an output element needs the same element of each input."""

from dataclasses import dataclass
from math import inf

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.curves import Curve, curve_at


def broadcast_shape(*inputs: TensorType) -> tuple[int, ...]:
    """numpy's broadcasting rule. Raises ValueError naming the types that do not fit."""
    try:
        return tuple(int(n) for n in np.broadcast_shapes(*(t.shape for t in inputs)))
    except ValueError:
        raise ValueError(f"{' and '.join(map(str, inputs))} do not broadcast") from None


def broadcast_reads(*inputs: TensorType) -> tuple[Access, ...]:
    """Each dimension goes along with the output's, except where an extent of 1 is repeated."""
    out = broadcast_shape(*inputs)
    return tuple(
        tuple(
            Along(axis) if extent == out[axis] else Whole()
            for axis, extent in enumerate(t.shape, start=len(out) - len(t.shape))
        )
        for t in inputs
    )


@dataclass(frozen=True, slots=True)
class _Binary(Op):
    """Two broadcast inputs, clipped output."""

    low: float = -inf
    high: float = inf

    def infer(self, *inputs: TensorType) -> TensorType:
        """Broadcast shape, real numbers."""
        return TensorType(DType.F32, broadcast_shape(*inputs))

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Broadcast."""
        return broadcast_reads(*inputs)


@dataclass(frozen=True, slots=True)
class Add(_Binary):
    """y = clip(a + b, low, high) in real numbers."""

    def evaluate(self, *inputs: Array) -> Array:
        """float32 arithmetic."""
        a, b = inputs
        return np.clip(a + b, self.low, self.high).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Mul(_Binary):
    """y = clip(a * b, low, high) in real numbers."""

    def evaluate(self, *inputs: Array) -> Array:
        """float32 arithmetic."""
        a, b = inputs
        return np.clip(a * b, self.low, self.high).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Unary(Op):
    """One input, same shape."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, real numbers."""
        return TensorType(DType.F32, inputs[0].shape)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)


@dataclass(frozen=True, slots=True)
class Clip(_Unary):
    """y = min(max(x, low), high): Relu is Clip(0), Relu6 is Clip(0, 6)."""

    low: float = -inf
    high: float = inf

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does."""
        return np.clip(inputs[0], self.low, self.high).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Activation(_Unary):
    """y = curve(x).

    alpha, beta  parameters of the curve, see Curve; curves without parameters ignore them
    """

    curve: Curve
    alpha: float = 0.0
    beta: float = 0.0

    def evaluate(self, *inputs: Array) -> Array:
        """In float64, rounded to float32 once; beyond its range infinite."""
        with np.errstate(over="ignore"):
            return self.at(inputs[0].astype(np.float64)).astype(np.float32)

    def at(self, x: Array) -> Array:
        """The curve in float64; also what quantised tables are made from."""
        return curve_at(self.curve, x, self.alpha, self.beta)


@dataclass(frozen=True, slots=True)
class BatchNorm(Op):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias, per index of the last dimension.

    Inputs: x, scale[C], bias[C], mean[C], variance[C]. A rule folds it into the producer.
    """

    epsilon: float = 1e-5

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, real numbers."""
        return TensorType(DType.F32, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """In float64, rounded to float32 once."""
        x, scale, bias, mean, variance = (a.astype(np.float64) for a in inputs)
        return ((x - mean) / np.sqrt(variance + self.epsilon) * scale + bias).astype(np.float32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Tables go along with the last dimension."""
        last = len(inputs[0].shape) - 1
        x = tuple(Along(axis) for axis in range(last + 1))
        return x, *((Along(last),) for _ in inputs[1:])
