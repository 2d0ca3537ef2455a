"""Operators that ONNX Runtime's optimisers and quantisers put in the place of others."""

import numpy as np
from onnx import TensorProto

from exporters import REAL, Outputs, Pattern, pattern

MICROSOFT = "com.microsoft"


def fused(p: Pattern, kind: str, inputs: list[str], **attributes: object) -> Outputs:
    """One of them makes the only output."""
    p.several(kind, inputs, ["y"], domain=MICROSOFT, **attributes)
    return REAL


@pattern
def skip_layer_normalization(p: Pattern) -> Outputs:
    p.model.input("x", (1, 3, 8))
    rest = [p.real(n, 8) for n in ("gamma", "beta", "bias")]
    return fused(p, "SkipLayerNormalization", ["x", p.real("skip", 1, 3, 8), *rest], epsilon=1e-5)


@pattern
def skip_simplified_layer_normalization(p: Pattern) -> Outputs:
    p.model.input("x", (1, 3, 8))
    inputs = ["x", p.real("skip", 1, 3, 8), p.real("gamma", 8)]
    return fused(p, "SkipSimplifiedLayerNormalization", inputs, epsilon=1e-5)


@pattern
def bias_gelu(p: Pattern) -> Outputs:
    return fused(p, "BiasGelu", [p.model.input("x", (3, 8)), p.real("b", 8)])


@pattern
def fast_gelu(p: Pattern) -> Outputs:
    return fused(p, "FastGelu", [p.model.input("x", (3, 8)), p.real("b", 8)])


@pattern
def quick_gelu(p: Pattern) -> Outputs:
    return fused(p, "QuickGelu", [p.model.input("x", (3, 8))], alpha=1.702)


@pattern
def gelu_of_microsoft(p: Pattern) -> Outputs:
    return fused(p, "Gelu", [p.model.input("x", (3, 8))])


@pattern
def fused_convolution(p: Pattern) -> Outputs:
    p.model.input("x", (1, 3, 6, 6))
    inputs = ["x", p.real("w", 4, 3, 3, 3), p.real("b", 4), p.real("z", 1, 4, 6, 6)]
    return fused(p, "FusedConv", inputs, activation="Relu", pads=[1, 1, 1, 1])


@pattern
def fused_leaky_convolution(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 3, 6, 6)), p.real("w", 4, 3, 3, 3)]
    return fused(p, "FusedConv", inputs, activation="LeakyRelu", activation_params=[0.2])


@pattern
def fused_gemm(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (2, 8)), p.real("w", 5, 8), p.real("b", 5)]
    return fused(p, "FusedGemm", inputs, activation="Sigmoid", transB=1, alpha=0.5)


@pattern
def fused_matmul(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (2, 3, 8)), p.real("w", 2, 4, 8)]
    return fused(p, "FusedMatMul", inputs, transB=1, alpha=0.25)


@pattern
def attention(p: Pattern) -> Outputs:
    inputs = [p.model.input("x", (1, 4, 8)), p.real("w", 8, 24), p.real("b", 24)]
    return fused(p, "Attention", inputs, num_heads=2)


@pattern
def multi_head_attention(p: Pattern) -> Outputs:
    inputs = [p.model.input(n, (1, 4, 8)) for n in "qkv"]
    return fused(p, "MultiHeadAttention", [*inputs, p.real("b", 24)], num_heads=2)


@pattern
def quantised_attention(p: Pattern) -> Outputs:
    p.several("DynamicQuantizeLinear", [p.model.input("x", (1, 4, 8))], ["xq", "xs", "xz"])
    rest = [p.held("ws", 0.01), "", "xz", p.held("wz", 0, np.int8)]
    p.step = 2e-2
    inputs = ["xq", p.stored("w", 8, 24), p.real("b", 24), "xs", *rest]
    return fused(p, "QAttention", inputs, num_heads=2)


@pattern
def matmul_of_four_bits(p: Pattern) -> Outputs:
    packed = p.stored("w", 6, 2, 8, dtype=np.uint8)
    scales = p.model.constant("s", p.rng.uniform(0.01, 0.1, 12).astype(np.float32))
    inputs = [p.model.input("x", (2, 32)), packed, scales]
    p.step = 1e-2
    return fused(p, "MatMulNBits", inputs, K=32, N=6, bits=4, block_size=16)


@pattern
def dynamic_quantize_matmul(p: Pattern) -> Outputs:
    inputs = [
        p.model.input("x", (2, 16)),
        p.stored("w", 16, 6),
        p.held("s", 0.01),
        "",
        p.real("b", 6),
    ]
    p.step = 1e-3
    return fused(p, "DynamicQuantizeMatMul", inputs)


@pattern
def matmul_integer_to_float(p: Pattern) -> Outputs:
    p.several("DynamicQuantizeLinear", [p.model.input("x", (2, 16))], ["xq", "xs", "xz"])
    inputs = ["xq", p.stored("w", 16, 6), "xs", p.held("s", 0.01), "xz"]
    p.step = 1e-3
    return fused(p, "MatMulIntegerToFloat", inputs)


@pattern
def qlinear_sigmoid_and_concat(p: Pattern) -> Outputs:
    m = p.model
    x = (m.input("x", (1, 4, 3, 3), np.uint8), *m.scale("x", 0.04, 128, np.uint8))
    sigmoid = m.scale("s", 1 / 256, 0, np.uint8)
    p.node("QLinearSigmoid", [*x, *sigmoid], "s")
    joined = m.scale("y", 0.05, 120, np.uint8)
    p.node("QLinearConcat", [*joined, *x, "s", *sigmoid], "y", axis=1)
    return {"y": np.uint8}


@pattern
def qlinear_leaky_and_average(p: Pattern) -> Outputs:
    m = p.model
    x = (m.input("x", (1, 4, 4, 4), np.int8), *m.scale("x", 0.04, 3, np.int8))
    leaky = m.scale("l", 0.03, -5, np.int8)
    p.node("QLinearLeakyRelu", [*x, *leaky], "l", alpha=0.1)
    pooled = m.scale("y", 0.03, -5, np.int8)
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    p.node("QLinearAveragePool", ["l", *leaky, *pooled], "y", **window)
    return {"y": np.int8}


@pattern
def convolution_of_integers(p: Pattern) -> Outputs:
    """ConvInteger of a stored input, sums in int32."""
    x = p.model.input("x", (1, 300, 3, 3), np.uint8)
    zeros = [p.held("xz", 3, np.uint8), p.held("wz", -1, np.int8)]
    p.node("ConvInteger", [x, p.stored("w", 2, 300, 3, 3), *zeros], "i")
    p.node("Cast", ["i"], "y", to=TensorProto.FLOAT)
    p.step = 0
    return REAL
