"""Two parties' tensors side by side: how many elements differ, by how much, and where first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf, log10

import numpy as np

from tilewright.ir.types import Array

FLOAT_TEXT = "1e-4"
FLOAT_ABSOLUTE = FLOAT_RELATIVE = float(FLOAT_TEXT)
"""Of the float32 contract: |difference| <= 1e-4 + 1e-4 * |reference|. See docs/numerics.md."""


class Tolerance(Enum):
    """What two parties promise each other about stored integers.

    Real numbers are compared as FLOAT_ABSOLUTE and FLOAT_RELATIVE say, or reported only.
    """

    EXACT = "equal"
    ONE_STEP = "within 1"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Pair:
    """One tensor as two parties have it. ``node`` is where it is made."""

    node: str
    tensor: str
    left: Array
    right: Array


@dataclass(frozen=True, slots=True)
class Difference:
    """One element on which two parties disagree."""

    node: str
    tensor: str
    index: tuple[int, ...]
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two parties on a list of tensors.

    kinds      which numbers the tensors hold: "integer", "real" or both
    differing  elements that are not equal; NaN equals nothing
    largest    largest |left - right|
    first      the first element, in order of nodes, that breaks the promise
    """

    left: str
    right: str
    what: str
    tolerance: Tolerance
    kinds: frozenset[str]
    tensors: int
    elements: int
    differing: int
    largest: float
    first: Difference | None

    @property
    def promise(self) -> str:
        """What must hold, in a few words: equal, within 1, within 1e-4."""
        if self.tolerance is Tolerance.REPORTED or "real" not in self.kinds:
            return self.tolerance.value
        if self.kinds == frozenset({"real"}):
            return f"within {FLOAT_TEXT}"
        return f"{self.tolerance.value} / {FLOAT_TEXT}"

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.first is None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the whole network's outputs are from the third party's.

    same_top  inferences whose largest element is the same one
    sqnr_db   signal-to-difference ratio over all inferences, in dB; inf where all are equal
    """

    output: str
    inferences: int
    same_top: int
    sqnr_db: float


def agreement(output: str, pairs: Sequence[Pair], zero_point: int) -> Agreement:
    """Compare one output of all inferences. Stored integers less ``zero_point`` are the signal."""
    same = sum(int(p.left.argmax() == p.right.argmax()) for p in pairs)
    left, right = (
        np.stack([array.astype(np.float64) - zero_point for array in arrays])
        for arrays in ([p.left for p in pairs], [p.right for p in pairs])
    )
    signal, noise = float((right**2).sum()), float(((left - right) ** 2).sum())
    ratio = inf if noise == 0 else 10 * log10(signal / noise) if signal else -inf
    return Agreement(output, len(pairs), same, ratio)


def compare(
    parties: tuple[str, str], what: str, pairs: Iterable[Pair], tolerance: Tolerance
) -> Comparison:
    """Compare pairs in the order given. ``right`` is the reference for relative tolerances."""
    tensors = elements = differing = 0
    largest, first, kinds = 0.0, None, set[str]()
    for pair in pairs:
        tensors += 1
        elements += pair.right.size
        kinds.add("real" if pair.right.dtype.kind == "f" else "integer")
        if pair.left.shape != pair.right.shape:
            first = first or _shapes_differ(pair)
            differing += pair.right.size
            continue
        left, right = pair.left.astype(np.float64), pair.right.astype(np.float64)
        with np.errstate(invalid="ignore"):  # inf - inf, which is equal
            distance = np.where(left == right, 0.0, np.abs(left - right))
        is_off = ~(distance <= _allowed(pair.right, right, tolerance))
        differing += int(np.count_nonzero(~(left == right)))
        largest = max(largest, float(np.nan_to_num(distance, nan=np.inf).max(initial=0.0)))
        if first is None and is_off.any():
            index = tuple(int(i) for i in np.argwhere(is_off)[0])
            first = Difference(
                pair.node, pair.tensor, index, float(left[index]), float(right[index])
            )
    return Comparison(
        *parties, what, tolerance, frozenset(kinds), tensors, elements, differing, largest, first
    )


def _shapes_differ(pair: Pair) -> Difference:
    named = f"{pair.tensor} (shape {list(pair.left.shape)} against {list(pair.right.shape)})"
    return Difference(pair.node, named, (), float(pair.left.size), float(pair.right.size))


def _allowed(stored: Array, reference: Array, tolerance: Tolerance) -> Array:
    """Largest |difference| per element that keeps the promise."""
    if tolerance is Tolerance.REPORTED:
        return np.full(reference.shape, np.inf)
    if stored.dtype.kind == "f":
        return FLOAT_ABSOLUTE + FLOAT_RELATIVE * np.abs(reference)
    return np.full(reference.shape, 1.0 if tolerance is Tolerance.ONE_STEP else 0.0)
