"""Small language models with seeded weights."""

import numpy as np

from tilewright.ir.types import Array
from tilewright.llm.model import Llama, LlamaLayer, LlamaShape

TINY = LlamaShape(
    dim=24, hidden_dim=40, layers=2, heads=4, kv_heads=2, head_dim=6, vocabulary=50, context=48
)
UNTIED = LlamaShape(
    dim=16, hidden_dim=20, layers=1, heads=3, kv_heads=3, head_dim=8, vocabulary=33, context=32,
    is_tied=False,
)  # fmt: skip


def tiny_llama(shape: LlamaShape = TINY, seed: int = 1) -> Llama:
    """Weights as training begins with, but norms of their own."""
    rng = np.random.default_rng(seed)

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
    return Llama("tiny", shape, embedding, layers, gain(), head)
