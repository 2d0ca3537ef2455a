"""The C side's view of two broadcast operands: at most four dimensions, see broadcast.h."""

from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Signature, Terms
from tilewright.ir.types import Shape
from tilewright.targets.packs.terms import groups, runs

RANK = 4

BLOCK = 64
"""Elements of a row that kernels treat together."""


def broadcast_fields(op: Op, signature: Signature) -> dict[str, int]:
    """Members n1, n2, n3, a0..a3, b0..b3 of an argument struct, in that order."""
    del op
    a, b = signature.inputs[:2]
    extents, is_a_real, is_b_real = _merged(a.shape, b.shape, signature.output.shape)
    fields = {f"n{d}": extents[d] for d in range(1, RANK)}
    for name, is_real in (("a", is_a_real), ("b", is_b_real)):
        strides = _strides(extents, is_real)
        fields |= {f"{name}{d}": strides[d] for d in range(RANK)}
    return fields


def refuse_broadcast(signature: Signature) -> str | None:
    """Why the operands' shapes are beyond the kernel; None if they are not."""
    a, b = signature.inputs[:2]
    rank = len(_merged(a.shape, b.shape, signature.output.shape)[0])
    if rank <= RANK:
        return None
    return f"{a} and {b} broadcast in {rank} alternating dimensions, at most {RANK}"


def row_fields(op: Op, signature: Signature) -> dict[str, int]:
    """Members columns, a_rows, a_columns, b_rows, b_columns: operands over [rows][columns]."""
    fields = broadcast_fields(op, signature)
    return {
        "columns": fields["n3"],
        "a_rows": fields["a2"], "a_columns": fields["a3"],
        "b_rows": fields["b2"], "b_columns": fields["b3"],
    }  # fmt: skip


def refuse_beyond_rows(op: Op, signature: Signature) -> str | None:
    """Why [rows][columns] is not enough for the operands; None if it is."""
    too_many = refuse_broadcast(signature)
    if too_many is None and broadcast_fields(op, signature)["n1"] > 1:
        a, b = signature.inputs[:2]
        return f"{a} and {b} broadcast in more than two alternating dimensions"
    return too_many


def broadcast_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Counts for BROADCAST."""
    fields = broadcast_fields(op, signature)
    columns = fields["n3"]
    rows = signature.output.size // columns
    blocks = rows * groups(columns, BLOCK)
    repeated = blocks * ((fields["a3"] == 0) + (fields["b3"] == 0))
    return rows, blocks, *runs(rows, columns), repeated


BROADCAST = Terms(("rows", "blocks", "vectors", "rest", "repeated_blocks"), broadcast_terms)
"""Kernels of two operands over rows that each of them has or repeats."""


def _merged(a: Shape, b: Shape, out: Shape) -> tuple[list[int], list[bool], list[bool]]:
    """Extents of the fewest dimensions, at least RANK, and where each operand really has them."""
    dims: list[tuple[int, bool, bool]] = []
    long_a = (*[1] * (len(out) - len(a)), *a)
    long_b = (*[1] * (len(out) - len(b)), *b)
    for extent, in_a, in_b in zip(out, long_a, long_b, strict=True):
        kind = (in_a == extent, in_b == extent)
        if extent == 1:
            continue
        if dims and dims[-1][1:] == kind:
            dims[-1] = (dims[-1][0] * extent, *kind)
        else:
            dims.append((extent, *kind))
    dims = [(1, True, True)] * (RANK - len(dims)) + dims
    return [d[0] for d in dims], [d[1] for d in dims], [d[2] for d in dims]


def _strides(extents: list[int], is_real: list[bool]) -> list[int]:
    """Elements from one index to the next; 0 where the operand's one element is repeated."""
    own = [n if real else 1 for n, real in zip(extents, is_real, strict=True)]
    return [prod(own[d + 1 :]) if real else 0 for d, real in enumerate(is_real)]
