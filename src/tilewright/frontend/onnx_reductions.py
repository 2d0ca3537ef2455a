"""Nodes that make something of rows: Reduce*, ArgMax, TopK, CumSum, Hardmax, OneHot."""

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_pointwise import import_mean
from tilewright.frontend.onnx_steps import Steps, element_of, is_plain
from tilewright.frontend.onnx_tensors import Importing
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Shape
from tilewright.ops.binary import BinaryKind
from tilewright.ops.convert import Select, ToReal
from tilewright.ops.curves import Curve
from tilewright.ops.gather import Gather
from tilewright.ops.reductions import ArgRow, OrderRow, ReduceRow, RowKind, Running

Importer = Callable[[Importing, OnnxNode], None]


def normal_axis(node: OnnxNode, axis: int, rank: int) -> int:
    """An axis from 0 on. Raises ModelError for one that there is not."""
    if not -rank <= axis < rank:
        raise ModelError(f"{node}: axis {axis} is no dimension of {rank}")
    return axis % rank


def _axes(state: Importing, node: OnnxNode, rank: int) -> tuple[int, ...] | None:
    """Sorted axes; all where none are given; None where that means: change nothing."""
    listed = node.integers("axes", ())
    if node.has(1):
        listed = tuple(int(a) for a in state.numbers(node, 1, "axes").reshape(-1))
    if not listed and node.integer("noop_with_empty_axes", 0):
        return None
    return tuple(sorted({normal_axis(node, a, rank) for a in listed})) or tuple(range(rank))


def rows_last(steps: Steps, x: ValueName, axes: tuple[int, ...]) -> tuple[ValueName, Shape]:
    """x as [kept...][reduced], and the extents that are kept."""
    shape = steps.shape(x)
    kept = tuple(d for d in range(len(shape)) if d not in axes)
    x = steps.transposed(x, (*kept, *axes))
    left = tuple(shape[d] for d in kept)
    return steps.reshaped(x, (*left, prod(shape[d] for d in axes))), left


def _reduced(steps: Steps, x: ValueName, axes: tuple[int, ...], kind: RowKind) -> ValueName:
    """One number per row, with the reduced dimensions at extent 1."""
    shape = steps.shape(x)
    rows, _ = rows_last(steps, x, axes)
    made = steps.do(ReduceRow(kind), rows)
    return steps.reshaped(made, tuple(1 if d in axes else n for d, n in enumerate(shape)))


def _before(steps: Steps, x: ValueName, name: str) -> ValueName:
    """What happens to elements before they are reduced."""
    match name:
        case "ReduceL1":
            if not steps.is_whole(x):
                return steps.curve(Curve.ABS, x)
            zero = steps.integers(np.array(0))
            return steps.binary(BinaryKind.MAX, x, steps.binary(BinaryKind.SUB, zero, x))
        case "ReduceL2" | "ReduceSumSquare":
            return steps.binary(BinaryKind.MUL, x, x)
        case _:
            return x


def _of(kind: RowKind) -> Importer:
    def import_reduction(state: Importing, node: OnnxNode) -> None:
        steps = Steps(state, node)
        x = steps.operand(0)
        shape = steps.shape(x)
        axes = _axes(state, node, len(shape))
        if axes == ():
            axes, x, shape = (0,), steps.reshaped(x, (1,)), ()
        x = _before(steps, x, node.kind)
        highest = None
        if node.kind == "ReduceLogSumExp":
            highest, x = _exponentials(steps, x, axes or ())
        made = x if axes is None else _reduced(steps, x, axes, kind)
        made = _after(steps, made, node.kind)
        if highest is not None:
            made = steps.binary(BinaryKind.ADD, made, highest)
        if axes is not None and not node.integer("keepdims", 1):
            made = steps.reshaped(made, tuple(n for d, n in enumerate(shape) if d not in axes))
        elif not shape:
            made = steps.reshaped(made, ())
        steps.finish(made, element_of(state, node.input(0)))

    return import_reduction


def _exponentials(
    steps: Steps, x: ValueName, axes: tuple[int, ...]
) -> tuple[ValueName | None, ValueName]:
    """The greatest of each row, and exp of what x is below it: nothing overflows."""
    if not axes:
        return None, steps.curve(Curve.EXP, x)
    highest = _reduced(steps, x, axes, RowKind.MAX)
    return highest, steps.curve(Curve.EXP, steps.binary(BinaryKind.SUB, x, highest))


def _after(steps: Steps, x: ValueName, name: str) -> ValueName:
    """What happens to the reduced numbers."""
    match name:
        case "ReduceL2":
            return steps.curve(Curve.SQRT, x)
        case "ReduceLogSum" | "ReduceLogSumExp":
            return steps.curve(Curve.LOG, x)
        case _:
            return x


def import_reduce_mean(state: Importing, node: OnnxNode) -> None:
    """ReduceMean of reals."""
    if is_plain(state, node.input(0)):
        raise UnsupportedError(f"{node}: the mean of integers is not supported")
    import_mean(state, node)


def _arg(*, is_least: bool) -> Importer:
    def import_arg(state: Importing, node: OnnxNode) -> None:
        steps = Steps(state, node)
        x = steps.operand(0)
        shape = steps.shape(x)
        axis = normal_axis(node, node.integer("axis", 0), len(shape))
        rows, left = rows_last(steps, x, (axis,))
        op = ArgRow(is_least, node.integer("select_last_index", 0) != 0)
        made = steps.do(op, rows)
        keeps = node.integer("keepdims", 1) != 0
        wish = tuple(1 if d == axis else n for d, n in enumerate(shape)) if keeps else left
        steps.finish(steps.reshaped(made, wish), "int64")

    return import_arg


def _swap(rank: int, axis: int) -> tuple[int, ...]:
    """Exchanges an axis with the last one; its own inverse."""
    perm = list(range(rank))
    perm[axis], perm[-1] = perm[-1], perm[axis]
    return tuple(perm)


def import_top_k(state: Importing, node: OnnxNode) -> None:
    """TopK: where the elements are, and what they are."""
    steps = Steps(state, node)
    x = steps.operand(0)
    shape = steps.shape(x)
    axis = normal_axis(node, node.integer("axis", -1), len(shape))
    count = node.integer("k", 0)
    if node.has(1):
        count = int(state.numbers(node, 1, "k").reshape(()))
    swap = _swap(len(shape), axis)
    rows = steps.transposed(x, swap)
    places = steps.do(OrderRow(count, not node.integer("largest", 1)), rows)
    columns, made = shape[axis], steps.shape(places)
    starts = np.arange(prod(made[:-1])).reshape((*made[:-1], 1)) * columns
    index = steps.binary(BinaryKind.ADD, places, steps.integers(starts))
    flat = steps.reshaped(rows, (prod(shape),))
    values = steps.do(Gather(0), flat, index)
    element = element_of(state, node.input(0))
    steps.finish(steps.transposed(values, swap), element)
    if len(node.outputs) > 1 and node.outputs[1]:
        steps.finish(steps.transposed(places, swap), "int64", output=1)


def import_running(state: Importing, node: OnnxNode) -> None:
    """CumSum and CumProd."""
    steps = Steps(state, node)
    x = steps.operand(0)
    rank = len(steps.shape(x))
    axis = normal_axis(node, int(state.numbers(node, 1, "axis").reshape(())), rank)
    swap = _swap(rank, axis)
    rows = steps.transposed(x, swap)
    backward = np.arange(steps.shape(rows)[-1])[::-1]
    is_reverse = node.integer("reverse", 0) != 0
    if is_reverse:
        rows = steps.chosen(rows, rank - 1, backward)
    op = Running(node.kind == "CumProd", node.integer("exclusive", 0) != 0)
    made = steps.do(op, rows)
    if is_reverse:
        made = steps.chosen(made, rank - 1, backward)
    steps.finish(steps.transposed(made, swap), element_of(state, node.input(0)))


def import_hardmax(state: Importing, node: OnnxNode) -> None:
    """Hardmax: 1 where the first greatest element of a row is."""
    steps = Steps(state, node)
    x = steps.operand(0)
    shape = steps.shape(x)
    flattens = state.model.opset < 13
    axis = normal_axis(node, node.integer("axis", 1 if flattens else -1), len(shape))
    swap = tuple(range(len(shape))) if flattens else _swap(len(shape), axis)
    rows = steps.transposed(x, swap)
    turned = steps.shape(rows)
    if flattens:
        rows = steps.reshaped(rows, (prod(shape[:axis]), prod(shape[axis:])))
    whole = steps.shape(rows)
    best = steps.reshaped(steps.do(ArgRow(), rows), (*whole[:-1], 1))
    hit = steps.binary(BinaryKind.EQUAL, best, steps.integers(np.arange(whole[-1])))
    made = steps.reshaped(steps.do(ToReal(), hit), turned)
    steps.finish(steps.transposed(made, swap), element_of(state, node.input(0)))


def import_one_hot(state: Importing, node: OnnxNode) -> None:
    """OneHot with a constant depth; indices below 0 count from the end."""
    steps = Steps(state, node)
    index, depth = steps.operand(0), int(state.numbers(node, 1, "depth").reshape(()))
    shape = steps.shape(index)
    axis = normal_axis(node, node.integer("axis", -1), len(shape) + 1)
    if not steps.is_whole(index):
        raise UnsupportedError(f"{node}: indices {node.input(0)} are real numbers")
    grown = (*shape[:axis], 1, *shape[axis:])
    whole = (*shape[:axis], depth, *shape[axis:])
    column = np.arange(depth).reshape((-1, *(1,) * (len(shape) - axis)))
    index = steps.reshaped(index, grown)
    found = [
        steps.binary(BinaryKind.EQUAL, index, steps.integers(c)) for c in (column, column - depth)
    ]
    values = steps.operand(2)
    off, on = (steps.chosen(values, 0, np.array([i])) for i in (0, 1))
    hit = steps.binary(BinaryKind.OR, *found)
    choices = [steps.expanded(v, whole) for v in (on, off)]
    steps.end(Select(), hit, *choices, element=element_of(state, node.input(2)))


REDUCTION_IMPORTERS: Mapping[str, Importer] = {
    "ReduceSum": _of(RowKind.SUM),
    "ReduceProd": _of(RowKind.PRODUCT),
    "ReduceMax": _of(RowKind.MAX),
    "ReduceMin": _of(RowKind.MIN),
    "ReduceL1": _of(RowKind.SUM),
    "ReduceL2": _of(RowKind.SUM),
    "ReduceLogSum": _of(RowKind.SUM),
    "ReduceLogSumExp": _of(RowKind.SUM),
    "ReduceSumSquare": _of(RowKind.SUM),
    "ReduceMean": import_reduce_mean,
    "ArgMax": _arg(is_least=False),
    "ArgMin": _arg(is_least=True),
    "TopK": import_top_k,
    "CumSum": import_running,
    "CumProd": import_running,
    "Hardmax": import_hardmax,
    "OneHot": import_one_hot,
}
