"""Bindings of matmul_helium_*.c."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ops.matmul import QMatMul
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.helium.kernels.scalar import refuse_scale, scalar_fields
from tilewright.targets.packs.helium.kernels.variants import HERE, ROUNDINGS
from tilewright.targets.packs.helium.kernels.weights import LANES, round_up
from tilewright.targets.packs.portable.kernels.contract_variants import HERE as PORTABLE
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.matmul import product_geometry, refuse_product
from tilewright.targets.packs.portable.kernels.refusals import above
from tilewright.targets.packs.terms import groups

MOST_DEPTH = 9362
"""Seven times this is the farthest that a lane of 16 bits reaches."""


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QMatMul)
    depth = signature.inputs[0].shape[-1]
    return (
        refuse_product(op, signature)
        or refuse_scale(op.scale, op.output)
        or above("the length of a sum", depth, MOST_DEPTH)
    )


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QMatMul)
    zeros = {"a_zero": op.a_zero, "b_zero": op.b_zero, "y_zero": op.output.zero}
    return product_geometry(op, signature) | zeros | scalar_fields(op.scale, op.output)


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QMatMul)
    columns, depth = signature.output.shape[-1], signature.inputs[0].shape[-1]
    return 2 * 4 * round_up(columns, 4) + (0 if op.transposes_b else round_up(columns * depth, 4))


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Every matrix of b is looked at once, as far as leading dimensions do not repeat it."""
    assert isinstance(op, QMatMul)
    items, (rows, columns) = output_rows(op, signature), signature.output.shape[-2:]
    depth = signature.inputs[0].shape[-1]
    matrices, vectors, fours = items // rows, groups(depth, LANES), items * groups(columns, 4)
    turned = 0 if op.transposes_b else matrices * groups(columns, 8)
    return (
        items, matrices, matrices * columns, matrices * columns * (op.a_zero != 0),
        matrices * columns * vectors * (op.a_zero != 0), turned, turned * depth,
        items * (op.b_zero != 0), items * vectors * (op.b_zero != 0), fours, fours * vectors,
    )  # fmt: skip


TERMS = Terms(
    (
        "rows", "matrices", "columns", "summed_columns", "column_vectors", "turned", "turned_rows",
        "summed_rows", "row_vectors", "fours", "vectors",
    ),
    _terms,
)  # fmt: skip


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QMatMul,
        symbol=f"matmul_helium_{rounding.value}",
        struct="matmul_helium_args",
        header=HERE / "matmul_helium.h",
        source=HERE / f"matmul_helium_{rounding.value}.c",
        pointers=("a", "b", "y"),
        variant=rounds_as(rounding),
        refuse=_refuse,
        fields=_fields,
        items=output_rows,
        terms=TERMS,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(
            HERE / "matmul_helium_core.h",
            PORTABLE / "broadcast.h",
            HERE / "helium_rescale.h",
            HERE / "helium_scalar.h",
            HERE / "row_sum_helium.h",
        ),
    )


MATMUL_HELIUM = tuple(map(_kernel, ROUNDINGS))
