"""Bindings of softmax_f32, batch_norm_f32 and mean_f32."""

from pathlib import Path

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array, DType
from tilewright.ops.elementwise import BatchNorm
from tilewright.ops.reduce import Mean
from tilewright.ops.softmax import Softmax
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.reductions import MeanShape, mean_shape
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ROWS, groups, runs

HERE = Path(__file__).parent

Constants = tuple[Array | None, ...]


def _refuse_softmax(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.F32,), DType.F32)


def _softmax_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Softmax)
    return {"columns": signature.output.shape[-1], "beta": float(op.beta)}


def _refuse_batch_norm(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.F32,) * 5, DType.F32)


def _batch_norm_fields(op: Op, signature: Signature) -> Fields:
    del op
    return {"channels": signature.output.shape[-1]}


def _pack_batch_norm(op: Op, constants: Constants) -> Constants:
    """One factor and one addend per channel; the tables that vanish keep one element each."""
    assert isinstance(op, BatchNorm)
    x = constants[0]
    scale, bias, mean, variance = (np.asarray(table, dtype=np.float64) for table in constants[1:])
    factor = scale / np.sqrt(variance + op.epsilon)
    addend = bias - mean * factor
    unused = np.zeros(1, np.float32)
    return x, factor.astype(np.float32), addend.astype(np.float32), unused, unused


def _mean_shape(op: Op, signature: Signature) -> MeanShape | None:
    assert isinstance(op, Mean)
    return mean_shape(signature.inputs[0].shape, op.axes)


def _refuse_mean(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, Mean)
    if _mean_shape(op, signature) is None:
        return f"axes {op.axes} are more than two groups of neighbouring dimensions"
    return wrong_types(signature, (DType.F32,), DType.F32)


def _mean_fields(op: Op, signature: Signature) -> Fields:
    shape = _mean_shape(op, signature)
    assert shape is not None
    return shape.fields()


def _mean_items(op: Op, signature: Signature) -> int:
    shape = _mean_shape(op, signature)
    assert shape is not None
    return shape.kept0 * shape.kept1


def _mean_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Eight neighbouring outputs at a time, one sweep per element of the mean."""
    shape = _mean_shape(op, signature)
    assert shape is not None
    rows, summed = shape.kept0 * shape.kept1, shape.reduced0 * shape.reduced1
    sweeps = rows * summed
    return (
        rows, rows * groups(shape.kept2, 8), sweeps * groups(shape.kept2, 8),
        *runs(sweeps, shape.kept2, 8), rows * shape.kept2,
    )  # fmt: skip


SOFTMAX_F32 = Kernel(
    op=Softmax,
    symbol="softmax_f32",
    struct="softmax_f32_args",
    header=HERE / "softmax_f32.h",
    source=HERE / "softmax_f32.c",
    pointers=("x", "y"),
    refuse=_refuse_softmax,
    fields=_softmax_fields,
    items=output_rows,
    terms=ROWS,
    streaming=Streaming(inputs=(0,), block_axes=0),
)

BATCH_NORM_F32 = Kernel(
    op=BatchNorm,
    symbol="batch_norm_f32",
    struct="batch_norm_f32_args",
    header=HERE / "batch_norm_f32.h",
    source=HERE / "batch_norm_f32.c",
    pointers=("x", "scale", "bias", "mean", "variance", "y"),
    refuse=_refuse_batch_norm,
    fields=_batch_norm_fields,
    items=output_rows,
    terms=ROWS,
    streaming=Streaming(inputs=(0,), block_axes=0),
    pack=_pack_batch_norm,
)

MEAN_F32 = Kernel(
    op=Mean,
    symbol="mean_f32",
    struct="mean_f32_args",
    header=HERE / "mean_f32.h",
    source=HERE / "mean_f32.c",
    pointers=("x", "y"),
    refuse=_refuse_mean,
    fields=_mean_fields,
    items=_mean_items,
    terms=Terms(("rows", "blocks", "sweeps", "vectors", "rest", "outputs"), _mean_terms),
    streaming=Streaming(inputs=(0,), block_axes=0),
)
