"""Bindings of pad_s8 and pad_f32."""

from math import prod
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import DType, Shape
from tilewright.ops.layout import Pad
from tilewright.targets.packs.portable.kernels.refusals import above, wrong_types
from tilewright.targets.packs.terms import runs

HERE = Path(__file__).parent
RANK = 6


def merged(op: Pad, shape: Shape) -> tuple[tuple[int, int, int], ...]:
    """(extent of y, border before x, extent of x) after joining unpadded dimensions outwards."""
    dims: list[tuple[int, int, int]] = []
    for before, extent, after in zip(op.before, shape, op.after, strict=True):
        if dims and before == after == 0:
            dims[-1] = (dims[-1][0] * extent, dims[-1][1] * extent, dims[-1][2] * extent)
        else:
            dims.append((before + extent + after, before, extent))
    return tuple(dims)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Pad)
    dims = merged(op, signature.inputs[0].shape)
    dims = ((1, 0, 1),) * (RANK - len(dims)) + dims
    fields: dict[str, int | float] = {}
    for index, name in enumerate(("out", "before", "in")):
        fields |= {f"{name}{d}": dim[index] for d, dim in enumerate(dims)}
    is_real = signature.output.dtype.is_float
    return fields | {"value": float(op.value) if is_real else int(op.value)}


def _items(op: Op, signature: Signature) -> int:
    fields = _fields(op, signature)
    return prod(int(fields[f"out{d}"]) for d in range(RANK - 1))


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    fields, rows = _fields(op, signature), _items(op, signature)
    copied = prod(int(fields[f"in{d}"]) for d in range(RANK - 1))
    return rows, copied, *runs(rows, int(fields["out5"]))


def _pad(dtype: DType) -> Kernel:
    symbol = f"pad_{dtype}"

    def refuse(op: Op, signature: Signature) -> str | None:
        assert isinstance(op, Pad)
        rank = len(merged(op, signature.inputs[0].shape))
        types = wrong_types(signature, (dtype,), dtype)
        return types or above("rank after merging dimensions", rank, RANK)

    return Kernel(
        op=Pad,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "pad.h",
        source=HERE / f"{symbol}.c",
        pointers=("x", "y"),
        refuse=refuse,
        fields=_fields,
        items=_items,
        terms=Terms(("rows", "copied_rows", "vectors", "rest"), _terms),
        streaming=Streaming(inputs=(0,), block_axes=0),
        includes=(HERE / "pad_core.h",),
    )


PAD_S8 = _pad(DType.S8)
PAD_F32 = _pad(DType.F32)
