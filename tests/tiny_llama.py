"""Small language models with seeded weights."""

import numpy as np

from tilewright.builders.llama import drawn_llama
from tilewright.llm.model import Llama, LlamaShape

TINY = LlamaShape(
    dim=24, hidden_dim=40, layers=2, heads=4, kv_heads=2, head_dim=6, vocabulary=50, context=48
)
UNTIED = LlamaShape(
    dim=16, hidden_dim=20, layers=1, heads=3, kv_heads=3, head_dim=8, vocabulary=33, context=32,
    is_tied=False,
)  # fmt: skip


def tiny_llama(shape: LlamaShape = TINY, seed: int = 1) -> Llama:
    return drawn_llama("tiny", shape, np.random.default_rng(seed))
