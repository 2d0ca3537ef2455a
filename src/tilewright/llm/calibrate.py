"""What activations are like on text that the model itself makes up, or on a given one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tilewright.ir.types import Array
from tilewright.llm.forward import Cache, Place, forward
from tilewright.llm.model import Llama

SEED = 7
TEXTS, LENGTH = 16, 256
FIRST_TOKEN = 1
"""BOS of the vocabularies that SentencePiece makes."""

ENOUGH_ROWS = 512
"""Sums of products in float32 over more of them would lose bits."""

INPUTS = (Place.ATTENTION_NORM, Place.MIXED, Place.MLP_NORM, Place.HIDDEN)
"""What the matrices of a layer read: q, k and v; o; gate and up; down."""

MULTIPLIED = (*INPUTS, Place.QKV)

STREAM = (Place.EMBEDDED, Place.ATTENDED, Place.LEFT)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the values that were seen.

    peaks    largest magnitude of every element, [elements], by place and layer
    moments  mean of products of elements, [elements, elements], float64, of what matrices read,
             and of queries, keys and values
    centres  mean of every element of turned keys, [kv_dim], by layer
    """

    peaks: Mapping[tuple[Place, int], Array]
    moments: Mapping[tuple[Place, int], Array]
    centres: tuple[Array, ...]

    def peak(self, place: Place, layer: int) -> float:
        """Of all elements."""
        return float(self.peaks[place, layer].max())

    @property
    def residual(self) -> float:
        """Largest magnitude of the stream, anywhere."""
        return max(float(p.max()) for (place, _), p in self.peaks.items() if place in STREAM)

    @property
    def logits(self) -> float:
        """Largest magnitude of a logit."""
        return max(float(p.max()) for (place, _), p in self.peaks.items() if place is Place.LOGITS)


@dataclass(slots=True)
class _Watcher:
    """Collects statistics while a model runs; rows wait until there are enough to multiply."""

    rows: int = 0
    peaks: dict[tuple[Place, int], Array] = field(default_factory=dict[tuple[Place, int], Array])
    sums: dict[tuple[Place, int], Array] = field(default_factory=dict[tuple[Place, int], Array])
    keys: dict[int, Array] = field(default_factory=dict[int, Array])
    waiting: dict[tuple[Place, int], list[Array]] = field(
        default_factory=dict[tuple[Place, int], list[Array]]
    )

    def watch(self, place: Place, layer: int, values: Array) -> None:
        """See a forward pass."""
        x, at = values.reshape(-1, values.shape[-1]), (place, layer)
        peak = np.abs(x).max(axis=0)
        self.peaks[at] = np.maximum(peak, self.peaks[at]) if at in self.peaks else peak
        if place is Place.LOGITS:
            self.rows += len(x)
        if place is Place.KEYS:
            total = x.sum(axis=0, dtype=np.float64)
            self.keys[layer] = self.keys[layer] + total if layer in self.keys else total
        if place in MULTIPLIED:
            waiting = self.waiting.setdefault(at, [])
            waiting.append(x)
            if len(waiting) * len(x) >= ENOUGH_ROWS:
                self._multiply(at)

    def _multiply(self, at: tuple[Place, int]) -> None:
        rows = np.concatenate(self.waiting.pop(at))
        added = (rows.T @ rows).astype(np.float64)
        self.sums[at] = added + self.sums[at] if at in self.sums else added

    def statistics(self) -> Statistics:
        """Of everything so far."""
        for at in tuple(self.waiting):
            self._multiply(at)
        moments = {at: total / self.rows for at, total in self.sums.items()}
        centres = tuple(total / self.rows for _, total in sorted(self.keys.items()))
        return Statistics(self.peaks, moments, centres)


def measured_on_itself(llama: Llama, texts: int = TEXTS, length: int = LENGTH) -> Statistics:
    """Statistics of texts that the model makes up (``sampled_texts`` with seed 7)."""
    watcher = _Watcher()
    _sample(llama, (texts, length), SEED, watcher)
    return watcher.statistics()


def measured_on(llama: Llama, texts: Sequence[Array]) -> Statistics:
    """Statistics of given texts [length], each from its beginning."""
    watcher = _Watcher()
    for text in texts:
        forward(llama, text[None], watch=watcher.watch)
    return watcher.statistics()


def sampled_texts(llama: Llama, texts: int, length: int, seed: int) -> Array:
    """Tokens [texts, length] that the model says at temperature 1, each text from BOS on.

    No longer than the model's context. The same for the same seed on one machine; the last bits of
    float32 sums may differ elsewhere, and with them a token here and there.
    """
    return _sample(llama, (texts, length), seed, _Watcher())


def _sample(llama: Llama, size: tuple[int, int], seed: int, watcher: _Watcher) -> Array:
    texts, length = size
    rng = np.random.default_rng(seed)
    token = np.full((texts, 1), min(FIRST_TOKEN, llama.shape.vocabulary - 1), np.int64)
    said, cache = [token], Cache.empty(llama.shape, texts)
    for _ in range(min(length, llama.shape.context) - 1):
        logits, cache = forward(llama, said[-1], cache, watcher.watch)
        # The largest of logits plus Gumbel noise is a sample of their softmax.
        said.append((logits[:, -1] + rng.gumbel(size=logits[:, -1].shape)).argmax(1)[:, None])
    return np.concatenate(said, axis=1)
