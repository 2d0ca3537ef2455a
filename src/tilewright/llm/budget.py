"""Which matrices get 8, 6 and 4 bits, where there is room for so many bytes only.

What a matrix loses is measured: the model in float32 with that matrix alone rounded, against the
model as it is, on text that it makes up. Losses are taken to add up. From 8 bits everywhere, the
step down that costs the least loss per byte is taken until everything fits; then what room is left
is given back, the largest gain first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tilewright.errors import CapacityError
from tilewright.ir.types import Array
from tilewright.llm.balance import GENTLE, balanced
from tilewright.llm.calibrate import Statistics, sampled_texts
from tilewright.llm.forward import forward
from tilewright.llm.model import Llama, LlamaLayer, LlamaShape
from tilewright.llm.quantise import rounded_matrix
from tilewright.llm.widths import (
    MATRICES,
    Widths,
    constant_bytes,
    same_widths,
)

CHOICES = (8, 6, 4)
TEXTS, LENGTH, SEED = 4, 96, 11
"""Of the text that losses are measured on: another one than calibration's."""

PARTS = {"qkv": ("q", "k", "v"), "o": ("o",), "gate_up": ("gate", "up"), "down": ("down",)}

At = tuple[int, str, int]
"""Layer, matrix, bits."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What a user wants of them: ``bits`` for all, or as few bytes as ``budget`` (all constants of
    the network) with bits chosen matrix by matrix."""

    bits: int = 8
    budget: int | None = None

    def widths(self, llama: Llama, seen: Statistics) -> Widths:
        """Of this model. Raises CapacityError where a budget is too small."""
        if self.budget is None:
            return same_widths(llama.shape.layers, self.bits)
        return widths_within(llama, seen, self.budget).widths


@dataclass(frozen=True, slots=True)
class BudgetChoice:
    """``size``: bytes of all constants; ``loss``: the sum of what the matrices lose, in nats of
    Kullback-Leibler divergence per token."""

    widths: Widths
    size: int
    loss: float


def widths_within(llama: Llama, seen: Statistics, budget: int) -> BudgetChoice:
    """The widths for ``budget`` bytes of constants.

    Raises CapacityError naming the fewest bytes where all of 4 bits is too large.
    """
    shape = llama.shape
    least = constant_bytes(shape, same_widths(shape.layers, CHOICES[-1]))
    if least > budget:
        raise CapacityError(
            f"--weights-budget {budget}: {llama.name} takes {least:,} B with 4 bits everywhere but "
            f"in the embedding, for a context of {shape.context}; give at least that, or a smaller "
            "--context"
        )
    widths = same_widths(shape.layers, CHOICES[0])
    if constant_bytes(shape, widths) <= budget:
        return BudgetChoice(widths, constant_bytes(shape, widths), 0.0)
    losses = _losses(llama, seen)
    while constant_bytes(shape, widths) > budget:
        widths = min(_steps(widths, down=True), key=lambda to: _price(shape, losses, widths, to))
    while fits := [
        to for to in _steps(widths, down=False)
        if constant_bytes(shape, to) <= budget and _total(losses, to) < _total(losses, widths)
    ]:  # fmt: skip
        widths = min(fits, key=lambda to: _total(losses, to))
    return BudgetChoice(widths, constant_bytes(shape, widths), _total(losses, widths))


def _steps(widths: Widths, *, down: bool) -> Iterator[Widths]:
    """All that differ in one matrix, which has fewer bits, or more."""
    for index, layer in enumerate(widths):
        for name in MATRICES:
            for bits in CHOICES:
                known = getattr(layer, name)
                if bits < known if down else bits > known:
                    changed = replace(layer, **{name: bits})
                    yield (*widths[:index], changed, *widths[index + 1 :])


def _price(
    shape: LlamaShape, losses: dict[At, float], widths: Widths, to: Widths
) -> tuple[float, int]:
    """Loss per byte that is saved; of equal ones the largest step."""
    saved = constant_bytes(shape, widths) - constant_bytes(shape, to)
    return (_total(losses, to) - _total(losses, widths)) / saved, -saved


def _total(losses: dict[At, float], widths: Widths) -> float:
    return sum(
        losses[index, name, getattr(layer, name)]
        for index, layer in enumerate(widths)
        for name in MATRICES
    )


def _losses(llama: Llama, seen: Statistics) -> dict[At, float]:
    """Of every matrix at every width: KL divergence per token, beyond what 8 bits have."""
    text = sampled_texts(llama, TEXTS, LENGTH, SEED)
    llama, seen = balanced(llama, seen, GENTLE)
    exact = _log_probabilities(llama, text)
    found: dict[At, float] = {}
    for index, layer in enumerate(llama.layers):
        for name in MATRICES:
            for bits in CHOICES:
                changed = _with_rounded(
                    layer, name, rounded_matrix(llama, seen, (index, name), bits)
                )
                layers = (*llama.layers[:index], changed, *llama.layers[index + 1 :])
                made = _log_probabilities(replace(llama, layers=layers), text)
                loss = float((np.exp(exact) * (exact - made)).sum(axis=-1).mean())
                found[index, name, bits] = loss
    return found


def _with_rounded(layer: LlamaLayer, name: str, matrix: Array) -> LlamaLayer:
    sizes = [len(getattr(layer, part)) for part in PARTS[name]]
    parts = np.split(matrix, np.cumsum(sizes)[:-1])
    return replace(layer, **dict(zip(PARTS[name], parts, strict=True)))


def _log_probabilities(llama: Llama, text: Array) -> Array:
    logits = forward(llama, text)[0].astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
