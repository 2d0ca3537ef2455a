"""Softmax, norms and means: what needs whole rows."""

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.dialect.requantise import narrowed, number, power_of_two
from tilewright.frontend.dialect.storing import as_wide, in_order, stored, wrapped
from tilewright.frontend.dialect.values import UNSIGNED, Importing, Stored, Tensor, Wide, plain
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.ir.op import Op
from tilewright.ir.types import Array, Shape
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.layout import Reshape, Transpose
from tilewright.ops.norm_pulp import TruncatedLayerNorm, TruncatedRmsNorm
from tilewright.ops.pool_onnx import RescaledMean
from tilewright.ops.reductions import ReduceRow, RowKind
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import INT32_MAX, FixedPoint, Rounding
from tilewright.ops.softmax_pulp import RatioSoftmax, ShiftSoftmax


def import_softmax(state: Importing, node: OnnxNode) -> Tensor:
    """iSoftmax: powers of two by a polynomial and a shift, as a table of distances."""
    log2, levels = number(node, "log2"), number(node, "n_levels")
    if log2 < 1:
        raise ModelError(f"{node}: log2 is {log2}; it must be positive")
    below = np.arange(256)
    powers = np.minimum(below // log2, 31)
    inner = -below + powers * log2 + number(node, "coeffB")
    table = number(node, "coeffA") * inner**2 + number(node, "coeffC") >> powers
    x = stored(state, node, 0)
    most = int(table.max())
    if table.min() < 0 or table[0] < 1 or max(most * x.shape[-1], most * (levels - 1)) >= 1 << 32:
        raise UnsupportedError(
            f"{node}: exponentials of {int(table.min())} .. {most} over rows of {x.shape[-1]}; "
            "sums have to stay between 1 and 2**32 - 1"
        )
    constant = state.constant(f"{node.output}.table", table.astype(np.int32))
    name = state.emit(node.output, RatioSoftmax(levels), x.name, constant)
    return Stored(name, x.shape, x.order, UNSIGNED)


def import_shift_softmax(state: Importing, node: OnnxNode) -> Tensor:
    """ITAMax and ITAPartialMax."""
    group = number(node, "group_width") if node.kind == "ITAPartialMax" else 0
    x = stored(state, node, 0)
    op = ShiftSoftmax(number(node, "n_levels"), group)
    return Stored(state.emit(node.output, op, x.name), x.shape, x.order, UNSIGNED)


def import_layer_norm(state: Importing, node: OnnxNode) -> Tensor:
    """iLayerNorm over the last dimension."""
    tables = [state.fixed(node, index, what) for index, what in ((1, "weight"), (2, "bias"))]
    return _norm(state, node, tables, TruncatedLayerNorm)


def import_rms_norm(state: Importing, node: OnnxNode) -> Tensor:
    """iRMSNorm over the last dimension."""
    return _norm(state, node, [state.fixed(node, 1, "weight")], TruncatedRmsNorm)


def _norm(
    state: Importing, node: OnnxNode, tables: list[Array],
    kind: type[TruncatedLayerNorm] | type[TruncatedRmsNorm],
) -> Stored:  # fmt: skip
    x = stored(state, node, 0)
    names = [
        state.constant(node.input(index), wrapped(np.broadcast_to(table.reshape(-1), x.shape[-1:])))
        for index, table in enumerate(tables, 1)
    ]
    reach = max(int(np.abs(tables[0]).max(initial=0)), 1)
    op = kind(power_of_two(node, "D"), x.zero, min(reach, INT32_MAX))
    return Stored(state.emit(node.output, op, x.name, *names), x.shape, x.order)


def import_no_norm(state: Importing, node: OnnxNode) -> Tensor:
    """iNoNorm: the low byte of ((x * weight + bias) * mul) >> shift."""
    weight, bias = state.fixed(node, 1, "weight"), state.fixed(node, 2, "bias")
    mul, shift = number(node, "mul"), power_of_two(node, "D")
    x = stored(state, node, 0)
    every = np.arange(-128, 128) - x.zero
    ends = (every[[0, -1]].reshape(2, *(1 for _ in weight.shape)) * weight + bias) * mul
    half = 1 << shift >> 1
    results = ends >> shift
    if results.min() < -128 or results.max() > 127 or np.abs(ends).max() + half >= 1 << 31:
        return _no_norm_by_steps(state, node, x, (weight, bias, mul, shift))
    wide = as_wide(state, node.input(0), x)
    steps = (BinaryKind.MUL, weight * mul), (BinaryKind.ADD, bias * mul - half)
    return narrowed(state, node.output, _applied(state, node.output, wide, *steps), shift)


def _no_norm_by_steps(
    state: Importing, node: OnnxNode, x: Stored, what: tuple[Array, Array, int, int]
) -> Stored:
    weight, bias, mul, shift = what
    steps = (
        (BinaryKind.MUL, weight), (BinaryKind.ADD, bias), (BinaryKind.MUL, np.array(mul)),
        (BinaryKind.RIGHT, np.array(shift)), (BinaryKind.LEFT, np.array(24)),
        (BinaryKind.RIGHT, np.array(24)),
    )  # fmt: skip
    wide = as_wide(state, node.input(0), x)
    return narrowed(state, node.output, _applied(state, node.output, wide, *steps))


def _applied(state: Importing, wish: str, x: Wide, *steps: tuple[BinaryKind, Array]) -> Wide:
    name = x.name
    for kind, array in steps:
        constant = state.constant(f"{wish}.{kind.value}", wrapped(array))
        name = state.emit(f"{wish}.step", Binary(kind), name, constant)
    return Wide(name, x.shape, x.order)


def import_mean(state: Importing, node: OnnxNode) -> Tensor:
    """IntegerMean and ReduceMean: rounded half up for powers of two, else half away from zero."""
    axes, keeps = _axes(state, node)
    shape = state.tensor(node, 0).shape
    count = int(np.prod([shape[axis] for axis in axes]))
    if count & (count - 1):
        return _mean_by_steps(state, node, axes, count, keeps=keeps)
    x = stored(state, node, 0)
    output = Requantise(Rounding.HALF_UP, x.zero)
    scale = FixedPoint(1, count.bit_length() - 1)
    op = RescaledMean(axes, keeps, x.zero, scale, output)
    name = state.emit(node.output, op, x.name)
    made = state.builder.values[name].type.shape
    return Stored(name, made, plain(made), x.zero)


def _mean_by_steps(
    state: Importing, node: OnnxNode, axes: Shape, count: int, *, keeps: bool
) -> Stored:
    total = _sum(state, node, axes, keeps=keeps)
    half = count >> 1
    signs = _applied(
        state, f"{node.output}.sign", total, (BinaryKind.RIGHT, np.array(31)),
        (BinaryKind.OR, np.array(1)), (BinaryKind.MUL, np.array(half)),
    )  # fmt: skip
    name = state.emit(f"{node.output}.rounded", Binary(BinaryKind.ADD), total.name, signs.name)
    divided = _applied(
        state, node.output, Wide(name, total.shape, total.order), (BinaryKind.DIV, np.array(count))
    )
    zero = state.tensor(node, 0)
    unsigned = isinstance(zero, Stored) and zero.zero == UNSIGNED
    output = Requantise(Rounding.WRAPPING, UNSIGNED if unsigned else 0)
    return narrowed(state, node.output, divided, 0, output)


def import_sum(state: Importing, node: OnnxNode) -> Tensor:
    """ReduceSum, in int32."""
    axes, keeps = _axes(state, node)
    return _sum(state, node, axes, keeps=keeps)


def _sum(state: Importing, node: OnnxNode, axes: Shape, *, keeps: bool) -> Wide:
    wide = as_wide(state, node.input(0), state.tensor(node, 0))
    x = in_order(state, wide, plain(wide.shape))
    kept = tuple(axis for axis in range(len(x.shape)) if axis not in axes)
    ops: list[Op] = []
    if (*kept, *axes) != plain(x.shape):
        ops.append(Transpose((*kept, *axes)))
    ops += [
        Reshape((*(x.shape[axis] for axis in kept), int(np.prod([x.shape[a] for a in axes])))),
        ReduceRow(RowKind.SUM),
    ]
    shape = tuple(x.shape[axis] for axis in kept)
    if keeps:
        shape = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
        ops.append(Reshape(shape))
    name = x.name
    for op in ops:
        name = state.emit(f"{node.output}.sum", op, name)
    return Wide(name, shape, plain(shape))


def _axes(state: Importing, node: OnnxNode) -> tuple[Shape, bool]:
    """Reduced dimensions, all >= 0, and whether they stay with an extent of one."""
    rank = len(state.tensor(node, 0).shape)
    listed = state.axes(node)
    axes = range(rank) if listed is None else sorted({axis % rank for axis in listed})
    return tuple(axes), bool(number(node, "keepdims")) if "keepdims" in node.attributes else True
