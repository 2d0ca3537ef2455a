"""How large activations get, on text that the model itself makes up, or on a given one."""

from dataclasses import dataclass, field

import numpy as np

from tilewright.ir.types import Array
from tilewright.llm.forward import Cache, Place, forward
from tilewright.llm.model import Llama

SEED = 7
TEXTS, LENGTH = 32, 256
FIRST_TOKEN = 1
"""BOS of the vocabularies that SentencePiece makes."""


@dataclass(slots=True)
class _Peaks:
    """Largest magnitudes, by place and layer."""

    found: dict[tuple[Place, int], float] = field(default_factory=dict[tuple[Place, int], float])

    def watch(self, place: Place, layer: int, values: Array) -> None:
        """See a forward pass."""
        peak = float(np.abs(values).max())
        self.found[place, layer] = max(peak, self.found.get((place, layer), 0.0))


@dataclass(frozen=True, slots=True)
class Ranges:
    """Largest magnitudes of what int16 holds with a fixed scale; per layer where a tuple."""

    residual: float
    qkv: tuple[float, ...]
    gate: tuple[float, ...]
    up: tuple[float, ...]
    logits: float


def sampled_texts(
    llama: Llama, texts: int = TEXTS, length: int = LENGTH, seed: int = SEED
) -> Array:
    """Tokens [texts, length] that the model says at temperature 1, each text from BOS on.

    No longer than the model's context. The same for the same seed on one machine; the last bits of
    float32 sums may differ elsewhere, and with them a token here and there.
    """
    rng = np.random.default_rng(seed)
    token = np.full((texts, 1), min(FIRST_TOKEN, llama.shape.vocabulary - 1), np.int64)
    said, cache = [token], Cache.empty(llama.shape, texts)
    for _ in range(min(length, llama.shape.context) - 1):
        logits, cache = forward(llama, said[-1], cache)
        # The largest of logits plus Gumbel noise is a sample of their softmax.
        said.append((logits[:, -1] + rng.gumbel(size=logits[:, -1].shape)).argmax(1)[:, None])
    return np.concatenate(said, axis=1)


def measured_ranges(llama: Llama, tokens: Array) -> Ranges:
    """What a forward pass over ``tokens`` [texts, length] reaches."""
    peaks = _Peaks()
    for text in tokens:
        forward(llama, text[None], watch=peaks.watch)
    found, layers = peaks.found, range(llama.shape.layers)
    streams = (Place.EMBEDDED, Place.ATTENDED, Place.LEFT)

    def per_layer(place: Place) -> tuple[float, ...]:
        return tuple(found[place, layer] for layer in layers)

    return Ranges(
        residual=max(peak for (place, _), peak in found.items() if place in streams),
        qkv=per_layer(Place.QKV),
        gate=per_layer(Place.GATE),
        up=per_layer(Place.UP),
        logits=found[Place.LOGITS, llama.shape.layers - 1],
    )
