"""Bindings of average_pool2d_s8_tflite and mean_s8_tflite."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import DType
from tilewright.ops.mean_tflite import QMean
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.targets.packs.portable.kernels.counts import output_elements, output_rows
from tilewright.targets.packs.portable.kernels.pool2d import POOLING
from tilewright.targets.packs.portable.kernels.reductions import mean_shape
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.portable.kernels.rescaled_means import MEAN, mean_counts
from tilewright.targets.packs.portable.kernels.window2d import window_fields

HERE = Path(__file__).parent


def _refuse_pool(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.S8,), DType.S8)


def _pool_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QAveragePool2d)
    x = signature.inputs[0].shape
    return window_fields(op.window, x, signature.output.shape) | {
        "channels": x[3], "offset": op.offset, "low": op.low, "high": op.high,
    }  # fmt: skip


def _refuse_mean(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QMean)
    if mean_shape(signature.inputs[0].shape, op.axes) is None:
        return f"axes {op.axes} are more than two groups of dimensions"
    return wrong_types(signature, (DType.S8,), DType.S8)


def _mean_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QMean)
    shape = mean_shape(signature.inputs[0].shape, op.axes)
    assert shape is not None
    return shape.fields() | {
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "multiplier": op.scale.multiplier, "shift": op.scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _mean_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    fields = _mean_fields(op, signature)
    return mean_counts(signature, int(fields["kept2"]))


AVERAGE_POOL2D_S8_TFLITE = Kernel(
    op=QAveragePool2d,
    symbol="average_pool2d_s8_tflite",
    struct="average_pool2d_s8_tflite_args",
    header=HERE / "average_pool2d_s8_tflite.h",
    source=HERE / "average_pool2d_s8_tflite.c",
    pointers=("x", "y"),
    refuse=_refuse_pool,
    fields=_pool_fields,
    items=output_rows,
    terms=POOLING,
    streaming=Streaming(inputs=(0,), block_axes=0),
    includes=(HERE / "window2d.h",),
)

MEAN_S8_TFLITE = Kernel(
    op=QMean,
    symbol="mean_s8_tflite",
    struct="mean_s8_tflite_args",
    header=HERE / "mean_s8_tflite.h",
    source=HERE / "mean_s8_tflite.c",
    pointers=("x", "y"),
    refuse=_refuse_mean,
    fields=_mean_fields,
    items=output_elements,
    terms=Terms(MEAN, _mean_terms),
    streaming=Streaming(inputs=(0,), block_axes=0),
)
