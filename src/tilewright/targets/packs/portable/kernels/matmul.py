"""Bindings of matmul_s8_*.c and matmul_f32.c: products of two tensors computed at run time."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import DType, TensorType
from tilewright.ops.matmul import MatMul, QMatMul, QMatMulSum
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.broadcast import broadcast_fields, refuse_broadcast
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    ROUNDINGS,
    rounds_as,
)
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import groups, runs

ROWS = 4
"""DOT_PATCHES of dot_s8.h."""


def _leading(signature: Signature) -> Signature:
    """The dimensions before the matrices, as tensors of their own."""
    a, b, y = (TensorType(t.dtype, t.shape[:-2]) for t in (*signature.inputs[:2], signature.output))
    return Signature((a, b), y)


def product_geometry(op: Op, signature: Signature) -> dict[str, int]:
    """Members n1 .. b3, rows, depth, columns, transposes_b of an argument struct, in that order."""
    assert isinstance(op, MatMul | QMatMul | QMatMulSum)
    rows, columns = signature.output.shape[-2:]
    return broadcast_fields(op, _leading(signature)) | {
        "rows": rows, "depth": signature.inputs[0].shape[-1], "columns": columns,
        "transposes_b": int(op.transposes_b),
    }  # fmt: skip


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QMatMul)
    return product_geometry(op, signature) | {
        "a_zero": op.a_zero, "b_zero": op.b_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "multiplier": op.scale.multiplier, "shift": op.scale.shift,
    }  # fmt: skip


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    return 2 * min(ROWS, signature.output.shape[-2]) * signature.inputs[0].shape[-1]


def matmul_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Counts for MATMUL. Rows of b meet x as dot products; of columns, 32 are summed at once."""
    assert isinstance(op, MatMul | QMatMul | QMatMulSum)
    rows, columns, depth = (
        output_rows(op, signature), signature.output.shape[-1], signature.inputs[0].shape[-1]
    )  # fmt: skip
    outputs = rows * columns
    if op.transposes_b:
        along, down = (rows * (columns // 4), *runs(outputs, depth)), (0, 0, 0)
    else:
        along = 0, 0, 0
        down = (
            rows * groups(columns, 32),
            rows * depth * (columns // 32),
            rows * depth * (columns % 32),
        )
    return rows, rows * depth, *along, *down, outputs


MATMUL = (
    "rows", "centred", "quads", "dot_vectors", "dot_rest", "column_blocks", "block_products",
    "rest_products", "outputs",
)  # fmt: skip


def _f32_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, MatMul)
    rows, columns = output_rows(op, signature), signature.output.shape[-1]
    products = op.macs(*signature.inputs)
    return (
        rows, rows * groups(columns, 8), products * (not op.transposes_b),
        products * op.transposes_b, rows * columns,
    )  # fmt: skip


def refuse_product(op: Op, signature: Signature) -> str | None:
    """Why leading dimensions are beyond the kernel; None if they are not."""
    del op
    return refuse_broadcast(_leading(signature))


def _refuse_f32(op: Op, signature: Signature) -> str | None:
    return wrong_types(signature, (DType.F32,) * 2, DType.F32) or refuse_product(op, signature)


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QMatMul,
        symbol=f"matmul_s8_{rounding.value}",
        struct="matmul_s8_args",
        header=HERE / "matmul_s8.h",
        source=HERE / "matmul_s8.c",
        pointers=("a", "b", "y"),
        variant=rounds_as(rounding, wraps=True),
        refuse=refuse_product,
        fields=_fields,
        items=output_rows,
        terms=Terms(MATMUL, matmul_terms),
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=tuple(
            HERE / name
            for name in (
                "matmul_s8_core.h",
                "broadcast.h",
                "dot_s8.h",
                "quick_loops.h",
                "requantise_s8.h",
            )
        ),
    )


MATMUL_S8 = tuple(map(_kernel, ROUNDINGS))

MATMUL_F32 = Kernel(
    op=MatMul,
    symbol="matmul_f32",
    struct="matmul_f32_args",
    header=HERE / "matmul_f32.h",
    source=HERE / "matmul_f32.c",
    pointers=("a", "b", "y"),
    refuse=_refuse_f32,
    fields=product_geometry,
    items=output_rows,
    terms=Terms(("rows", "blocks", "products", "products_across", "outputs"), _f32_terms),
    includes=(HERE / "broadcast.h",),
)
