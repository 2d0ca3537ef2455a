"""A language model in exact integers: what the quantiser makes and the builder reads.

Operators with their constants, so that nothing below computes a scale.
"""

from dataclasses import dataclass

from tilewright.ir.types import Array
from tilewright.llm.model import LlamaShape
from tilewright.llm.widths import Widths
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.embedding import EmbedTokens
from tilewright.ops.llm.linear import LinearRows, PackedLinearRows
from tilewright.ops.llm.row_ops import NormRows


@dataclass(frozen=True, slots=True)
class Norm:
    """``gain`` s16[dim]."""

    op: NormRows
    gain: Array


@dataclass(frozen=True, slots=True)
class Matrix:
    """``w`` as the operator wants it, ``multiplier`` s16[out]."""

    op: LinearRows | PackedLinearRows
    w: Array
    multiplier: Array


@dataclass(frozen=True, slots=True)
class Embedding:
    """``table`` s8[vocabulary, dim], ``multiplier`` s16[vocabulary]."""

    op: EmbedTokens
    table: Array
    multiplier: Array


@dataclass(frozen=True, slots=True)
class IntegerLayer:
    """``qkv``: rows of all queries, then keys, then values; ``key_centre`` s16[kv_dim]: what
    turned keys are stored without; ``gate_up``: gates, then ups; ``silu`` s16[257]."""

    attention_norm: Norm
    qkv: Matrix
    key_centre: Array
    attention: CachedAttention
    o: Matrix
    mlp_norm: Norm
    gate_up: Matrix
    silu: Array
    down: Matrix


@dataclass(frozen=True, slots=True)
class IntegerLlama:
    """``turns`` s16[context, head_dim] and ``powers`` s16[256]: tables that all layers read.

    widths                        bits of the matrices
    residual_scale, logit_scale   what a step of the residual stream and of a logit is worth
    """

    name: str
    shape: LlamaShape
    embedding: Embedding
    layers: tuple[IntegerLayer, ...]
    final_norm: Norm
    head: Matrix
    turns: Array
    powers: Array
    residual_scale: float
    logit_scale: float
    widths: Widths
