"""Llamas of known shapes with drawn weights, and vocabularies for them that no text was seen for.

Sources: ``tinyllama-v0``: the configuration of Maykeye/TinyLLama-v0, a published model of stories;
``tw-4.2m``: our own, whose widths of 240 and 504 are just below multiples of what N-EUREKA reads at
once (252).
"""

from collections.abc import Mapping

import numpy as np

from tilewright.ir.types import Array
from tilewright.llm.formats.vocabulary import Kind, StoredToken
from tilewright.llm.model import Llama, LlamaLayer, LlamaShape
from tilewright.llm.tokenizer import SPACE_MARK

LLAMAS: Mapping[str, LlamaShape] = {
    "tinyllama-v0": LlamaShape(
        dim=64, hidden_dim=256, layers=8, heads=16, kv_heads=16, head_dim=4, vocabulary=32000,
        context=2048, norm_eps=1e-6, is_tied=False,
    ),
    "tw-4.2m": LlamaShape(
        dim=240, hidden_dim=504, layers=6, heads=6, kv_heads=3, head_dim=40, vocabulary=4096,
        context=512,
    ),
}  # fmt: skip

LONGEST = 12
"""Bytes of a drawn piece, about."""

_LETTERS = f"{SPACE_MARK}abcdefghijklmnopqrstuvwxyz"


def drawn_llama(name: str, shape: LlamaShape, rng: np.random.Generator) -> Llama:
    """Weights as training begins with, of variance 1 / inputs, but norms of their own."""

    def matrix(*size: int) -> Array:
        return (rng.standard_normal(size) / np.sqrt(size[-1])).astype(np.float32)

    def gain() -> Array:
        return rng.uniform(0.5, 1.5, shape.dim).astype(np.float32)

    layers = tuple(
        LlamaLayer(
            gain(), matrix(shape.q_dim, shape.dim), matrix(shape.kv_dim, shape.dim),
            matrix(shape.kv_dim, shape.dim), matrix(shape.dim, shape.q_dim), gain(),
            matrix(shape.hidden_dim, shape.dim), matrix(shape.hidden_dim, shape.dim),
            matrix(shape.dim, shape.hidden_dim),
        )
        for _ in range(shape.layers)
    )  # fmt: skip
    embedding = matrix(shape.vocabulary, shape.dim)
    head = embedding if shape.is_tied else matrix(shape.vocabulary, shape.dim)
    return Llama(name, shape, embedding, layers, gain(), head)


def drawn_vocabulary(count: int, rng: np.random.Generator) -> list[StoredToken]:
    """Numbered as SentencePiece does: specials, single bytes, then letters and what drawn merges
    of earlier pieces make. ``count``: of all tokens, at least 286."""
    specials = ((b"<unk>", Kind.UNKNOWN), (b"<s>", Kind.CONTROL), (b"</s>", Kind.CONTROL))
    tokens = [StoredToken(piece, 0.0, kind) for piece, kind in specials]
    tokens += [StoredToken(b"<0x%02X>" % byte, 0.0, Kind.BYTE) for byte in range(256)]
    pieces = list(_LETTERS)
    known = set(pieces)
    while len(tokens) + len(pieces) < count:
        a, b = (pieces[int(len(pieces) * share**2)] for share in rng.random(2))
        if len(a + b) <= LONGEST and a + b not in known and SPACE_MARK not in b:
            pieces.append(a + b)
            known.add(a + b)
    return tokens + [
        StoredToken(piece.encode(), -float(rank), Kind.NORMAL) for rank, piece in enumerate(pieces)
    ]
