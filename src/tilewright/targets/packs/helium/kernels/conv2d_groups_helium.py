"""Bindings of conv2d_groups_helium_*.c: grouped convolution as an ungrouped one.

Weights of zero meet the other groups' channels: a vector of sixteen holds the channels of several
groups anyway, and a product costs a sixth of an instruction.
"""

from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Terms
from tilewright.ir.types import Array, TensorType
from tilewright.ops.conv2d import QConv2d
from tilewright.targets.packs.helium.kernels.conv2d_helium import CONV2D_HELIUM
from tilewright.targets.packs.helium.kernels.variants import HERE, ROUNDINGS
from tilewright.targets.packs.portable.kernels.refusals import above

MOST_GROUPS = 8
"""More would meet more zeros than they save."""

MOST_BYTES = 32 * 1024
"""Of weights with their zeros."""


def _as_one(op: Op, signature: Signature) -> tuple[QConv2d, Signature]:
    """The same layer with one group."""
    assert isinstance(op, QConv2d)
    x, w, *tables = signature.inputs
    wide = TensorType(w.dtype, (*w.shape[:3], w.shape[3] * op.groups))
    return replace(op, groups=1), Signature((x, wide, *tables), signature.output)


def _refuse(plain: Kernel, op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QConv2d)
    if op.groups == 1:
        return "channels are not in groups"
    alone, wide = _as_one(op, signature)
    return (
        plain.refuse(alone, wide)
        or above("the number of groups", op.groups, MOST_GROUPS)
        or above("the size of its weights with zeros", wide.inputs[1].size, MOST_BYTES)
    )


def _wide(w: Array, groups: int) -> Array:
    """w[O,KH,KW,C/groups] as [O,KH,KW,C], zero where an output does not read a channel."""
    outputs, rows, columns, own = w.shape
    wide = np.zeros((outputs, rows, columns, own * groups), np.int8)
    for output in range(outputs):
        first = output * groups // outputs * own
        wide[output, ..., first : first + own] = w[output]
    return wide


def _grouped(plain: Kernel, rounding: str) -> Kernel:
    """``plain``: the kernel of the same rounding for one group."""
    assert plain.terms is not None
    count = plain.terms.count

    def refuse(op: Op, signature: Signature) -> str | None:
        return _refuse(plain, op, signature)

    def pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
        assert isinstance(op, QConv2d)
        x, w, *tables = constants
        assert w is not None
        return plain.pack(replace(op, groups=1), (x, _wide(w, op.groups), *tables))

    def fields(op: Op, signature: Signature) -> Fields:
        return plain.fields(*_as_one(op, signature))

    def scratch_bytes(op: Op, signature: Signature) -> int:
        return plain.scratch_bytes(*_as_one(op, signature))

    def terms(op: Op, signature: Signature) -> tuple[int, ...]:
        return count(*_as_one(op, signature))

    return replace(
        plain,
        symbol=f"conv2d_groups_helium_{rounding}",
        source=HERE / f"conv2d_groups_helium_{rounding}.c",
        refuse=refuse,
        fields=fields,
        terms=Terms(plain.terms.names, terms),
        scratch_bytes=scratch_bytes,
        pack=pack,
    )


CONV2D_GROUPS_HELIUM = tuple(
    _grouped(plain, rounding.value)
    for plain, rounding in zip(CONV2D_HELIUM[: len(ROUNDINGS)], ROUNDINGS, strict=True)
)
