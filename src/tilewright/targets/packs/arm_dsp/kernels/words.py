"""Terms of kernels that work on words of four bytes."""

from tilewright.ir.op import Op
from tilewright.ir.target import Signature, Terms
from tilewright.ops.requantise import Requantise
from tilewright.targets.packs.portable.kernels.broadcast import broadcast_fields


def is_clipped(output: Requantise) -> bool:
    """Whether a pass over the output follows, see dsp_clip."""
    return (output.low, output.high) != (-128, 127)


def _fours(op: Op, signature: Signature) -> tuple[int, ...]:
    del op
    return signature.output.size // 4, signature.output.size % 4


def _broadcast(op: Op, signature: Signature) -> tuple[int, ...]:
    fields = broadcast_fields(op, signature)
    columns = fields["n3"]
    rows = signature.output.size // columns
    repeated = rows * ((fields["a3"] == 0) + (fields["b3"] == 0))
    return rows, rows * (columns // 4), rows * (columns % 4), repeated


FOURS = Terms(("fours", "rest"), _fours)
"""Kernels that treat every element of the output alike."""

BROADCAST = Terms(("rows", "fours", "rest", "repeated_rows"), _broadcast)
"""Kernels of two operands over rows that each of them has or repeats."""
