"""Bindings of rescaled_average_pool2d_s8_*.c and rescaled_mean_s8_*.c."""

from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Shape
from tilewright.ops.pool_onnx import RescaledAveragePool2d, RescaledMean
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    rounds_as,
)
from tilewright.targets.packs.portable.kernels.counts import output_elements, output_rows
from tilewright.targets.packs.portable.kernels.pool2d import POOLING
from tilewright.targets.packs.portable.kernels.rescaled_arithmetic import SINGLE_ROUNDINGS
from tilewright.targets.packs.portable.kernels.window2d import window_fields
from tilewright.targets.packs.terms import groups, runs, split_runs


def _pool_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, RescaledAveragePool2d)
    x = signature.inputs[0].shape
    return window_fields(op.window, x, signature.output.shape) | {
        "channels": x[3], "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "table_step": int(signature.inputs[1].size > 1),
    }  # fmt: skip


def _pool(rounding: Rounding) -> Kernel:
    name = "rescaled_average_pool2d_s8"
    return Kernel(
        op=RescaledAveragePool2d,
        symbol=f"{name}_{rounding.value}",
        struct=f"{name}_args",
        header=HERE / f"{name}.h",
        source=HERE / f"{name}.c",
        pointers=("x", "multiplier", "shift", "y"),
        variant=rounds_as(rounding, wraps=True),
        fields=_pool_fields,
        items=output_rows,
        terms=POOLING,
        streaming=Streaming(inputs=(0,), block_axes=0),
        includes=(HERE / "window2d.h",),
    )


def _span(axes: tuple[int, ...], shape: Shape) -> tuple[int, int] | None:
    """First and one past the last reduced dimension; None where a kept one lies between."""
    start, stop = min(axes, default=0), max(axes, default=-1) + 1
    kept = [shape[d] for d in range(start, stop) if d not in axes]
    return None if any(extent > 1 for extent in kept) else (start, stop)


def _refuse_mean(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, RescaledMean)
    is_apart = _span(op.axes, signature.inputs[0].shape) is None
    return f"axes {op.axes} have other dimensions between them" if is_apart else None


def _mean_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, RescaledMean)
    shape = signature.inputs[0].shape
    span = _span(op.axes, shape)
    assert span is not None
    return {
        "count": prod(shape[slice(*span)]), "inner": prod(shape[span[1] :]),
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "multiplier": op.scale.multiplier, "shift": op.scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


MEAN = ("blocks", "sweeps", "vectors", "halves", "rest", "output_vectors", "output_rest")
"""Outputs side by side are summed in blocks, one sweep per element of the mean."""

MEAN_BLOCK = 64


def mean_counts(signature: Signature, inner: int) -> tuple[int, ...]:
    """Counts for MEAN where ``inner`` outputs lie side by side."""
    outputs = signature.output.size
    summed, outer = signature.inputs[0].size // outputs, outputs // inner
    blocks = outer * groups(inner, MEAN_BLOCK)
    return (
        blocks, blocks * summed, *split_runs(outer * summed, inner), *runs(outer, inner, 8)
    )  # fmt: skip


def _mean_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    fields = _mean_fields(op, signature)
    return mean_counts(signature, int(fields["inner"]))


def _mean(rounding: Rounding) -> Kernel:
    name = "rescaled_mean_s8"
    return Kernel(
        op=RescaledMean,
        symbol=f"{name}_{rounding.value}",
        struct=f"{name}_args",
        header=HERE / f"{name}.h",
        source=HERE / f"{name}.c",
        pointers=("x", "y"),
        variant=rounds_as(rounding, wraps=True),
        refuse=_refuse_mean,
        fields=_mean_fields,
        items=output_elements,
        terms=Terms(MEAN, _mean_terms),
        streaming=Streaming(inputs=(0,), block_axes=0),
    )


RESCALED_AVERAGE_POOL2D_S8 = tuple(map(_pool, SINGLE_ROUNDINGS))
RESCALED_MEAN_S8 = tuple(map(_mean, SINGLE_ROUNDINGS))
