"""Bindings of transpose_8, transpose_16 and transpose_32."""

from dataclasses import replace
from math import prod
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Shape
from tilewright.ops.layout import Transpose
from tilewright.targets.packs.portable.kernels.refusals import above
from tilewright.targets.packs.terms import runs

HERE = Path(__file__).parent
RANK = 6


def merged(shape: Shape, perm: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(extent, input stride) of each output dimension, after merging what stays together."""
    dims: list[tuple[int, int]] = []
    for d in perm:
        extent, stride = shape[d], prod(shape[d + 1 :])
        if extent == 1:
            continue
        if dims and dims[-1][1] == extent * stride:
            dims[-1] = (dims[-1][0] * extent, stride)
        else:
            dims.append((extent, stride))
    return tuple(dims)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Transpose)
    dims = merged(signature.inputs[0].shape, op.perm)
    dims = ((1, 0),) * (RANK - len(dims)) + (dims or ((1, 1),))
    dims = dims[-RANK:]
    extents = {f"n{d}": extent for d, (extent, _) in enumerate(dims)}
    return extents | {f"s{d}": stride for d, (_, stride) in enumerate(dims)}


def _items(op: Op, signature: Signature) -> int:
    return signature.output.size // int(_fields(op, signature)["n5"])


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """A row whose elements lie together is copied as bytes, another one element by element."""
    fields, rows = _fields(op, signature), _items(op, signature)
    if fields["s5"] != 1:
        return rows, 0, 0, 0, signature.output.size
    return rows, rows, *runs(rows, int(fields["n5"]) * signature.output.dtype.nbytes), 0


def _transpose(element_bytes: int) -> Kernel:
    symbol = f"transpose_{8 * element_bytes}"

    def refuse(op: Op, signature: Signature) -> str | None:
        assert isinstance(op, Transpose)
        x = signature.inputs[0]
        if x.dtype.nbytes != element_bytes:
            return f"moves elements of {8 * element_bytes} bits, {x} has {8 * x.dtype.nbytes}"
        return above("rank after merging dimensions", len(merged(x.shape, op.perm)), RANK)

    return Kernel(
        op=Transpose,
        symbol=symbol,
        struct="transpose_args",
        header=HERE / "transpose.h",
        source=HERE / "transpose.c",
        pointers=("x", "y"),
        refuse=refuse,
        fields=_fields,
        items=_items,
        terms=Terms(("rows", "copied_rows", "vectors", "rest", "scattered"), _terms),
        streaming=Streaming(inputs=(0,), block_axes=0),
    )


TRANSPOSE_8 = _transpose(1)
TRANSPOSE_16 = replace(_transpose(2), terms=None)
TRANSPOSE_32 = _transpose(4)
