"""Bindings of matmul_xpulp_*.c: products of two tensors computed at run time."""

from dataclasses import replace
from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature
from tilewright.ops.matmul import QMatMul
from tilewright.targets.packs.portable.kernels.contract_variants import HERE as PORTABLE
from tilewright.targets.packs.portable.kernels.matmul import MATMUL_S8, refuse_product
from tilewright.targets.packs.xpulp.kernels.shared import (
    CALL,
    COMMON,
    CORES,
    DOT,
    HERE,
    MOST_PRODUCTS,
    round_up,
    shared_out,
)

MOST_BYTES = 8 << 10
"""Of one matrix: every core has a copy of it in its scratch."""


def _refuse(op: Op, signature: Signature) -> str | None:
    depth, columns = signature.inputs[0].shape[-1], signature.output.shape[-1]
    if depth > MOST_PRODUCTS:
        return f"{depth:,} products per sum, at most {MOST_PRODUCTS:,}"
    if depth * columns > MOST_BYTES:
        return f"a matrix of {depth * columns:,} B, at most {MOST_BYTES:,} B in each core's scratch"
    return refuse_product(op, signature)


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    depth, columns = signature.inputs[0].shape[-1], signature.output.shape[-1]
    whole = round_up(depth, 4)
    return round_up(columns, 4) * (whole + 4) + whole


def _cycles(op: Op, signature: Signature) -> int:
    del op
    depth, columns = signature.inputs[0].shape[-1], signature.output.shape[-1]
    rows, matrices = prod(signature.output.shape[:-1]), prod(signature.output.shape[:-2])
    groups, words = -(-columns // 4), -(-depth // 4)
    laid_out = max(matrices, min(rows, CORES)) * (groups * (30 * words + 60) + 60)
    return laid_out + shared_out(rows, 100 + groups * (9 * words + 95)) + 300 * CORES


def _xpulp(portable: Kernel) -> Kernel:
    symbol = portable.symbol.replace("matmul_s8", "matmul_xpulp")
    return replace(
        portable,
        symbol=symbol,
        header=HERE / "matmul_xpulp.h",
        source=HERE / "matmul_xpulp.c",
        refuse=_refuse,
        cycles=_cycles,
        terms=None,
        code_bytes=1500,
        scratch_bytes=_scratch_bytes,
        streaming=None,
        includes=(
            PORTABLE / "matmul_s8.h", PORTABLE / "broadcast.h", HERE / "dense_xpulp.h",
            HERE / "dense_xpulp_core.h", HERE / "dense_xpulp_asm.h", *DOT, *COMMON,
        ),
    )  # fmt: skip


SHORT, NARROW = 4, 16
"""Elements of a row and the shift of a product whose factors have sixteen bits."""


def _refuse_fours(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QMatMul)
    depth, columns = signature.inputs[0].shape[-1], signature.output.shape[-1]
    if depth % 4 or columns % 4:
        return f"rows of {depth} and {columns} elements; multiples of four are computed"
    if op.b_zero != 0:
        return f"zero point {op.b_zero} of the second operand"
    return _refuse(op, signature)


def _fours_scratch(op: Op, signature: Signature) -> int:
    assert isinstance(op, QMatMul)
    depth, columns = signature.inputs[0].shape[-1], signature.output.shape[-1]
    return columns * (4 if op.transposes_b else depth + 4)


def _fours_cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, QMatMul)
    depth, columns = signature.inputs[0].shape[-1], signature.output.shape[-1]
    rows, matrices = prod(signature.output.shape[:-1]), prod(signature.output.shape[:-2])
    if depth == SHORT and op.scale.shift == NARROW:
        return matrices * 200 + shared_out(rows, columns * 5) + CALL
    laid_out = max(matrices, min(rows, CORES)) * (150 + depth * columns * (not op.transposes_b))
    return laid_out + shared_out(rows, columns // 4 * (9 * depth // 4 + 34)) + 20 * rows + CALL


MATMUL_FOURS_XPULP = replace(
    MATMUL_S8[-1],
    symbol="matmul_fours_xpulp",
    header=HERE / "matmul_fours_xpulp.h",
    source=HERE / "matmul_fours_xpulp.c",
    refuse=_refuse_fours,
    cycles=_fours_cycles,
    terms=None,
    code_bytes=700,
    scratch_bytes=_fours_scratch,
    streaming=None,
    includes=(
        PORTABLE / "matmul_s8.h", PORTABLE / "broadcast.h", HERE / "xp_fours.h", *COMMON,
    ),
)  # fmt: skip
"""HALF_UP is the last of MATMUL_S8; for the dialect, whose products mostly have whole words."""

MATMUL_XPULP = (MATMUL_FOURS_XPULP, *map(_xpulp, MATMUL_S8))
