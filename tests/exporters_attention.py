"""Attention as ONNX Runtime's optimisers and model builders write it."""

import numpy as np

from exporters import Outputs, Pattern, pattern
from exporters_runtime import MICROSOFT, fused

HEADS = {"num_heads": 2}
SHARED = {"num_heads": 4, "kv_num_heads": 2}
SEVERAL: Outputs = {name: np.float32 for name in ("y", "k", "v")}


def several(p: Pattern, kind: str, inputs: list[str], **attributes: object) -> Outputs:
    """A result, and the keys and values that the next call gets."""
    p.several(kind, inputs, [*SEVERAL], domain=MICROSOFT, **attributes)
    return SEVERAL


def length(p: Pattern, total: int) -> list[str]:
    """How many tokens there are: the last one's number per sequence, and all."""
    return [p.held("last", [total - 1], np.int32), p.held("total", total, np.int32)]


def turns(p: Pattern, pairs: int) -> list[str]:
    """Tables of angles for eight positions."""
    return [p.real("cos", 8, pairs), p.real("sin", 8, pairs)]


@pattern
def causal_attention(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 4, 8)), p.real("w", 8, 24), p.real("b", 24)]
    return fused(p, "Attention", inputs, unidirectional=1, **HEADS)


@pattern
def attention_with_lengths(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 4, 8)), p.real("w", 8, 24), p.real("b", 24)]
    return fused(p, "Attention", [*inputs, p.held("m", [3], np.int32)], **HEADS)


@pattern
def attention_with_padding_and_bias(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 4, 8)), p.real("w", 8, 24), p.real("b", 24)]
    mask = p.held("m", [[1, 1, 1, 0]], np.int32)
    added = p.model.input("a", (1, 2, 4, 4))
    return fused(p, "Attention", [*inputs, mask, "", added], **HEADS)


@pattern
def attention_of_unequal_sizes(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 4, 8)), p.real("w", 8, 20), p.real("b", 20)]
    return fused(p, "Attention", inputs, qkv_hidden_sizes=[8, 8, 4], **HEADS)


@pattern
def attention_with_past(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 1, 8)), p.real("w", 8, 24), p.real("b", 24)]
    past = p.model.input("p", (2, 1, 2, 3, 4))
    p.several("Attention", [*inputs, "", past], ["y", "k"], domain=MICROSOFT, **HEADS)
    return {"y": np.float32, "k": np.float32}


@pattern
def cross_attention(p: Pattern) -> Outputs:
    query = p.model.input("q", (1, 4, 8))
    others = [p.model.input(n, (1, 2, 5, 4)) for n in "kv"]
    return fused(p, "MultiHeadAttention", [query, *others], **HEADS)


@pattern
def multi_head_attention_with_padding(p: Pattern) -> Outputs:
    inputs = [p.model.input("q", (1, 4, 8)), *(p.model.input(n, (1, 5, 8)) for n in "kv")]
    mask = p.held("m", [3], np.int32)
    return fused(p, "MultiHeadAttention", [*inputs, p.real("b", 24), mask], **HEADS)


@pattern
def multi_head_attention_with_past(p: Pattern) -> Outputs:
    inputs = [p.model.input(n, (1, 1, 8)) for n in ("xq", "xk", "xv")]
    past = [p.model.input(n, (1, 2, 3, 4)) for n in ("pk", "pv")]
    return several(p, "MultiHeadAttention", [*inputs, "", "", "", *past], **HEADS)


@pattern
def quantised_attention_with_lengths(p: Pattern) -> Outputs:
    p.several("DynamicQuantizeLinear", [p.model.input("x", (1, 4, 8))], ["xq", "xs", "xz"])
    lengths = p.held("m", [3], np.int32)
    rest = [p.held("ws", 0.01), lengths, "xz", p.held("wz", 0, np.int8)]
    p.step = 2e-2
    inputs = ["xq", p.stored("w", 8, 24), p.real("b", 24), "xs", *rest]
    return fused(p, "QAttention", inputs, unidirectional=1, **HEADS)


@pattern
def group_query_attention(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 4, 128)), "", "", "", "", *length(p, 4), *turns(p, 8)]
    return several(p, "GroupQueryAttention", inputs, do_rotary=1, **SHARED)


@pattern
def group_query_attention_of_one_token(p: Pattern) -> Outputs:
    query = p.model.input("x", (1, 1, 64))
    others = [p.model.input(n, (1, 1, 32)) for n in ("xk", "xv")]
    past = [p.model.input(n, (1, 2, 5, 16)) for n in ("pk", "pv")]
    inputs = [query, *others, *past, *length(p, 6), *turns(p, 8)]
    attributes = {"do_rotary": 1, "rotary_interleaved": 1, "softcap": 5.0}
    return several(p, "GroupQueryAttention", inputs, **attributes, **SHARED)


@pattern
def group_query_attention_of_a_window(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 6, 64)), "", "", "", "", *length(p, 6)]
    return several(p, "GroupQueryAttention", inputs, local_window_size=2, scale=0.3, **SHARED)


@pattern
def rotary_embedding_of_a_part(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 4, 16)), p.held("at", [[1, 2, 3, 4]], np.int64), *turns(p, 2)]
    return fused(p, "RotaryEmbedding", inputs, rotary_embedding_dim=4, **HEADS)


@pattern
def rotary_embedding_behind_others(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 2, 4, 8)), p.held("at", [3], np.int64), *turns(p, 4)]
    return fused(p, "RotaryEmbedding", inputs, interleaved=1)


@pattern
def embedding_and_norm(p: Pattern) -> Outputs:
    tokens = p.model.input("x", (1, 4), np.int64)
    p.node("Cast", [tokens], "t", to=6)
    p.node("Cast", [p.held("s64", [[0, 0, 1, 1]], np.int64)], "s", to=6)
    tables = [p.real(n, *shape) for n, shape in (("w", (250, 8)), ("p", (6, 8)), ("e", (2, 8)))]
    inputs = ["t", "s", *tables, p.real("gamma", 8), p.real("beta", 8)]
    p.several("EmbedLayerNormalization", inputs, ["y", "count"], domain=MICROSOFT, epsilon=1e-5)
    return {"y": np.float32}


@pattern
def matmul_of_groups_in_any_order(p: Pattern) -> Outputs:
    packed = p.stored("w", 6, 2, 8, dtype=np.uint8)
    scales = p.model.constant("s", p.rng.uniform(0.01, 0.1, 12).astype(np.float32))
    groups = p.model.constant("g", p.rng.permutation(np.repeat([0, 1], 16)).astype(np.int32))
    inputs = [p.model.input("x", (2, 32)), packed, scales, "", groups]
    p.step = 1e-2
    return fused(p, "MatMulNBits", inputs, K=32, N=6, bits=4, block_size=16)


@pattern
def fused_matmul_of_turned_batches(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (3, 2, 5)), p.real("w", 2, 5, 6)]
    return fused(p, "FusedMatMul", inputs, transBatchA=1)


@pattern
def pools_with_channels_last(p: Pattern) -> Outputs:
    m = p.model
    x = m.input("x", (1, 4, 4, 3), np.uint8)
    p.several("NhwcMaxPool", [x], ["m"], domain=MICROSOFT, kernel_shape=[2, 2])
    parameters = [*m.scale("m", 0.05, 100, np.uint8), *m.scale("y", 0.04, 90, np.uint8)]
    p.several(
        "QLinearGlobalAveragePool", ["m", *parameters], ["y"], domain=MICROSOFT, channels_last=1
    )
    return {"y": np.uint8}
