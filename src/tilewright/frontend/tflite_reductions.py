"""TensorFlow Lite operators that make something of rows: sums, extremes, places, running sums."""

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np

from tilewright.frontend.tflite_steps import Operator, Steps, by_steps
from tilewright.ir.graph import ValueName
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.curves import Curve
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Reshape, Transpose
from tilewright.ops.reductions import ArgRow, OrderRow, ReduceRow, RowKind, Running

SMALLEST_NORM = 1e-6
"""What L2_NORMALIZATION divides by at least."""


def _rows(steps: Steps, x: ValueName, axes: Sequence[int]) -> ValueName:
    """x as [kept...][reduced]."""
    shape = steps.shape(x)
    kept = tuple(d for d in range(len(shape)) if d not in axes)
    x = steps.transposed(x, (*kept, *axes))
    return steps.reshaped(x, (*(shape[d] for d in kept), prod(shape[d] for d in axes)))


def _of(kind: RowKind) -> Callable[[Steps], None]:
    """SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN over constant axes; REDUCE_ANY and ALL of truth."""

    def rule(steps: Steps) -> None:
        x = steps.operand(0)
        shape = steps.shape(x)
        axes = sorted({steps.axis(a, len(shape)) for a in steps.integers_of(1)})
        made = steps.do(ReduceRow(kind), _rows(steps, x, axes)) if axes else x
        keeps = steps.flag(0)
        wish = [1 if d in axes else n for d, n in enumerate(shape) if keeps or d not in axes]
        steps.end(Reshape(tuple(wish)), made)

    return rule


def _arg(*, is_least: bool) -> Callable[[Steps], None]:
    """ARG_MAX and ARG_MIN: the first of equal ones."""

    def rule(steps: Steps) -> None:
        x = steps.operand(0)
        axis = steps.axis(steps.integers_of(1)[0], len(steps.shape(x)))
        steps.end(ArgRow(is_least), _rows(steps, x, (axis,)))

    return rule


def import_top_k(steps: Steps) -> None:
    """TOPK_V2 of the last dimension: the values, and where they are."""
    x, count = steps.operand(0), steps.integers_of(1)[0]
    shape = steps.shape(x)
    places = steps.do(OrderRow(count), x)
    made = steps.shape(places)
    starts = np.arange(prod(made[:-1])).reshape((*made[:-1], 1)) * shape[-1]
    index = steps.binary(BinaryKind.ADD, places, steps.integers(starts))
    steps.end(Gather(0), steps.reshaped(x, (prod(shape),)), index)
    steps.finish(places, 1)


def import_cumsum(steps: Steps) -> None:
    """CUMSUM, also exclusive and from behind."""
    x = steps.operand(0)
    rank = len(steps.shape(x))
    axis = steps.axis(steps.integers_of(1)[0], rank)
    perm = list(range(rank))
    perm[axis], perm[-1] = perm[-1], perm[axis]
    rows = steps.transposed(x, tuple(perm))
    backward = np.arange(steps.shape(rows)[-1])[::-1]
    if steps.flag(1):
        rows = steps.chosen(rows, rank - 1, backward)
    made = steps.do(Running(is_exclusive=steps.flag(0)), rows)
    if steps.flag(1):
        made = steps.chosen(made, rank - 1, backward)
    steps.end(Transpose(tuple(perm)), made)


def _last(steps: Steps, x: ValueName, kind: RowKind) -> ValueName:
    """One number per row of the last dimension, at extent 1."""
    return steps.reshaped(steps.do(ReduceRow(kind), x), (*steps.shape(x)[:-1], 1))


def import_l2_normalization(steps: Steps) -> None:
    """L2_NORMALIZATION of the last dimension."""
    x = steps.operand(0)
    total = _last(steps, steps.binary(BinaryKind.MUL, x, x), RowKind.SUM)
    length = steps.curve(Curve.SQRT, total)
    length = steps.binary(BinaryKind.MAX, length, steps.reals(np.array(SMALLEST_NORM)))
    steps.end(Binary(BinaryKind.DIV), x, length)


def import_log_softmax(steps: Steps) -> None:
    """LOG_SOFTMAX of the last dimension; nothing overflows below the greatest element."""
    x = steps.operand(0)
    below = steps.binary(BinaryKind.SUB, x, _last(steps, x, RowKind.MAX))
    total = _last(steps, steps.curve(Curve.EXP, below), RowKind.SUM)
    steps.end(Binary(BinaryKind.SUB), below, steps.curve(Curve.LOG, total))


REDUCTIONS: Mapping[str, Operator] = {
    "ARG_MAX": Operator(by_steps(_arg(is_least=False)), (2, 2)),
    "ARG_MIN": Operator(by_steps(_arg(is_least=True)), (2, 2)),
    "CUMSUM": Operator(by_steps(import_cumsum), (2, 2)),
    "L2_NORMALIZATION": Operator(by_steps(import_l2_normalization), (1, 1)),
    "LOG_SOFTMAX": Operator(by_steps(import_log_softmax), (1, 1)),
    "REDUCE_MAX": Operator(by_steps(_of(RowKind.MAX)), (2, 2)),
    "REDUCE_MIN": Operator(by_steps(_of(RowKind.MIN)), (2, 2)),
    "REDUCE_PROD": Operator(by_steps(_of(RowKind.PRODUCT)), (2, 2)),
    "REDUCE_ANY": Operator(by_steps(_of(RowKind.MAX)), (2, 2)),
    "REDUCE_ALL": Operator(by_steps(_of(RowKind.MIN)), (2, 2)),
    "SUM": Operator(by_steps(_of(RowKind.SUM)), (2, 2)),
    "TOPK_V2": Operator(by_steps(import_top_k), (2, 2), (2, 2)),
}
