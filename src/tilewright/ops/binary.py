"""Two operands, element by element: arithmetic, comparison and logic on reals and on integers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from tilewright.ir.op import Access, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.elementwise import broadcast_reads, broadcast_shape


class BinaryKind(Enum):
    """What is computed. Truth is 1 and 0, in int32."""

    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"
    MIN = "min"
    MAX = "max"
    POW = "pow"
    MOD = "mod"
    """Remainder with the sign of the divisor."""
    FMOD = "fmod"
    """Remainder with the sign of the dividend."""
    PRELU = "prelu"
    """a, or a * b below zero."""
    AND = "and"
    OR = "or"
    XOR = "xor"
    LEFT = "left"
    """a * 2**b in 32 bits."""
    RIGHT = "right"
    """a / 2**b towards minus infinity; beyond [0, 31] as by 31."""
    EQUAL = "equal"
    LESS = "less"
    LESS_EQUAL = "less_equal"


COMPARISONS = frozenset({BinaryKind.EQUAL, BinaryKind.LESS, BinaryKind.LESS_EQUAL})
INTEGERS_ONLY = frozenset({
    BinaryKind.AND, BinaryKind.OR, BinaryKind.XOR, BinaryKind.LEFT, BinaryKind.RIGHT,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Binary(Op):
    """y = a kind b with broadcasting; both real or both s32. Comparisons make s32.

    Integers wrap at 32 bits. Division goes towards zero, and by zero gives zero, as do remainders.
    """

    kind: BinaryKind

    def infer(self, *inputs: TensorType) -> TensorType:
        """Broadcast shape. Raises ValueError for operands of two types."""
        a, b = inputs
        is_whole = a.dtype is DType.S32
        if is_whole != (b.dtype is DType.S32) or (self.kind in INTEGERS_ONLY and not is_whole):
            raise ValueError(f"{self.kind.value} of {a} and {b}")
        dtype = DType.S32 if is_whole or self.kind in COMPARISONS else DType.F32
        return TensorType(dtype, broadcast_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Reals in float64, rounded to float32 once; integers in int64, wrapped to int32."""
        a, b = inputs
        with np.errstate(all="ignore"):
            if self.kind in COMPARISONS:
                return np.asarray(_COMPARED[self.kind](a, b)).astype(np.int32)
            if a.dtype == np.float32:
                made = _REAL[self.kind](a.astype(np.float64), b.astype(np.float64))
                return np.asarray(made).astype(np.float32)
            made = _INTEGER[self.kind](a.astype(np.int64), b.astype(np.int64))
            return np.asarray(made).astype(np.uint32).astype(np.int32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Broadcast."""
        return broadcast_reads(*inputs)


Function = Callable[[Array, Array], Array]


def _quotient(a: Array, b: Array) -> Array:
    safe = np.where(b == 0, 1, b)
    return np.where(b == 0, 0, np.sign(a) * np.sign(safe) * (np.abs(a) // np.abs(safe)))


def _remainder(a: Array, b: Array) -> Array:
    return np.where(b == 0, 0, np.fmod(a, np.where(b == 0, 1, b)))


def _modulus(a: Array, b: Array) -> Array:
    return np.where(b == 0, 0, np.mod(a, np.where(b == 0, 1, b)))


def _power(a: Array, b: Array) -> Array:
    """By squaring, modulo 2**32; a negative exponent gives what truncation leaves of 1 / a**-b."""
    base, rest = np.broadcast_arrays(a & 0xFFFFFFFF, b)
    result = np.ones(base.shape, np.uint64)
    square, rest = base.astype(np.uint64), np.where(rest < 0, 0, rest).astype(np.uint64)
    while np.any(rest):
        odd = (rest & 1).astype(bool)
        result = np.where(odd, result * square & 0xFFFFFFFF, result)
        square, rest = square * square & 0xFFFFFFFF, rest >> np.uint64(1)
    inverse = np.where(a == 1, 1, np.where(a == -1, np.where(b & 1, -1, 1), 0))
    return np.where(b < 0, inverse, result.astype(np.int64))


def _shifted_right(a: Array, b: Array) -> Array:
    return a >> np.where((b < 0) | (b > 31), 31, b)


def _shifted_left(a: Array, b: Array) -> Array:
    return np.where((b < 0) | (b > 31), 0, (a & 0xFFFFFFFF) << (b & 31) & 0xFFFFFFFF)


_COMPARED: Mapping[BinaryKind, Function] = {
    BinaryKind.EQUAL: np.equal,
    BinaryKind.LESS: np.less,
    BinaryKind.LESS_EQUAL: np.less_equal,
}
_REAL: Mapping[BinaryKind, Function] = {
    BinaryKind.ADD: np.add,
    BinaryKind.SUB: np.subtract,
    BinaryKind.MUL: np.multiply,
    BinaryKind.DIV: np.divide,
    BinaryKind.MIN: np.minimum,
    BinaryKind.MAX: np.maximum,
    BinaryKind.POW: np.power,
    BinaryKind.MOD: np.mod,
    BinaryKind.FMOD: np.fmod,
    BinaryKind.PRELU: lambda a, b: np.where(a < 0, a * b, a),
}
_INTEGER: Mapping[BinaryKind, Function] = {
    BinaryKind.ADD: np.add,
    BinaryKind.SUB: np.subtract,
    BinaryKind.MUL: np.multiply,
    BinaryKind.DIV: _quotient,
    BinaryKind.MIN: np.minimum,
    BinaryKind.MAX: np.maximum,
    BinaryKind.POW: _power,
    BinaryKind.MOD: _modulus,
    BinaryKind.FMOD: _remainder,
    BinaryKind.PRELU: lambda a, b: np.where(a < 0, a * b, a),
    BinaryKind.AND: np.bitwise_and,
    BinaryKind.OR: np.bitwise_or,
    BinaryKind.XOR: np.bitwise_xor,
    BinaryKind.LEFT: _shifted_left,
    BinaryKind.RIGHT: _shifted_right,
}
