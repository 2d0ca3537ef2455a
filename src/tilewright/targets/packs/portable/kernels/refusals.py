"""The reasons that kernels share, in the words that a user reads after the kernel's name."""

from tilewright.ir.target import Signature
from tilewright.ir.types import DType


def wrong_types(signature: Signature, inputs: tuple[DType, ...], output: DType) -> str | None:
    """None if the element types are as given, else both lists."""
    have = tuple(t.dtype for t in signature.inputs)
    if have == inputs and signature.output.dtype is output:
        return None
    return (
        f"takes {_listed(inputs)} and makes {output}, "
        f"not {_listed(have)} and {signature.output.dtype}"
    )


def above(what: str, value: int, limit: int) -> str | None:
    """None if a value is within the kernel's limit."""
    return None if value <= limit else f"{what} is {value}, at most {limit}"


def _listed(dtypes: tuple[DType, ...]) -> str:
    return ", ".join(map(str, dtypes))
