"""Bindings of the kernels that work along rows: softmax, means, normalisation."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ops.mean_tflite import QMean
from tilewright.ops.pool_onnx import RescaledMean
from tilewright.ops.rescale import FixedPoint
from tilewright.ops.softmax_onnx import TableSoftmax
from tilewright.targets.packs.helium.kernels.scalar import refuse_scale, scalar_fields
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.portable.kernels.counts import output_elements, output_rows
from tilewright.targets.packs.portable.kernels.means_tflite import MEAN_S8_TFLITE
from tilewright.targets.packs.portable.kernels.reductions import one_group
from tilewright.targets.packs.portable.kernels.rescaled_means import RESCALED_MEAN_S8
from tilewright.targets.packs.portable.kernels.rescaled_norm import RESCALED_NORM_S8
from tilewright.targets.packs.portable.kernels.softmax_s8_tflite import SOFTMAX_S8_TFLITE
from tilewright.targets.packs.portable.kernels.table_softmax import TABLE_SOFTMAX_S8


def _refuse_mean(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, (QMean, RescaledMean))
    if one_group(signature.inputs[0].shape, op.axes) is None:
        return f"axes {op.axes} are more than one group of dimensions"
    return refuse_scale(op.scale, op.output)


def _mean_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (QMean, RescaledMean))
    group = one_group(signature.inputs[0].shape, op.axes)
    assert group is not None
    sizes = {"count": group[0], "inner": group[1]}
    zeros = {"x_zero": op.x_zero, "y_zero": op.output.zero}
    return sizes | zeros | scalar_fields(op.scale, op.output)


def _mean_cycles(op: Op, signature: Signature) -> int:
    return 60 + signature.inputs[0].size + 8 * output_elements(op, signature)


def _mean(portable: Kernel, rounding: str) -> Kernel:
    headers = ("helium_rescale.h", "helium_scalar.h")
    return replace(
        portable,
        symbol=f"mean_helium_{rounding}",
        struct="mean_helium_args",
        header=HERE / "mean_helium.h",
        source=HERE / "mean_helium.c",
        refuse=_refuse_mean,
        fields=_mean_fields,
        cycles=_mean_cycles,
        includes=tuple(HERE / header for header in headers),
    )


def _softmax_cycles(op: Op, signature: Signature) -> int:
    return 150 * output_rows(op, signature) + 8 * signature.output.size


def _refuse_table_softmax(op: Op, signature: Signature) -> str | None:
    del signature
    assert isinstance(op, TableSoftmax)
    whole = FixedPoint(op.scale.multiplier, op.scale.shift + op.bits)
    return refuse_scale(whole, op.output)


def _norm_cycles(op: Op, signature: Signature) -> int:
    return 300 * output_rows(op, signature) + 5 * signature.output.size


MEAN_HELIUM = (_mean(MEAN_S8_TFLITE, "double"), _mean(RESCALED_MEAN_S8[0], "half_even"))

SOFTMAX_HELIUM = replace(
    SOFTMAX_S8_TFLITE,
    symbol="softmax_helium",
    struct="softmax_helium_args",
    header=HERE / "softmax_helium.h",
    source=HERE / "softmax_helium.c",
    cycles=_softmax_cycles,
    includes=(HERE / "exponentials_helium.h",),
)

TABLE_SOFTMAX_HELIUM = Kernel(
    op=TableSoftmax,
    symbol="table_softmax_helium",
    struct="table_softmax_helium_args",
    header=HERE / "table_softmax_helium.h",
    source=HERE / "table_softmax_helium.c",
    pointers=("x", "table", "y"),
    variant=TABLE_SOFTMAX_S8[0].variant,
    refuse=_refuse_table_softmax,
    fields=TABLE_SOFTMAX_S8[0].fields,
    items=output_rows,
    cycles=_softmax_cycles,
    streaming=Streaming(inputs=(0,), block_axes=0),
    includes=tuple(
        HERE / header for header in ("exponentials_helium.h", "helium_rescale.h", "helium_scalar.h")
    ),
)

RESCALED_NORM_HELIUM = replace(
    RESCALED_NORM_S8,
    symbol="rescaled_norm_helium",
    struct="rescaled_norm_helium_args",
    header=HERE / "rescaled_norm_helium.h",
    source=HERE / "rescaled_norm_helium.c",
    cycles=_norm_cycles,
)
