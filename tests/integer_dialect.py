"""Networks of the integer dialect, computed node by node with numpy, all in int64.

Every node but a normalisation is a line or two; the networks' own outputs say whether all of them
are right. Source: the rules of the dialect, each division towards zero unless said otherwise.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import helper, numpy_helper

from tilewright.ir.types import Array
from tilewright.ops.norm_pulp import TruncatedLayerNorm, TruncatedRmsNorm

Attributes = dict[str, object]


def attributes(node: onnx.NodeProto) -> Attributes:
    """Numbers are stored as such, as lists of one, or as tensors of one element."""
    found: Attributes = {}
    for item in node.attribute:
        value = helper.get_attribute_value(item)
        if isinstance(value, onnx.TensorProto):
            value = numpy_helper.to_array(value).reshape(-1).tolist()
        is_one = isinstance(value, list) and len(value) == 1 and item.name != "axes"
        found[item.name] = value[0] if is_one else value
    return found


def towards_zero(a: Array, b: Array | int) -> Array:
    return np.sign(a) * (np.abs(a) // b)


def requantised(a: Attributes, x: Array, mul: Array, add: Array) -> Array:
    if x.ndim == 4 and mul.size > 1:
        mul, add = mul.reshape(1, -1, 1, 1), add.reshape(1, -1, 1, 1)
    shift, levels = int(a["div"]).bit_length() - 1, int(a["n_levels_out"])
    low = -levels // 2 if a["signed"] else 0
    half = (1 << shift) >> 1
    return np.clip((x * mul + add + half) >> shift, low, low + levels - 1)


def windows(a: Attributes, x: Array, border: int) -> Array:
    """[N,C,OH,OW,KH,KW]"""
    top, left, bottom, right = a["pads"]
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=border)
    step_h, step_w = a["strides"]
    return sliding_window_view(padded, a["kernel_shape"], (2, 3))[:, :, ::step_h, ::step_w]


def conv(a: Attributes, x: Array, w: Array) -> Array:
    assert a["group"] == 1
    return np.einsum("nchwij,ocij->nohw", windows(a, x, 0), w)


def gemm(a: Attributes, x: Array, w: Array, bias: Array) -> Array:
    return (x.T if a["transA"] else x) @ (w.T if a["transB"] else w) + bias


def layer_norm(a: Attributes, x: Array, scale: Array, bias: Array) -> Array:
    zero = -128 if x.max() > 127 else 0
    op = TruncatedLayerNorm(int(a["D"]).bit_length() - 1, zero)
    return op.evaluate((x + zero).astype(np.int8), scale, bias).astype(np.int64)


def rms_norm(a: Attributes, x: Array, scale: Array) -> Array:
    op = TruncatedRmsNorm(int(a["D"]).bit_length() - 1)
    return op.evaluate(x.astype(np.int8), scale).astype(np.int64)


def ita_max(a: Attributes, x: Array) -> Array:
    shift = (x.max(-1, keepdims=True) - x + 16) >> 5
    total = (256 >> shift).sum(-1, keepdims=True)
    return ((int(a["n_levels"]) - 1) * 256 // total) >> shift


def softmax(a: Attributes, x: Array) -> Array:
    below = x - x.max(-1, keepdims=True)
    powers = np.clip(-towards_zero(below, int(a["log2"])), 0, 31)
    inner = below + powers * int(a["log2"]) + int(a["coeffB"])
    e = (int(a["coeffA"]) * inner**2 + int(a["coeffC"])) >> powers
    return e * (int(a["n_levels"]) - 1) // e.sum(-1, keepdims=True)


def gelu(a: Attributes, x: Array) -> Array:
    d = np.minimum(np.abs(x), -a["b"]) + a["b"]
    return x * ((a["one"] + np.sign(x) * (a["one"] - d * d)) >> 1)


def hard_swish(a: Attributes, x: Array) -> Array:
    return x * np.clip(x + a["three"], 0, a["six"]) * a["one_over_six"]


def mean(a: Attributes, x: Array) -> Array:
    count = int(np.prod([x.shape[axis] for axis in a["axes"]]))
    bits = count.bit_length() - 1
    assert count == 1 << bits
    return (x.sum(tuple(a["axes"]), keepdims=bool(a["keepdims"])) + (count >> 1)) >> bits


def true_division(a: Attributes, x: Array) -> Array:
    """By a constant y: one factor, and the node after it rounds."""
    return x * (a["Delta"] * a["eta"] // (a["y"] * a["eta"] + a["eps"]))


NODES: dict[str, Callable[..., Array]] = {
    "Add": lambda _, x, y: x + y,
    "Concat": lambda a, *x: np.concatenate(x, a["axis"]),
    "Conv": conv,
    "Gather": lambda a, x, i: np.take(x, i, a["axis"]),
    "Gemm": gemm,
    "ITAMax": ita_max,
    "IntegerMean": mean,
    "MatMul": lambda _, x, y: x @ y,
    "MaxPool": lambda a, x: windows(a, x, -128).max((4, 5)),
    "Mul": lambda _, x, y: x * y,
    "RequantShift": requantised,
    "Reshape": lambda _, x, shape: x.reshape(shape),
    "TrueIntegerDiv": true_division,
    "Transpose": lambda a, x: x.transpose(a["perm"]),
    "iGELU": gelu,
    "iHardswish": hard_swish,
    "iLayerNorm": layer_norm,
    "iRMSNorm": rms_norm,
    "iSoftmax": softmax,
}


def evaluate_dialect(folder: Path) -> list[tuple[Array, Array]]:
    """Each output as (computed, golden)."""
    graph = onnx.load(folder / "network.onnx").graph
    known = {i.name: np.rint(numpy_helper.to_array(i)).astype(np.int64) for i in graph.initializer}
    named = [i.name for i in graph.input if i.name not in known]
    known |= dict(zip(named, np.load(folder / "inputs.npz").values(), strict=True))
    for node in graph.node:
        known[node.output[0]] = NODES[node.op_type](
            attributes(node), *(known[name].astype(np.int64) for name in node.input)
        )
    golden = np.load(folder / "outputs.npz").values()
    return [(known[o.name], g) for o, g in zip(graph.output, golden, strict=True)]
