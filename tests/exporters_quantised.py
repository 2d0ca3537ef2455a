"""How tools write quantised networks."""

import numpy as np
from onnx import TensorProto

from exporters import REAL, Outputs, Pattern, pattern


@pattern
def pytorch_qdq_conv_relu(p: Pattern) -> Outputs:
    """torch.export to QDQ: per-channel weights, float bias, Relu in front of the next pair."""
    x = p.qdq(p.model.input("x", (1, 3, 8, 8)), 0.03, 0)
    w = p.weights("w", 4, 3, 3, 3, axis=0)
    p.node("Conv", [x, w, p.real("b", 4)], "c", pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    p.node("Relu", ["c"], "r")
    return p.end("r", 0.05, -128)


@pattern
def pytorch_qdq_linear_reshape(p: Pattern) -> Outputs:
    """Flatten with a shape from Shape, Gather, Concat; Gemm with transB."""
    p.model.input("x", ("batch", 4, 3, 3))
    x = p.qdq("x", 0.03, 3)
    zero = p.held("zero", 0, np.int64)
    p.node("Shape", [x], "shape")
    p.node("Gather", ["shape", zero], "n", axis=0)
    p.node("Unsqueeze", ["n", p.held("axes", [0], np.int64)], "n1")
    p.node("Concat", ["n1", p.held("rest", [-1], np.int64)], "wish", axis=0)
    p.node("Reshape", [x, "wish"], "flat")
    p.node("Gemm", ["flat", p.weights("w", 5, 36), p.bias("b", 5, 0.0003)], "g", transB=1)
    return p.end("g", 0.05, 0)


@pattern
def ort_static_residual(p: Pattern) -> Outputs:
    """ONNX Runtime's static quantiser: uint8 activations, int32 bias behind DequantizeLinear."""
    x = p.qdq(p.model.input("x", (1, 4, 6, 6)), 0.03, 128, np.uint8)
    w = p.weights("w", 4, 4, 3, 3)
    p.node("Conv", [x, w, p.bias("b", 4, 0.0003)], "c", pads=[1, 1, 1, 1])
    c = p.qdq("c", 0.05, 120, np.uint8)
    p.node("Add", [c, x], "s")
    p.node("GlobalAveragePool", [p.qdq("s", 0.06, 127, np.uint8)], "g")
    return p.end("g", 0.02, 128, np.uint8)


@pattern
def ort_static_weights_only_dq(p: Pattern) -> Outputs:
    """Olive: weights of int8 behind DequantizeLinear, activations in float32."""
    p.model.input("x", (2, 16))
    p.node("MatMul", ["x", p.weights("w", 16, 8, axis=1)], "m")
    p.node("Add", ["m", p.real("b", 8)], "y")
    return REAL


@pattern
def ort_dynamic_matmul(p: Pattern) -> Outputs:
    """ONNX Runtime's dynamic quantiser: MatMulInteger, Cast, Mul, Mul, Add."""
    p.model.input("x", (2, 16))
    p.several("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"])
    p.stored("w", 16, 8)
    p.held("wz", 0, np.int8)
    p.node("MatMulInteger", ["xq", "w", "xz", "wz"], "i")
    p.node("Cast", ["i"], "f", to=TensorProto.FLOAT)
    p.node("Mul", ["xs", p.held("ws", 0.01)], "s")
    p.node("Mul", ["f", "s"], "m")
    p.node("Add", ["m", p.real("b", 8)], "y")
    p.step = 1e-3
    return REAL


@pattern
def ort_dynamic_conv(p: Pattern) -> Outputs:
    """ConvInteger as the dynamic quantiser writes it."""
    p.model.input("x", (1, 3, 6, 6))
    p.several("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"])
    p.stored("w", 4, 3, 3, 3, dtype=np.uint8)
    p.held("wz", 128, np.uint8)
    p.node("ConvInteger", ["xq", "w", "xz", "wz"], "i", pads=[1, 1, 1, 1])
    p.node("Cast", ["i"], "f", to=TensorProto.FLOAT)
    p.node("Mul", ["xs", p.held("ws", 0.01)], "s")
    p.node("Mul", ["f", "s"], "m")
    p.node("Add", ["m", p.real("b", 1, 4, 1, 1)], "y")
    p.step = 1e-3
    return REAL


@pattern
def qoperator_chain(p: Pattern) -> Outputs:
    """QLinearConv, QLinearAdd, QLinearGlobalAveragePool, QGemm, with int8 at both ends."""
    m = p.model
    x = (m.input("x", (1, 4, 6, 6), np.uint8), *m.scale("x", 0.03, 120, np.uint8))
    w = (p.stored("w", 4, 4, 3, 3), *m.scale("w", np.linspace(0.01, 0.02, 4), np.zeros(4), np.int8))
    y0 = m.scale("c", 0.2, 128, np.uint8)
    b = m.constant("b", p.rng.integers(-900, 900, 4).astype(np.int32))
    p.node("QLinearConv", [*x, *w, *y0, b], "c", pads=[1, 1, 1, 1])
    s = m.scale("s", 0.21, 125, np.uint8)
    p.node("QLinearAdd", ["c", *y0, *x, *s], "s")
    g = m.scale("g", 0.1, 128, np.uint8)
    p.node("QLinearGlobalAveragePool", ["s", *s, *g], "g", channels_last=0)
    p.node("Flatten", ["g"], "f")
    v = (p.stored("v", 4, 3), *m.scale("v", 0.01, 0, np.int8))
    d = m.constant("d", p.rng.integers(-900, 900, 3).astype(np.int32))
    p.node("QGemm", ["f", *g, *v, d, *m.scale("y", 0.05, 128, np.uint8)], "y", alpha=1.0)
    return {"y": np.uint8}


@pattern
def tensorrt_inputs_only(p: Pattern) -> Outputs:
    """TensorRT's placement: pairs at the inputs of layers only, Relu and sums in float32."""
    x = p.qdq(p.model.input("x", (1, 4, 6, 6)), 0.03)
    p.node("Conv", [x, p.weights("w", 4, 4, 3, 3, axis=0), p.real("b", 4)], "c", pads=[1, 1, 1, 1])
    p.node("Relu", ["c"], "r")
    p.node("Conv", [p.qdq("r", 0.04), p.weights("v", 4, 4, 1, 1, axis=0)], "d")
    p.node("Add", ["d", x], "s")
    p.node("Relu", ["s"], "y")
    p.step = 0.05
    return REAL


@pattern
def brevitas_qcdq(p: Pattern) -> Outputs:
    """Brevitas QCDQ: Clip between Quantize and Dequantize for fewer than 8 bits."""
    low, high = (p.model.constant(n, np.array(v, np.int8)) for n, v in (("low", -7), ("high", 7)))

    def narrow(x: str, scale: float) -> str:
        stored = p.model.quantise(x, scale, 0, np.int8, f"{x}.q")
        p.node("Clip", [stored, low, high], f"{x}.c")
        return p.model.dequantise(f"{x}.c", scale, 0, np.int8)

    x = narrow(p.model.input("x", (1, 3, 6, 6)), 0.3)
    w = narrow(p.real("w", 4, 3, 3, 3), 0.2)
    p.node("Conv", [x, w], "c")
    p.node("Relu", ["c"], "r")
    p.step = 0.5
    p.node("Identity", [narrow("r", 0.5)], "y")
    return REAL


@pattern
def keras_nhwc_transposes(p: Pattern) -> Outputs:
    """tf2onnx: transposes around Conv, Squeeze and Reshape behind a pool."""
    p.model.input("x", ("unk__1", 8, 8, 3))
    x = p.qdq("x", 0.03, -3)
    p.node("Transpose", [x], "t", perm=[0, 3, 1, 2])
    p.node(
        "Conv",
        ["t", p.weights("w", 4, 3, 3, 3, axis=0)],
        "c",
        auto_pad="SAME_UPPER",
        strides=[2, 2],
    )
    p.node("Transpose", [p.qdq("c", 0.05, 5)], "u", perm=[0, 2, 3, 1])
    p.node("ReduceMean", ["u"], "m", axes=[1, 2], keepdims=0)
    p.step = 0.02
    p.node("Softmax", [p.qdq("m", 0.02, 0)], "y", axis=-1)
    return REAL


@pattern
def keras_depthwise_reshaped_weights(p: Pattern) -> Outputs:
    """tf2onnx: depthwise weights behind Reshape and Transpose of constants."""
    x = p.qdq(p.model.input("x", (1, 6, 6, 4)), 0.03, -3)
    p.node("Transpose", [x], "t", perm=[0, 3, 1, 2])
    w = p.weights("w", 3, 3, 4, 1)
    p.node("Transpose", [w], "wt", perm=[2, 3, 0, 1])
    p.node("Conv", ["t", "wt", p.real("b", 4)], "c", group=4, pads=[1, 1, 1, 1])
    p.node("Clip", ["c", p.held("lo", 0),
                    p.held("hi", 6)], "k")  # fmt: skip
    p.node("Transpose", [p.qdq("k", 6 / 255, -128)], "y", perm=[0, 2, 3, 1])
    p.step = 0.03
    return REAL


@pattern
def int16_activations(p: Pattern) -> Outputs:
    """16x8: int16 pairs around a convolution with int8 weights."""
    x = p.qdq(p.model.input("x", (1, 3, 6, 6)), 0.0003, 0, np.int16)
    p.node("Conv", [x, p.weights("w", 4, 3, 3, 3, axis=0)], "c")
    p.node("Relu", [p.qdq("c", 0.0005, 0, np.int16)], "r")
    p.node("Identity", [p.qdq("r", 0.0005, 0, np.int16)], "y")
    p.model.opset = 21
    p.step = 0.002
    return REAL


@pattern
def qonnx_quant(p: Pattern) -> Outputs:
    """Brevitas and QKeras by QONNX: Quant around weights of 4 bits per channel and activations."""
    scale, zero, four, eight = (
        p.held(n, v) for n, v in (("s", 0.25), ("z", 0), ("4", 4), ("8", 8))
    )
    x = _quant(p, p.model.input("x", (1, 3, 6, 6)), p.held("xs", 0.03), zero, eight)
    scales = p.model.constant("ws", p.rng.uniform(0.1, 0.3, (4, 1, 1, 1)).astype(np.float32))
    w = _quant(p, p.real("w", 4, 3, 3, 3), scales, zero, four, narrow=1)
    p.node("Conv", [x, w], "c")
    p.node("Relu", ["c"], "r")
    p.step = 0.25
    p.node("Identity", [_quant(p, "r", scale, zero, four, signed=0)], "y")
    return REAL


def _quant(p: Pattern, x: str, *rest: str, **attributes: object) -> str:
    given = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes}
    p.several("Quant", [x, *rest], [f"{x}.quant"], domain="qonnx.custom_op.general", **given)
    return f"{x}.quant"


@pattern
def qonnx_bipolar(p: Pattern) -> Outputs:
    """Weights of one bit, and Trunc behind a sum."""
    one, scale = p.held("one", 1), p.held("s", 0.5)
    p.model.input("x", (2, 8))
    p.real("w", 8, 4)
    domain = "qonnx.custom_op.general"
    p.several("BipolarQuant", ["w", one], ["wq"], domain=domain)
    p.several("BipolarQuant", ["x", one], ["xq"], domain=domain)
    p.node("MatMul", ["xq", "wq"], "m")
    bits = [p.held(n, v) for n, v in (("zero", 0), ("before", 8), ("after", 6))]
    p.several("Trunc", ["m", scale, *bits], ["y"], domain=domain, rounding_mode="FLOOR")
    return REAL
