"""Bindings of the kernels for operators in parts: int32 sums, and what finishes them."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ops.conv2d import QConv2dSum
from tilewright.ops.dense import QDenseSum
from tilewright.ops.matmul import QMatMulSum
from tilewright.ops.requantise import RescaleSums
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    ROUNDINGS,
    rounds_as,
    widen_shifts,
)
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.matmul import (
    MATMUL,
    matmul_terms,
    product_geometry,
    refuse_product,
)
from tilewright.targets.packs.portable.kernels.product_terms import DOTS, GATHERED, dots, gathered
from tilewright.targets.packs.portable.kernels.window2d import window_fields
from tilewright.targets.packs.terms import ROWS


def _dense_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDenseSum)
    out_c, in_c = signature.inputs[1].shape
    return {"in_c": in_c, "out_c": out_c, "w_zero": op.w_zero, "adds": int(op.adds)}


def _conv2d_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QConv2dSum)
    x = signature.inputs[0].shape
    n, height, width, in_c = (x[0], x[2], x[3], x[1]) if op.is_channels_first else x
    window = window_fields(op.window, (n, height, width, in_c), signature.output.shape)
    order = (
        "in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "kernel_h", "kernel_w", "stride_h",
        "stride_w", "dilation_h", "dilation_w", "pad_top", "pad_left",
    )  # fmt: skip
    window |= {"in_c": in_c, "out_c": signature.output.shape[3]}
    return {name: window[name] for name in order} | {
        "is_channels_first": int(op.is_channels_first),
        "x_zero": op.x_zero, "w_zero": op.w_zero, "adds": int(op.adds),
    }  # fmt: skip


def _matmul_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QMatMulSum)
    return product_geometry(op, signature) | {
        "a_zero": op.a_zero, "b_zero": op.b_zero, "adds": int(op.adds),
    }  # fmt: skip


def _finish_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, RescaleSums)
    return {
        "channels": signature.output.shape[-1], "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "table_step": int(signature.inputs[1].size > 1),
    }  # fmt: skip


def _row_bytes(op: Op, signature: Signature) -> int:
    """One row or patch, widened to int16."""
    del op
    w = signature.inputs[1]
    return 2 * w.size // w.shape[0]


def _depth_bytes(op: Op, signature: Signature) -> int:
    del op
    return 2 * signature.inputs[0].shape[-1]


def _dense_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QDenseSum)
    rows, (channels, length) = output_rows(op, signature), signature.inputs[1].shape
    recentres = rows * (op.w_zero != 0)
    return rows, rows * length, *dots(rows, channels, length, recentres=recentres), rows * channels


def _conv2d_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QConv2dSum)
    rows, w = output_rows(op, signature), signature.inputs[1]
    channels = w.shape[0]
    length = w.size // channels
    return (
        *gathered(op, signature),
        *dots(rows, channels, length, recentres=rows * (op.w_zero != 0)),
        rows * channels,
    )


def _finish(rounding: Rounding) -> Kernel:
    return Kernel(
        op=RescaleSums,
        symbol=f"rescale_sums_s8_{rounding.value}",
        struct="rescale_sums_s8_args",
        header=HERE / "rescale_sums_s8.h",
        source=HERE / "rescale_sums_s8.c",
        pointers=("x", "multiplier", "shift", "y"),
        variant=rounds_as(rounding, wraps=True),
        fields=_finish_fields,
        items=output_rows,
        terms=ROWS,
        streaming=Streaming(inputs=(0,), block_axes=0),
        pack=widen_shifts,
    )


SUMS_S8 = (
    Kernel(
        op=QDenseSum,
        symbol="dense_sum_s8",
        struct="dense_sum_s8_args",
        header=HERE / "dense_sum_s8.h",
        source=HERE / "dense_sum_s8.c",
        pointers=("x", "w", "bias", "y"),
        fields=_dense_fields,
        items=output_rows,
        terms=Terms(("rows", "widened", *DOTS, "outputs"), _dense_terms),
        scratch_bytes=_row_bytes,
        includes=(HERE / "dot_sums_s8.h", HERE / "dot_s8.h", HERE / "requantise_s8.h"),
    ),
    Kernel(
        op=QConv2dSum,
        symbol="conv2d_sum_s8",
        struct="conv2d_sum_s8_args",
        header=HERE / "conv2d_sum_s8.h",
        source=HERE / "conv2d_sum_s8.c",
        pointers=("x", "w", "bias", "y"),
        fields=_conv2d_fields,
        items=output_rows,
        terms=Terms((*GATHERED, *DOTS, "outputs"), _conv2d_terms),
        scratch_bytes=_row_bytes,
        includes=tuple(
            HERE / name
            for name in (
                "conv2d_s8_core.h", "conv2d_s8.h", "dot_sums_s8.h", "dot_s8.h", "requantise_s8.h",
            )
        ),
    ),
    Kernel(
        op=QMatMulSum,
        symbol="matmul_sum_s8",
        struct="matmul_sum_s8_args",
        header=HERE / "matmul_sum_s8.h",
        source=HERE / "matmul_sum_s8.c",
        pointers=("a", "b", "y"),
        refuse=refuse_product,
        fields=_matmul_fields,
        items=output_rows,
        terms=Terms(MATMUL, matmul_terms),
        scratch_bytes=_depth_bytes,
        includes=tuple(
            HERE / name
            for name in (
                "matmul_s8_core.h", "matmul_s8.h", "broadcast.h", "dot_s8.h", "requantise_s8.h",
            )
        ),
    ),
    *map(_finish, ROUNDINGS),
)  # fmt: skip
