"""Bindings of matmul_s8_*.c and matmul_f32.c: products of two tensors computed at run time."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType, TensorType
from tilewright.ops.matmul import MatMul, QMatMul, QMatMulSum
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.broadcast import broadcast_fields, refuse_broadcast
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    rounds_as,
)
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import wrong_types

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


def _cycles(op: Op, signature: Signature) -> int:
    a, y = signature.inputs[0], signature.output
    return op.macs(*signature.inputs) + a.size + 12 * y.size + 40 * output_rows(op, signature)


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
        variant=rounds_as(rounding),
        refuse=refuse_product,
        fields=_fields,
        items=output_rows,
        cycles=_cycles,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=tuple(
            HERE / name
            for name in ("matmul_s8_core.h", "broadcast.h", "dot_s8.h", "requantise_s8.h")
        ),
    )


MATMUL_S8 = tuple(map(_kernel, Rounding))

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
    cycles=lambda op, signature: 40 * output_rows(op, signature) + 4 * op.macs(*signature.inputs),
    includes=(HERE / "broadcast.h",),
)
