"""What became of a case, and how results are compared with what the standard demands."""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from tilewright.conformance.cases import NodeCase
from tilewright.ir.types import Array, TensorType

STEPS = {"bfloat16": 2.0**-6}
"""Relative size of two steps of the format, where a case's own tolerance is below it: the
reference rounds after every operator, and networks here once, at the end."""


class Result(Enum):
    """The three columns of the table."""

    PASSED = "passed"
    REFUSED = "refused"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case on one target.

    kind       "float": the case as it is; "int8": its quantised version
    operators  of the model's nodes
    reason     why it was refused, or what differs; for a passed case which inputs were constants
    """

    name: str
    kind: str
    target: str
    operators: tuple[str, ...]
    result: Result
    reason: str = ""

    @property
    def family(self) -> str:
        """The operator; models of several nodes are one family."""
        return self.operators[0] if len(self.operators) == 1 else "several operators"

    def but(self, result: Result, reason: str) -> "Outcome":
        """The same case with another result."""
        return replace(self, result=result, reason=reason)


def stored_input(array: Array, wanted: TensorType) -> Array | None:
    """A case's array as the network takes it; None where its values cannot be stored so."""
    with np.errstate(all="ignore"):
        stored = array.astype(wanted.dtype.numpy)
    if array.dtype.kind in "iub" and not np.array_equal(
        stored.astype(object), array.astype(object)
    ):
        return None
    return np.ascontiguousarray(stored).reshape(wanted.shape)


ROUNDING = 2.0**-22
"""Of the greatest result: where a sum is zero, what float32 leaves of terms of that size."""


def _greatest(array: Array) -> float:
    """The magnitude of the greatest finite element."""
    finite = np.abs(array[np.isfinite(array)])
    return float(finite.max(initial=0.0))


def difference(case: NodeCase, index: int, actual: Array) -> str:
    """How an output differs from what the case demands; empty where it does not."""
    expected = case.outputs[index]
    assert expected is not None
    if tuple(actual.shape) != tuple(expected.shape):
        return f"output {index} has shape {list(actual.shape)}, not {list(expected.shape)}"
    if expected.dtype == np.int8 and case.atol >= 1:  # an int8 version: so many steps
        apart = np.abs(expected.astype(np.int64) - actual.astype(np.int64)) > case.atol
    elif expected.dtype.kind in "iub":
        apart = expected.astype(np.int64) != actual.astype(np.int64)
    else:
        want, have = expected.astype(np.float64), actual.astype(np.float64)
        rtol = max(case.rtol, STEPS.get(expected.dtype.name, 0.0))
        with np.errstate(all="ignore"):
            atol = max(case.atol, ROUNDING * _greatest(want))
            apart = ~np.isclose(have, want, rtol=rtol, atol=atol, equal_nan=True)
    if not apart.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(apart)[0])
    return (
        f"output {index}: {int(apart.sum())} of {apart.size} elements differ, at {list(at)} "
        f"{actual[at]} instead of {expected[at]}"
    )
