"""Kernels that exist once per rounding: functions of one file around a static inline one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.rescale import Rounding

HERE = Path(__file__).parent


def rounds_as(rounding: Rounding) -> Callable[[Op], str | None]:
    """The variant of a kernel for operators whose ``output`` rounds in one way."""

    def variant(op: Op) -> str | None:
        output = getattr(op, "output", None)
        assert output is not None, f"{op} does not say how it rounds; this is a bug in tilewright"
        actual = output.rounding
        if actual is rounding:
            return None
        return f"rounds as {rounding.value}, the operator as {actual.value}"

    return variant


def widen_shifts(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """Shifts (the last constant) as int32: requantisation then vectorises in one width."""
    del op
    *others, shift = constants
    assert shift is not None
    return (*others, shift.astype(np.int32))
