"""Bindings of mapped_mul_s8 and mapped_concat_s8: tables inside their readers."""

from math import prod
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.mapped_pulp import MappedConcat, MappedMul
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.counts import output_elements

HERE = Path(__file__).parent


def refuse_mul(op: Op, signature: Signature) -> str | None:
    """Why the product rounds in another way; None where it does not."""
    del signature
    assert isinstance(op, MappedMul)
    rounding = op.product.output.rounding
    is_up = rounding in (Rounding.HALF_UP, Rounding.WRAPPING)
    return None if is_up else f"rounds half up, the operator as {rounding.value}"


def _mul_fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, MappedMul)
    product, output = op.product, op.product.output
    return {
        "a_zero": product.a_zero, "b_zero": product.b_zero, "y_zero": output.zero,
        "low": output.low, "high": output.high,
        "multiplier": product.scale.multiplier, "shift": product.scale.shift,
    }  # fmt: skip


def _concat_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, MappedConcat)
    x, new = signature.inputs[:2]
    return {"bytes0": prod(x.shape[op.axis :]), "bytes1": prod(new.shape[op.axis :])}


def _concat_rows(op: Op, signature: Signature) -> int:
    assert isinstance(op, MappedConcat)
    return prod(signature.output.shape[: op.axis])


def _mul_cycles(op: Op, signature: Signature) -> int:
    del op
    return 50 + 14 * signature.output.size


def _concat_cycles(op: Op, signature: Signature) -> int:
    x, new = signature.inputs[:2]
    return 50 + 30 * _concat_rows(op, signature) + x.size + 6 * new.size


MAPPED_MUL_S8 = Kernel(
    op=MappedMul,
    symbol="mapped_mul_s8",
    struct="mapped_mul_s8_args",
    header=HERE / "mapped_s8.h",
    source=HERE / "mapped_s8.c",
    pointers=("a", "table", "b", "y"),
    refuse=refuse_mul,
    fields=_mul_fields,
    items=output_elements,
    cycles=_mul_cycles,
    tables=frozenset({1}),
)

MAPPED_CONCAT_S8 = Kernel(
    op=MappedConcat,
    symbol="mapped_concat_s8",
    struct="mapped_concat_s8_args",
    header=HERE / "mapped_s8.h",
    source=HERE / "mapped_s8.c",
    pointers=("x", "added", "table", "y"),
    fields=_concat_fields,
    items=_concat_rows,
    cycles=_concat_cycles,
    tables=frozenset({2}),
)
