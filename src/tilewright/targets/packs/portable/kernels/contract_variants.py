"""Kernels that exist once per rounding: one source file each around a shared core header."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ir.types import Array
from tilewright.ops.rescale import Rounding

HERE = Path(__file__).parent

Refuse = Callable[[Op, Signature], str | None]


def variant_source(kernel: str, rounding: Rounding) -> Path:
    """The source file of ``kernel`` for one rounding: conv2d_s8_double.c."""
    return HERE / f"{kernel}_{rounding.value}.c"


def refuse_unless(kind: type[Op], rounding: Rounding) -> Refuse:
    """A kernel for operators of one class whose ``output`` rounds in one way."""

    def refuse(op: Op, signature: Signature) -> str | None:
        del signature
        if not isinstance(op, kind):
            return f"not a {kind.__name__} but a {type(op).__name__}"
        output = getattr(op, "output", None)
        actual = output.rounding if output is not None else None
        if actual is not rounding:
            return f"rounds as {rounding.value}, the operator as {actual.value if actual else '?'}"
        return None

    return refuse


def widen_shifts(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """Shifts (the last constant) as int32: requantisation then vectorises in one width."""
    del op
    *others, shift = constants
    assert shift is not None
    return (*others, shift.astype(np.int32))
