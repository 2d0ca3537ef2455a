"""Bindings of concat2 .. concat8, one per number of inputs."""

from math import prod
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ops.layout import Concat
from tilewright.targets.packs.terms import runs

HERE = Path(__file__).parent


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Concat)
    return {
        f"bytes{i}": t.dtype.nbytes * prod(t.shape[op.axis :])
        for i, t in enumerate(signature.inputs)
    }


def _items(op: Op, signature: Signature) -> int:
    assert isinstance(op, Concat)
    return prod(signature.output.shape[: op.axis])


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    rows, fields = _items(op, signature), _fields(op, signature)
    moved = [runs(rows, int(size)) for size in fields.values()]
    return rows * len(moved), sum(v for v, _ in moved), sum(r for _, r in moved)


def _concat(inputs: int) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        del op
        if len(signature.inputs) != inputs:
            return f"joins {inputs} inputs, not {len(signature.inputs)}"
        return None

    return Kernel(
        op=Concat,
        symbol=f"concat{inputs}",
        struct=f"concat{inputs}_args",
        header=HERE / "concat.h",
        source=HERE / "concat.c",
        pointers=(*(f"x{i}" for i in range(inputs)), "y"),
        refuse=refuse,
        fields=_fields,
        items=_items,
        terms=Terms(("pieces", "vectors", "rest"), _terms),
        streaming=Streaming(inputs=tuple(range(inputs)), block_axes=0),
        includes=(HERE / "concat_core.h",),
    )


CONCAT: tuple[Kernel, ...] = tuple(_concat(inputs) for inputs in range(2, 9))
