"""Bindings of the kernels that work along rows: softmax, means, normalisation."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ops.mean_tflite import QMean
from tilewright.ops.pool_onnx import RescaledMean
from tilewright.ops.softmax_onnx import TableSoftmax
from tilewright.targets.packs.arm_dsp.kernels.requantise import HALF_EVEN_SHIFT, HERE
from tilewright.targets.packs.arm_dsp.kernels.short_scale import short_scale
from tilewright.targets.packs.portable.kernels.means_tflite import MEAN_S8_TFLITE
from tilewright.targets.packs.portable.kernels.quick_loops import QUICK_LOOPS
from tilewright.targets.packs.portable.kernels.reductions import one_group
from tilewright.targets.packs.portable.kernels.rescaled_means import RESCALED_MEAN_S8
from tilewright.targets.packs.portable.kernels.rescaled_norm import RESCALED_NORM_S8
from tilewright.targets.packs.portable.kernels.softmax_s8_tflite import SOFTMAX_S8_TFLITE
from tilewright.targets.packs.portable.kernels.table_softmax import TABLE_SOFTMAX_S8
from tilewright.targets.packs.terms import ROWS, groups


def _mean_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (QMean, RescaledMean))
    group = one_group(signature.inputs[0].shape, op.axes)
    assert group is not None
    scale = short_scale(op.scale, op.output.rounding)
    return {
        "count": group[0], "inner": group[1],
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "multiplier": scale.multiplier, "shift": scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _mean_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Rows of bytes that are summed, or columns of them four at a time."""
    fields = _mean_fields(op, signature)
    inner, count, outputs = int(fields["inner"]), int(fields["count"]), signature.output.size
    if inner == 1:
        return outputs, outputs * (count // 4), outputs * (count % 4), 0, 0, outputs
    fours = outputs // inner * groups(inner, 4)
    return 0, 0, 0, fours, fours * count, outputs


MEAN = Terms(("rows", "row_words", "row_rest", "columns", "column_words", "outputs"), _mean_terms)


def _mean(portable: Kernel, rounding: str) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        assert isinstance(op, (QMean, RescaledMean))
        group = one_group(signature.inputs[0].shape, op.axes)
        if group is None:
            return f"axes {op.axes} are more than one group of dimensions"
        if group[1] in (2, 3):
            return f"{group[1]} elements lie side by side, not 1 or at least 4"
        return portable.refuse(op, signature)

    headers = ("dsp_bytes.h", "dsp_requantise.h", "dsp_words.h")
    return replace(
        portable,
        symbol=f"mean_s8_dsp_{rounding}",
        struct="mean_s8_dsp_args",
        header=HERE / "mean_s8_dsp.h",
        source=HERE / "mean_s8_dsp.c",
        refuse=refuse,
        fields=_mean_fields,
        terms=MEAN,
        includes=tuple(HERE / header for header in headers),
    )


def _rounding_of(portable: Kernel, name: str) -> str:
    return portable.symbol.removeprefix(f"{name}_")


def _refuse_short_shifts(op: Op, signature: Signature) -> str | None:
    del signature
    assert isinstance(op, TableSoftmax)
    shift = op.scale.shift + op.bits
    if shift > HALF_EVEN_SHIFT:
        return None
    return f"results are shifted by {shift}, more than {HALF_EVEN_SHIFT} are wanted"


def _table_softmax(portable: Kernel) -> Kernel:
    name = "table_softmax_s8"
    headers = ("dsp_requantise.h", "dsp_words.h", "softmax_row.h")
    rounding = _rounding_of(portable, name)
    return Kernel(
        op=TableSoftmax,
        symbol=f"{name}_dsp_{rounding}",
        struct=f"{name}_dsp_args",
        header=HERE / f"{name}_dsp.h",
        source=HERE / f"{name}_dsp.c",
        pointers=portable.pointers,
        variant=portable.variant,
        refuse=_refuse_short_shifts,
        fields=portable.fields,
        items=portable.items,
        terms=ROWS,
        streaming=Streaming(inputs=(0,), block_axes=0),
        includes=(QUICK_LOOPS, *(HERE / header for header in headers)),
    )


MEAN_S8_DSP = (
    _mean(MEAN_S8_TFLITE, "double"),
    *(_mean(kernel, _rounding_of(kernel, "rescaled_mean_s8")) for kernel in RESCALED_MEAN_S8),
)

SOFTMAX_S8_DSP = (
    replace(
        SOFTMAX_S8_TFLITE,
        symbol="softmax_s8_dsp_tflite",
        struct="softmax_s8_dsp_args",
        header=HERE / "softmax_s8_dsp.h",
        source=HERE / "softmax_s8_dsp_tflite.c",
        terms=ROWS,
        includes=(
            QUICK_LOOPS,
            HERE / "dsp_requantise.h",
            HERE / "dsp_words.h",
            HERE / "softmax_row.h",
        ),
    ),
    *map(_table_softmax, TABLE_SOFTMAX_S8),
)

RESCALED_NORM_S8_DSP = replace(
    RESCALED_NORM_S8,
    symbol="rescaled_norm_s8_dsp",
    struct="rescaled_norm_s8_dsp_args",
    header=HERE / "rescaled_norm_s8_dsp.h",
    source=HERE / "rescaled_norm_s8_dsp.c",
    terms=ROWS,
    includes=(HERE / "dsp_bytes.h", HERE / "dsp_words.h", *RESCALED_NORM_S8.includes),
)
