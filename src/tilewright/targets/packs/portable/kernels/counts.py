"""How much work a call is, where several kernels count alike."""

from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Signature


def no_fields(op: Op, signature: Signature) -> Fields:
    """The argument struct holds pointers only."""
    del op, signature
    return {}


def output_elements(op: Op, signature: Signature) -> int:
    """One work item per output element."""
    del op
    return signature.output.size


def output_rows(op: Op, signature: Signature) -> int:
    """One work item per row of the last dimension: for NHWC, per output pixel."""
    del op
    return prod(signature.output.shape[:-1])
