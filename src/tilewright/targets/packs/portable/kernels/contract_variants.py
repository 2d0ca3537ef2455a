"""Kernels that exist once per rounding: functions of one file around a static inline one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.rescale import Rounding

HERE = Path(__file__).parent

ROUNDINGS = (Rounding.DOUBLE, Rounding.HALF_EVEN, Rounding.HALF_UP)
"""Those of which packs have a function each; WRAPPING is served by some of HALF_UP."""


def rounds_as(rounding: Rounding, *, wraps: bool = False) -> Callable[[Op], str | None]:
    """The variant of a kernel for operators whose ``output`` rounds in one way.

    wraps  whether a kernel for HALF_UP computes modulo 2**32 throughout: it serves WRAPPING, too
    """
    is_served = wraps and rounding is Rounding.HALF_UP
    served = (rounding, Rounding.WRAPPING) if is_served else (rounding,)

    def variant(op: Op) -> str | None:
        output = getattr(op, "output", None)
        assert output is not None, f"{op} does not say how it rounds; this is a bug in tilewright"
        actual = output.rounding
        if actual in served:
            return None
        return f"rounds as {rounding.value}, the operator as {actual.value}"

    return variant


def widen_shifts(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """Shifts (the last constant) as int32: requantisation then vectorises in one width."""
    del op
    *others, shift = constants
    assert shift is not None
    return (*others, shift.astype(np.int32))
