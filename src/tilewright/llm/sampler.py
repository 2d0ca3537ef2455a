"""The next token from logits, in integer arithmetic: greedy, temperature, top-k, top-p.

The definition. Generated firmware does the same in C (``runtime/llm/tw_sampler.c``) and is
compared with it. Probabilities are unnormalised integers ``2**(15 - z/256)``, where z is how far a
logit lies below the largest, in 256ths of an octave after division by the temperature; those below
1 are 0.
"""

from dataclasses import dataclass
from math import log

import numpy as np

from tilewright.errors import OptionError
from tilewright.ir.types import Array

ONE = 1 << 16
"""Temperatures and top-p count in 2**-16."""

OCTAVE_BITS = 20
"""Fractional bits of ``Sampling.octaves``."""

_WORD = (1 << 32) - 1
_FADED = 16 * 256
"""z from which a probability is 0."""

EXP2 = tuple(round(2 ** (15 - f / 256)) for f in range(256))
"""2**(15 - f/256), rounded: the mantissas of all probabilities."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose: see ``tw_sampler.h``. ``octaves`` comes from the scale of the logits."""

    octaves: int
    temperature: int = ONE
    top_p: int = 0
    top_k: int = 0

    @staticmethod
    def of(scale: float, temperature: float, top_p: float = 0.0, top_k: int = 0) -> "Sampling":
        """From real numbers; ``scale`` is what a logit of 1 means.

        Raises OptionError for what is out of range.
        """
        octaves = round(scale / log(2) * 256 * (1 << OCTAVE_BITS))
        if not 0 < octaves <= _WORD:
            raise OptionError(f"a scale of logits of {scale:g} is out of range; 1e-8 to 10 is not")
        if not 0 <= temperature <= 1000:
            raise OptionError(f"--temperature {temperature:g} is out of range; 0 to 1000 is not")
        if not 0 <= top_p <= 1:
            raise OptionError(f"--top-p {top_p:g} is out of range; 0 to 1 is not")
        if top_k < 0:
            raise OptionError(f"--top-k {top_k} is negative; 0 keeps all tokens")
        return Sampling(octaves, round(temperature * ONE), round(top_p * ONE), top_k)


def random_word(state: int) -> tuple[int, int]:
    """32 random bits and the next state: xorshift64*, upper half of the product."""
    state ^= state >> 12
    state = (state ^ (state << 25)) & ((1 << 64) - 1)
    state ^= state >> 27
    return (state * 0x2545F4914F6CDD1D >> 32) & _WORD, state


def seeded(seed: int) -> int:
    """The generator's first state: the seed, or 1 for 0, which the generator cannot leave."""
    return seed & ((1 << 64) - 1) or 1


def sample(logits: Array, sampling: Sampling, state: int) -> tuple[int, int]:
    """A token by its logit, int[count], and the generator's next state."""
    best = int(np.argmax(logits))
    if sampling.temperature == 0:
        return best, state
    distances = _distances(logits, sampling)
    likely_first = np.argsort(distances, kind="stable")  # equal ones: the lowest token first
    likely_first = likely_first[: sampling.top_k or len(logits)]
    weights = _weights(distances)
    if 0 < sampling.top_p < ONE:
        sums = np.cumsum(weights[likely_first].astype(np.uint64))
        enough = sums * ONE > sampling.top_p * sums[-1]
        likely_first = likely_first[: int(np.argmax(enough)) + 1]
    kept = np.zeros(len(logits), np.uint64)
    kept[likely_first] = weights[likely_first]
    word, state = random_word(state)
    threshold = word * int(kept.sum()) >> 32
    return int(np.argmax(np.cumsum(kept) > threshold)), state


def _distances(logits: Array, sampling: Sampling) -> Array:
    """z of every token, rounded half up; ``_FADED`` for all that have probability 0."""
    factor = min((sampling.octaves << 16) // sampling.temperature, _WORD)
    below = (int(logits.max()) - logits.astype(np.int64)).astype(np.uint64)
    half = np.uint64(1 << (OCTAVE_BITS - 1))
    z = (below * np.uint64(factor) + half) >> np.uint64(OCTAVE_BITS)
    return np.minimum(z, np.uint64(_FADED)).astype(np.int64)


def _weights(distances: Array) -> Array:
    table = np.array(EXP2, np.int64)
    weights = table[distances & 255] >> (distances >> 8)
    return np.where(distances < _FADED, weights, 0).astype(np.uint64)
