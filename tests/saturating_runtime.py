"""ONNX Runtime as on an x86 processor without VNNI: uint8 x int8 pair sums saturate in 16 bits.

Simulated, so that tests say the same on every processor: products of uint8 with int8 are computed
here, everything else, node by node, by the ONNX Runtime that is installed.
"""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from tilewright.ir.types import Array


def saturating_sums(a: Array, b: Array) -> Array:
    """[..., m, k] uint8 by [..., k, n] int8: what VPMADDUBSW and VPMADDWD add up to.

    Two neighbours in k are added in 16 bits with saturation, these sums in 32 bits.
    """
    products = a.astype(np.int32)[..., :, :, None] * b.astype(np.int32)[..., None, :, :]
    if products.shape[-2] % 2:
        rest = np.zeros_like(products[..., :1, :])
        products = np.concatenate((products, rest), axis=-2)
    pairs = products[..., 0::2, :] + products[..., 1::2, :]
    return np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=-2, dtype=np.int32)


def _zero_corrected(a: Array, a_zero: int, b: Array, b_zero: Array) -> Array:
    """Sums of (a - zero) * (b - zero), by raw products and the sums of rows and columns."""
    a_sums = a.astype(np.int32).sum(axis=-1, keepdims=True)
    b_sums = b.astype(np.int32).sum(axis=-2, keepdims=True)
    both = a.shape[-1] * a_zero * b_zero
    return saturating_sums(a, b) - a_zero * b_sums - a_sums * b_zero + both


def _stored(sums: Array, factor: Array, zero: Array) -> Array:
    info = np.iinfo(zero.dtype)
    real = np.rint(sums.astype(np.float32) * factor.astype(np.float32)) + np.float32(zero)
    return np.clip(real, info.min, info.max).astype(zero.dtype)


def _rows(x: Array, zero: int, kernel: Sequence[int], attributes: Mapping[str, list[int]]) -> Array:
    """Windows of [N, C, H, W] as [N, H', W', kh * kw * C], channels last as ONNX Runtime has."""
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    padded = np.pad(
        x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=np.uint8(zero)
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, tuple(kernel), axis=(2, 3))
    down, across = attributes.get("strides", [1, 1])
    windows = windows[:, :, ::down, ::across].transpose(0, 2, 3, 4, 5, 1)
    return windows.reshape(*windows.shape[:3], -1)


def _conv(inputs: Sequence[Array], attributes: Mapping[str, list[int]]) -> Array:
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, *bias = inputs
    outputs, _, *kernel = w.shape
    rows = _rows(x, int(x_zero), kernel, attributes)
    columns = w.transpose(2, 3, 1, 0).reshape(-1, outputs)
    sums = _zero_corrected(
        rows.reshape(-1, rows.shape[-1]), int(x_zero), columns, w_zero.reshape(-1).astype(np.int32)
    )
    sums = sums + (bias[0] if bias else np.int32(0))
    stored = _stored(sums, x_scale * w_scale.reshape(-1) / y_scale, y_zero)
    return stored.reshape(*rows.shape[:3], outputs).transpose(0, 3, 1, 2)


def _matmul(inputs: Sequence[Array], attributes: Mapping[str, int]) -> Array:
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = inputs
    sums = _zero_corrected(a, int(a_zero), b, b_zero.reshape(-1).astype(np.int32))
    return _stored(sums, a_scale * b_scale / y_scale, y_zero)


def _gemm(inputs: Sequence[Array], attributes: Mapping[str, int]) -> Array:
    a, a_scale, a_zero, b, b_scale, b_zero, bias, y_scale, y_zero = inputs
    columns = b.T if attributes.get("transB") else b
    sums = _zero_corrected(a, int(a_zero), columns, b_zero.reshape(-1).astype(np.int32)) + bias
    return _stored(sums, a_scale * b_scale / y_scale, y_zero)


_PRODUCTS = {
    "QLinearConv": (3, _conv),
    "QLinearMatMul": (3, _matmul),
    "QGemm": (3, _gemm),
}
"""Operator -> which input the weights are, and how it is computed."""


class SaturatingSession(onnxruntime.InferenceSession):
    """An inference session whose uint8 x int8 products saturate."""

    def __init__(self, model: bytes, options, providers: Sequence[str]) -> None:
        super().__init__(model, options, providers=providers)
        self._own = onnx.load_from_string(model)
        self._options = options

    def run(self, output_names, input_feed, run_options=None):
        graph = self._own.graph
        known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        known |= {name: np.asarray(array) for name, array in input_feed.items()}
        for node in graph.node:
            known.update(zip(node.output, self._computed(node, known), strict=True))
        return [known[name] for name in output_names]

    def _computed(self, node: onnx.NodeProto, known: Mapping[str, Array]) -> list[Array]:
        inputs = [known[name] for name in node.input if name]
        weights, compute = _PRODUCTS.get(node.op_type, (0, None))
        is_mixed = compute and inputs[0].dtype == np.uint8 and inputs[weights].dtype == np.int8
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if is_mixed and attributes.get("group", 1) == 1:  # depthwise kernels add in 32 bits
            return [compute(inputs, attributes)]
        return self._by_itself(node, known)

    def _by_itself(self, node: onnx.NodeProto, known: Mapping[str, Array]) -> list[Array]:
        given = [numpy_helper.from_array(known[n], n) for n in dict.fromkeys(node.input) if n]
        outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
        graph = helper.make_graph([node], "one", [], outputs, given)
        opsets = self._own.opset_import
        model = helper.make_model(graph, opset_imports=opsets, ir_version=self._own.ir_version)
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), self._options, providers=["CPUExecutionProvider"]
        )
        return session.run(None, {})


SATURATING = SimpleNamespace(
    SessionOptions=onnxruntime.SessionOptions,
    GraphOptimizationLevel=onnxruntime.GraphOptimizationLevel,
    InferenceSession=SaturatingSession,
)
"""Stands for the module onnxruntime."""
