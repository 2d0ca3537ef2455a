"""How often a network is right, and how much noise its integers make, layer by layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log10

import numpy as np

from tilewright.errors import OptionError
from tilewright.ir.types import Array

LABEL_NAMES = ("y", "labels", "label", "targets")
"""Arrays that are taken for labels where nobody names one."""


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Of the inferences with one label: how many there are, how many are right."""

    label: int
    samples: int
    correct: int


@dataclass(frozen=True, slots=True)
class Noise:
    """One tensor against its reference.

    signal, noise  sums of squares over all inferences; of the reference, of the difference
    """

    name: str
    what: str
    signal: float
    noise: float

    @property
    def sqnr_db(self) -> float:
        """Signal-to-noise ratio; inf where there is no noise."""
        if self.noise == 0:
            return inf
        return 10 * log10(self.signal / self.noise) if self.signal else -inf


def labels_name(arrays: Mapping[str, Array], wanted: str | None) -> str | None:
    """The array of labels; None where there is none and nobody asks for any. Raises OptionError."""
    if wanted is None:
        return next((known for known in LABEL_NAMES if known in arrays), None)
    if wanted not in arrays:
        raise OptionError(f"--labels {wanted}: the file has {', '.join(arrays) or 'nothing'}")
    return wanted


def labels_of(name: str, array: Array, inferences: int) -> Array:
    """One integer per inference. Raises OptionError where it is something else."""
    if array.dtype.kind not in "iu" or array.size != inferences:
        raise OptionError(
            f"labels {name}: {array.dtype.name}{list(array.shape)} for {inferences} inferences; "
            "one integer for each is wanted"
        )
    return array.reshape(-1).astype(np.int64)


def class_scores(output: Array, labels: Array) -> tuple[ClassScore, ...]:
    """By label, ascending. ``output``: [inferences, ...]; the largest element is the answer.

    Raises OptionError where a label is none of the output's elements.
    """
    flat = output.reshape(len(output), -1)
    if labels.min(initial=0) < 0 or labels.max(initial=0) >= flat.shape[1]:
        raise OptionError(
            f"labels from {labels.min()} to {labels.max()}; the output has {flat.shape[1]} "
            f"elements, 0 to {flat.shape[1] - 1}"
        )
    is_right = flat.argmax(axis=1) == labels
    return tuple(
        ClassScore(int(label), int((labels == label).sum()), int(is_right[labels == label].sum()))
        for label in np.unique(labels)
    )


def noise_of(name: str, what: str, pairs: Sequence[tuple[Array, Array]]) -> Noise:
    """``pairs``: (what is computed, reference), one per inference."""
    signal = sum(float((reference.astype(np.float64) ** 2).sum()) for _, reference in pairs)
    noise = sum(
        float(((made.astype(np.float64) - reference.astype(np.float64)) ** 2).sum())
        for made, reference in pairs
    )
    return Noise(name, what, signal, noise)
