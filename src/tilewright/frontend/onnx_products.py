"""Products that have no kernel of their own: Gemm and MatMul of any operands, Einsum; and norms."""

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_dense import DENSE_IMPORTERS
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_reductions import normal_axis, rows_last
from tilewright.frontend.onnx_steps import Steps, element_of
from tilewright.frontend.onnx_tensors import Importing
from tilewright.ir.graph import ValueName
from tilewright.ops.binary import BinaryKind
from tilewright.ops.curves import Curve
from tilewright.ops.matmul import MatMul
from tilewright.ops.normalisation import LayerNorm
from tilewright.ops.reductions import ReduceRow, RowKind


def import_any_gemm(state: Importing, node: OnnxNode) -> None:
    """Gemm by a dense layer where it is one, else in pieces."""
    bias = state.constants.get(node.inputs[2]) if node.has(2) else None
    columns = state.shape(node.input(1))[0 if node.integer("transB", 0) else -1]
    is_row = not node.has(2) or (
        bias is not None and prod(bias.array.shape[:-1]) == 1 and bias.array.size == columns
    )
    if state.is_constant(node.input(1)) and is_row:
        DENSE_IMPORTERS["Gemm"](state, node)
        return
    steps = Steps(state, node)
    a, b = steps.operand(0), steps.operand(1)
    if node.integer("transA", 0):
        a = steps.transposed(a, (1, 0))
    if node.integer("transB", 0):
        b = steps.transposed(b, (1, 0))
    made = _scaled(steps, steps.do(MatMul(), a, b), node.number("alpha", 1.0))
    if node.has(2):
        c = _scaled(steps, steps.operand(2), node.number("beta", 1.0))
        made = steps.binary(BinaryKind.ADD, made, c)
    steps.finish(made, element_of(state, node.input(0)))


def _scaled(steps: Steps, x: ValueName, factor: float) -> ValueName:
    if factor == 1.0:
        return x
    return steps.binary(BinaryKind.MUL, x, steps.reals(np.array(factor)))


def import_any_matmul(state: Importing, node: OnnxNode) -> None:
    """MatMul; of two vectors by a row and a column."""
    left, right = (len(state.shape(node.input(i))) for i in (0, 1))
    if right > 1 or (left > 1 and not state.is_constant(node.input(1))):
        DENSE_IMPORTERS["MatMul"](state, node)
        return
    steps = Steps(state, node)
    a, b = steps.operand(0), steps.operand(1)
    column = steps.reshaped(b, (prod(steps.shape(b)), 1))
    shape = steps.shape(a)
    rows = steps.reshaped(a, (prod(shape[:-1]), shape[-1]))
    made = steps.do(MatMul(), rows, column)
    steps.finish(steps.reshaped(made, shape[:-1]), element_of(state, node.input(0)))


def import_integer_product(state: Importing, node: OnnxNode) -> None:
    """MatMulInteger and QLinearMatMul without scales that are known: sums of int32 products."""
    steps = Steps(state, node)
    operands: list[ValueName] = []
    for index in (0, 1):
        x = steps.operand(index)
        if node.has(index + 2):
            zero = steps.operand(index + 2)
            shape = steps.shape(zero)
            if index == 0 and len(shape) == 1 and shape[0] > 1:
                zero = steps.reshaped(zero, (*shape, 1))
            x = steps.binary(BinaryKind.SUB, x, zero)
        operands.append(x)
    a, b = operands
    m, k = steps.shape(a)[-2:]
    n = steps.shape(b)[-1]
    # [..., M, 1, K] * [..., 1, N, K], then sums of rows: exact, where reals are not.
    a = steps.reshaped(a, (*steps.shape(a)[:-2], m, 1, k))
    rank = len(steps.shape(b))
    b = steps.transposed(b, (*range(rank - 2), rank - 1, rank - 2))
    b = steps.reshaped(b, (*steps.shape(b)[:-2], 1, n, k))
    made = steps.do(ReduceRow(RowKind.SUM), steps.binary(BinaryKind.MUL, a, b))
    steps.finish(made, "int32")


def import_einsum(state: Importing, node: OnnxNode) -> None:
    """Einsum: operands brought to one order of labels, multiplied, summed."""
    steps = Steps(state, node)
    left, arrow, right = node.text("equation", "").replace(" ", "").partition("->")
    terms = left.split(",")
    ranks = [len(state.shape(name)) for name in node.inputs]
    if len(terms) != len(ranks):
        raise ModelError(f"{node}: equation {node.text('equation', '')!r} has other operands")
    dots = max(
        (r - len(t.replace("...", "")) for t, r in zip(terms, ranks, strict=True)), default=0
    )
    spelled = "".join(chr(0x3B1 + i) for i in range(dots))

    def spell(term: str, rank: int) -> str:
        own = rank - len(term.replace("...", ""))
        return term.replace("...", spelled[dots - own :] if own else "")

    terms = [spell(t, r) for t, r in zip(terms, ranks, strict=True)]
    every = "".join(terms)
    if arrow:
        right = right.replace("...", spelled)
    else:
        right = spelled + "".join(
            sorted(c for c in set(every) if every.count(c) == 1 and c not in spelled)
        )
    order = right + "".join(sorted(set(every) - set(right)))
    made: ValueName | None = None
    for index, term in enumerate(terms):
        x = _in_order(steps, steps.operand(index), term, order)
        made = x if made is None else steps.binary(BinaryKind.MUL, made, x)
    assert made is not None
    summed = len(order) - len(right)
    if summed:
        shape = steps.shape(made)
        made = steps.reshaped(made, (*shape[: len(right)], prod(shape[len(right) :])))
        made = steps.do(ReduceRow(RowKind.SUM), made)
    steps.finish(made, element_of(state, node.input(0)))


def _in_order(steps: Steps, x: ValueName, term: str, order: str) -> ValueName:
    """x with one dimension per label of ``order``: of extent 1 where it has no such label."""
    labels = list(term)
    while len(set(labels)) < len(labels):
        label = next(c for c in labels if labels.count(c) > 1)
        first, second = [i for i, c in enumerate(labels) if c == label][:2]
        x = _diagonal(steps, x, first, second)
        del labels[second]
    perm = tuple(labels.index(c) for c in order if c in labels)
    x = steps.transposed(x, perm)
    extents = iter(steps.shape(x))
    return steps.reshaped(x, tuple(next(extents) if c in labels else 1 for c in order))


def _diagonal(steps: Steps, x: ValueName, first: int, second: int) -> ValueName:
    shape = steps.shape(x)
    table = np.diagonal(np.arange(prod(shape)).reshape(shape), axis1=first, axis2=second)
    table = np.moveaxis(table, -1, first)
    flat = steps.reshaped(x, (prod(shape),))
    return steps.reshaped(steps.chosen(flat, 0, table.reshape(-1)), tuple(table.shape))


def import_instance_norm(state: Importing, node: OnnxNode) -> None:
    """InstanceNormalization: each channel's plane is a row."""
    steps = Steps(state, node)
    x = steps.operand(0)
    shape = steps.shape(x)
    plane = prod(shape[2:])
    rows = steps.reshaped(x, (*shape[:2], plane))
    unit = (steps.reals(np.ones(plane)), steps.reals(np.zeros(plane)))
    rows = steps.do(LayerNorm(node.number("epsilon", 1e-5)), rows, *unit)
    scale, bias = (steps.reshaped(steps.operand(i), (shape[1], 1)) for i in (1, 2))
    made = steps.binary(BinaryKind.ADD, steps.binary(BinaryKind.MUL, rows, scale), bias)
    steps.finish(steps.reshaped(made, shape), element_of(state, node.input(0)))


def import_lp_norm(state: Importing, node: OnnxNode) -> None:
    """LpNormalization: divided by the norm of a row; rows of zeros stay zeros."""
    steps = Steps(state, node)
    x = steps.operand(0)
    shape = steps.shape(x)
    axis = normal_axis(node, node.integer("axis", -1), len(shape))
    if node.integer("p", 2) not in (1, 2):
        raise UnsupportedError(f"{node}: p is {node.integer('p', 2)}; 1 and 2 are supported")
    is_plain_sum = node.integer("p", 2) == 1
    size = steps.curve(Curve.ABS, x) if is_plain_sum else steps.binary(BinaryKind.MUL, x, x)
    rows, _ = rows_last(steps, size, (axis,))
    norm = steps.do(ReduceRow(RowKind.SUM), rows)
    norm = norm if is_plain_sum else steps.curve(Curve.SQRT, norm)
    norm = steps.binary(BinaryKind.MAX, norm, steps.reals(np.array(1e-37)))
    norm = steps.reshaped(norm, tuple(1 if d == axis else n for d, n in enumerate(shape)))
    steps.finish(steps.binary(BinaryKind.DIV, x, norm), element_of(state, node.input(0)))


PRODUCT_IMPORTERS: Mapping[str, Callable[[Importing, OnnxNode], None]] = {
    "Gemm": import_any_gemm,
    "MatMul": import_any_matmul,
    "MatMulInteger": import_integer_product,
    "Einsum": import_einsum,
    "InstanceNormalization": import_instance_norm,
    "LpNormalization": import_lp_norm,
}
