"""Bindings of dense_helium_*.c."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Terms
from tilewright.ir.types import Array
from tilewright.ops.dense import QDense
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.helium.kernels.variants import HERE, ROUNDINGS
from tilewright.targets.packs.helium.kernels.weights import (
    interleave,
    per_channel,
    products,
    vector_shifts,
)
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.terms import groups

ROWS = 4
"""Weight rows that meet an input row at once."""

BLOCK = 32
"""Output channels whose sums wait for requantisation."""


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDense)
    out_c, in_c = signature.inputs[1].shape
    return {
        "in_c": in_c, "out_c": out_c,
        "w_zero": op.w_zero, "y_zero": op.output.zero, "low": op.output.low, "high": op.output.high,
        "table_step": ROWS if signature.inputs[3].size > 1 else 0,
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    return signature.output.size // signature.output.shape[-1]


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    assert isinstance(op, QDense)
    x, w, bias, multiplier, shift = products(constants)
    scales = len(w) if multiplier.size > 1 else ROWS
    return (
        x,
        interleave(w, ROWS, rest_apart=False),
        per_channel(bias, len(w)),
        per_channel(multiplier, scales),
        per_channel(vector_shifts(shift, op.output.rounding), scales),
    )


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QDense)
    rows, (out_c, in_c) = _items(op, signature), signature.inputs[1].shape
    fours = rows * groups(out_c, ROWS)
    is_signed, is_centred = op.output.low < op.output.zero, op.w_zero != 0
    return (
        rows, rows * groups(out_c, BLOCK), fours, fours * groups(in_c, 16), fours * is_signed,
        rows * groups(in_c, 16) * is_centred, fours * is_centred,
    )  # fmt: skip


TERMS = Terms(
    (
        "rows", "blocks", "fours", "vectors", "signed_fours", "centred_vectors", "centred_fours",
    ),
    _terms,
)  # fmt: skip


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QDense,
        symbol=f"dense_helium_{rounding.value}",
        struct="dense_helium_args",
        header=HERE / "dense_helium.h",
        source=HERE / f"dense_helium_{rounding.value}.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding),
        fields=_fields,
        items=_items,
        terms=TERMS,
        includes=(
            HERE / "dense_helium_core.h",
            HERE / "helium_rescale.h",
            HERE / "row_sum_helium.h",
        ),
        pack=_pack,
    )


DENSE_HELIUM = tuple(map(_kernel, ROUNDINGS))
