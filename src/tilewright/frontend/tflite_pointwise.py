"""TensorFlow Lite operators that compute element by element: arithmetic, comparison, functions.

On int8 they have real-number meaning like all others here; what has no integer form is computed in
float32. Slots are positions in the option tables of the published schema.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from math import inf

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.frontend.tflite_layers import fused_clip
from tilewright.frontend.tflite_steps import ANY, Operator, Steps, by_steps
from tilewright.frontend.tflite_wide import emit_mul, emit_sum, is_wide
from tilewright.ir.graph import ValueName
from tilewright.ir.types import DType
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.convert import Select, ToReal, Truncate
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation, Add, Clip, Mul

Rule = Callable[[Steps], None]

SUMS = {BinaryKind.ADD: Add, BinaryKind.MUL: Mul}
"""Operators of reals that have a form of their own."""


def _is_whole(steps: Steps, x: ValueName) -> bool:
    """Whether a value holds integers that stand for themselves."""
    return steps.type(x).dtype is DType.S32


def _is_sixteen(steps: Steps, a: ValueName, b: ValueName, kind: BinaryKind) -> bool:
    """Whether this is a sum or product of 16-bit values around 0, which has a form of its own."""
    known = kind in (*SUMS, BinaryKind.SUB) and is_wide(steps.network, steps.op)
    return known and all(steps.type(x).dtype is DType.S16 for x in (a, b))


def _clipped(kind: BinaryKind) -> Rule:
    """ADD, MUL, SUB, DIV: numpy's broadcasting, then the fused activation."""

    def rule(steps: Steps) -> None:
        a, b = steps.operand(0), steps.operand(1)
        low, high = fused_clip(steps.network, steps.op, 0)
        if _is_sixteen(steps, a, b, kind):
            if kind is BinaryKind.MUL:
                emit_mul(steps, a, b, Mul(low, high))
            else:
                emit_sum(steps, a, b, Add(low, high), subtracts=kind is BinaryKind.SUB)
        elif kind in SUMS and not _is_whole(steps, a):
            steps.end(SUMS[kind](low, high), a, b)
        elif (low, high) == (-inf, inf):
            steps.end(Binary(kind), a, b)
        elif _is_whole(steps, a):
            raise UnsupportedError(f"{steps.label}: integers with a fused activation")
        else:
            steps.end(Clip(low, high), steps.binary(kind, a, b))

    return rule


def _binary(kind: BinaryKind, *, swaps: bool = False) -> Rule:
    """Two operands; ``swaps``: the second one first."""

    def rule(steps: Steps) -> None:
        a, b = steps.operand(0), steps.operand(1)
        steps.end(Binary(kind), *((b, a) if swaps else (a, b)))

    return rule


def _floor_of(kind: BinaryKind) -> Rule:
    """FLOOR_DIV and FLOOR_MOD."""

    def rule(steps: Steps) -> None:
        a, b = steps.operand(0), steps.operand(1)
        if kind is BinaryKind.MOD:
            steps.end(Binary(kind), a, b)
        elif not _is_whole(steps, a):
            steps.end(Activation(Curve.FLOOR), steps.binary(kind, a, b))
        else:
            # Towards minus infinity: what the remainder takes away first divides evenly.
            even = steps.binary(BinaryKind.SUB, a, steps.binary(BinaryKind.MOD, a, b))
            steps.end(Binary(kind), even, b)

    return rule


def import_not_equal(steps: Steps) -> None:
    """NOT_EQUAL."""
    _negated(steps, steps.binary(BinaryKind.EQUAL, steps.operand(0), steps.operand(1)))


def import_not(steps: Steps) -> None:
    """LOGICAL_NOT."""
    _negated(steps, steps.operand(0))


def _negated(steps: Steps, x: ValueName) -> None:
    steps.end(Binary(BinaryKind.EQUAL), x, steps.integers(np.array(0)))


def import_squared_difference(steps: Steps) -> None:
    """SQUARED_DIFFERENCE."""
    difference = steps.binary(BinaryKind.SUB, steps.operand(0), steps.operand(1))
    steps.end(Binary(BinaryKind.MUL), difference, difference)


def import_square(steps: Steps) -> None:
    """SQUARE."""
    x = steps.operand(0)
    steps.end(Binary(BinaryKind.MUL), x, x)


def import_rsqrt(steps: Steps) -> None:
    """RSQRT: one over the root."""
    root = steps.curve(Curve.SQRT, steps.operand(0))
    steps.end(Activation(Curve.RECIPROCAL), root)


def import_add_n(steps: Steps) -> None:
    """ADD_N: the sum of tensors of one shape, from the first one on."""
    operands = [steps.operand(i) for i in range(len(steps.op.inputs))]
    *first, last = operands
    if not first:
        steps.finish(last)
        return
    partial = reduce(lambda a, b: steps.binary(BinaryKind.ADD, a, b), first)
    steps.end(Binary(BinaryKind.ADD), partial, last)


def import_select(steps: Steps) -> None:
    """SELECT and SELECT_V2; the older one may choose whole rows by a vector."""
    condition, a, b = (steps.operand(i) for i in range(3))
    shape = np.broadcast_shapes(steps.shape(a), steps.shape(b))
    have = steps.shape(condition)
    if steps.op.kind == "SELECT" and len(have) == 1 and len(shape) > 1:
        condition = steps.reshaped(condition, (*have, *(1,) * (len(shape) - 1)))
    shape = np.broadcast_shapes(steps.shape(condition), shape)
    whole = tuple(int(n) for n in shape)
    steps.end(Select(), *(steps.expanded(x, whole) for x in (condition, a, b)))


def import_cast(steps: Steps) -> None:
    """CAST between float32, int32, int64 and bool."""
    x, wish = steps.operand(0), steps.network.result(steps.op).dtype
    source = steps.network.tensor(steps.op, 0).dtype
    kinds = ("float32", "int32", "int64", "bool")
    if source not in kinds or wish not in kinds:
        raise UnsupportedError(f"{steps.label}: casts from {source} to {wish}; {', '.join(kinds)}")
    if wish == "bool" and source != "bool":
        zero = np.array(0)
        other = steps.integers(zero) if _is_whole(steps, x) else steps.reals(zero)
        _negated(steps, steps.binary(BinaryKind.EQUAL, x, other))
    elif _is_whole(steps, x) == (wish != "float32"):
        steps.finish(x)
    else:
        steps.end(ToReal() if wish == "float32" else Truncate(), x)


def import_prelu(steps: Steps) -> None:
    """PRELU with a constant or computed slope."""
    steps.end(Binary(BinaryKind.PRELU), steps.operand(0), steps.operand(1))


def import_gelu(steps: Steps) -> None:
    """GELU, exact or by tanh."""
    steps.end(Activation(Curve.GELU_TANH if steps.flag(0) else Curve.GELU), steps.operand(0))


def _function(curve: Curve, alpha: float = 0.0) -> Rule:
    """A function of one real number; integers by what extremes and differences make."""

    def rule(steps: Steps) -> None:
        x = steps.operand(0)
        if not _is_whole(steps, x):
            steps.end(Activation(curve, alpha), x)
            return
        zero = steps.integers(np.array(0))
        match curve:
            case Curve.NEG:
                steps.end(Binary(BinaryKind.SUB), zero, x)
            case Curve.ABS:
                steps.end(Binary(BinaryKind.MAX), x, steps.binary(BinaryKind.SUB, zero, x))
            case Curve.SIGN:
                above = steps.binary(BinaryKind.LESS, zero, x)
                steps.end(Binary(BinaryKind.SUB), above, steps.binary(BinaryKind.LESS, x, zero))
            case _:
                raise UnsupportedError(f"{steps.label}: {steps.op.kind} of integers")

    return rule


POINTWISE: Mapping[str, Operator] = {
    **{
        kind: Operator(by_steps(_clipped(what)), (2, 2))
        for kind, what in (
            ("ADD", BinaryKind.ADD), ("SUB", BinaryKind.SUB),
            ("MUL", BinaryKind.MUL), ("DIV", BinaryKind.DIV),
        )
    },
    **{
        kind: Operator(by_steps(_binary(what)), (2, 2))
        for kind, what in (
            ("MAXIMUM", BinaryKind.MAX), ("MINIMUM", BinaryKind.MIN), ("POW", BinaryKind.POW),
            ("EQUAL", BinaryKind.EQUAL), ("LESS", BinaryKind.LESS),
            ("LESS_EQUAL", BinaryKind.LESS_EQUAL), ("LOGICAL_AND", BinaryKind.AND),
            ("LOGICAL_OR", BinaryKind.OR),
        )
    },
    "GREATER": Operator(by_steps(_binary(BinaryKind.LESS, swaps=True)), (2, 2)),
    "GREATER_EQUAL": Operator(by_steps(_binary(BinaryKind.LESS_EQUAL, swaps=True)), (2, 2)),
    "FLOOR_DIV": Operator(by_steps(_floor_of(BinaryKind.DIV)), (2, 2)),
    "FLOOR_MOD": Operator(by_steps(_floor_of(BinaryKind.MOD)), (2, 2)),
    **{
        curve.name: Operator(by_steps(_function(curve)), (1, 1))
        for curve in (
            Curve.ABS, Curve.NEG, Curve.SIGN, Curve.EXP, Curve.LOG, Curve.SQRT, Curve.SIN,
            Curve.COS, Curve.FLOOR, Curve.CEIL, Curve.ROUND,
        )
    },
    "ADD_N": Operator(by_steps(import_add_n), (1, ANY)),
    "CAST": Operator(by_steps(import_cast), (1, 1)),
    "ELU": Operator(by_steps(_function(Curve.ELU, 1.0)), (1, 1)),
    "GELU": Operator(by_steps(import_gelu), (1, 1)),
    "LOGICAL_NOT": Operator(by_steps(import_not), (1, 1)),
    "NOT_EQUAL": Operator(by_steps(import_not_equal), (2, 2)),
    "PRELU": Operator(by_steps(import_prelu), (2, 2)),
    "RSQRT": Operator(by_steps(import_rsqrt), (1, 1)),
    "SELECT": Operator(by_steps(import_select), (3, 3)),
    "SELECT_V2": Operator(by_steps(import_select), (3, 3)),
    "SQUARE": Operator(by_steps(import_square), (1, 1)),
    "SQUARED_DIFFERENCE": Operator(by_steps(import_squared_difference), (2, 2)),
}  # fmt: skip
