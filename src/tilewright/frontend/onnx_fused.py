"""ONNX Runtime's own operators (com.microsoft) in terms of the standard's.

Source: the published operator documentation of ONNX Runtime's contrib operators.
"""

from collections.abc import Mapping

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.frontend.onnx_attention import ATTENTION_FORMS
from tilewright.frontend.onnx_file import Attribute
from tilewright.frontend.onnx_forms import CHANNELS_LAST, Form, Rule
from tilewright.frontend.onnx_tensors import Constant
from tilewright.ir.types import Array

RUNTIME_DOMAIN = "com.microsoft"
"""Of some operators the standard has another one of the same name."""

FLOAT = 1
"""TensorProto.FLOAT."""

INT32 = 6
"""TensorProto.INT32."""


def bias_gelu(form: Form) -> None:
    """BiasGelu(x, bias): the exact GELU of the sum."""
    form.end("Gelu", form.do("Add", *form.node.inputs[:2]))


def fast_gelu(form: Form) -> None:
    """FastGelu(x, bias): GELU by tanh."""
    x = form.do("Add", *form.node.inputs[:2]) if form.node.has(1) else form.node.input(0)
    form.end("Gelu", x, approximate="tanh")


def quick_gelu(form: Form) -> None:
    """QuickGelu(x): x * sigmoid(alpha * x)."""
    x = form.node.input(0)
    scaled = form.do("Mul", x, form.held(form.node.number("alpha", 1.702)))
    form.end("Mul", x, form.do("Sigmoid", scaled))


def _activated(form: Form, x: str) -> None:
    """The attribute ``activation`` of fused layers, as the last node."""
    kind = form.node.text("activation", "")
    values = form.node.attributes.get("activation_params", ())
    given = tuple(float(v) for v in values) if isinstance(values, tuple) else ()
    match kind:
        case "":
            form.end("Identity", x)
        case "Clip":
            low, high = given or (float("-inf"), float("inf"))
            form.end("Clip", x, form.held(low), form.held(high))
        case "LeakyRelu":
            form.end(kind, x, alpha=given[0] if given else 0.01)
        case "HardSigmoid":
            alpha, beta = given or (0.2, 0.5)
            form.end(kind, x, alpha=alpha, beta=beta)
        case "Relu" | "Sigmoid" | "Tanh" | "HardSwish":
            form.end(kind, x)
        case _:
            raise UnsupportedError(f"{form.node}: activation {kind} is not known")


def _own(form: Form) -> dict[str, Attribute]:
    """What the layer itself has of attributes."""
    given = form.node.attributes.items()
    return {k: v for k, v in given if not k.startswith("activation")}


def fused_conv(form: Form) -> None:
    """FusedConv(x, w, bias, added): convolution, sum, activation."""
    y = form.like("Conv", [form.input(i) for i in range(3)], _own(form))
    _activated(form, form.do("Add", y, form.node.input(3)) if form.node.has(3) else y)


def fused_gemm(form: Form) -> None:
    """FusedGemm: Gemm, then an activation."""
    _activated(form, form.like("Gemm", form.node.inputs, _own(form)))


def fused_mat_mul(form: Form) -> None:
    """FusedMatMul: alpha * op(a) @ op(b)."""
    operands = [
        _turned(form, name, *(form.node.integer(f"{flag}{operand}", 0) for flag in TURNS))
        for name, operand in zip(form.node.inputs, "AB", strict=True)
    ]
    alpha = form.node.number("alpha", 1.0)
    if alpha == 1.0:
        form.end("MatMul", *operands)
    else:
        form.end("Mul", form.do("MatMul", *operands), form.held(alpha))


TURNS = "trans", "transBatch"
"""Attributes of FusedMatMul, before the operand's letter."""


def _turned(form: Form, name: str, last: int, batch: int) -> str:
    """``batch``: the first dimension goes behind the others of the batch; ``last``: then the last
    two are swapped."""
    rank = len(form.shape(name))
    axes = [*range(rank)]
    if batch and rank > 2:
        axes = [*axes[1:-1], 0, axes[-1]]
    if last and rank > 1:
        axes[-2:] = axes[-1], axes[-2]
    return name if axes == sorted(axes) else form.do("Transpose", name, perm=tuple(axes))


def skip_layer_norm(form: Form) -> None:
    """SkipLayerNormalization(x, skip, gamma, beta, bias)."""
    y = _skipped(form, 4)
    epsilon = form.node.number("epsilon", 1e-12)
    scale = [name for name in (form.input(2), form.input(3)) if name]
    form.end("LayerNormalization", y, *scale, axis=-1, epsilon=epsilon)


def skip_simple_norm(form: Form) -> None:
    """SkipSimplifiedLayerNormalization(x, skip, gamma, bias): by the root of the mean square."""
    epsilon = form.node.number("epsilon", 1e-12)
    form.end("RMSNormalization", _skipped(form, 3), form.input(2), axis=-1, epsilon=epsilon)


def simple_norm(form: Form) -> None:
    """SimplifiedLayerNormalization(x, gamma)."""
    axis, epsilon = form.node.integer("axis", -1), form.node.number("epsilon", 1e-5)
    form.end("RMSNormalization", *form.node.inputs[:2], axis=axis, epsilon=epsilon)


def _skipped(form: Form, bias: int) -> str:
    """The sum of input and skip; the fourth output where somebody reads it."""
    y = form.do("Add", *form.node.inputs[:2])
    if form.node.has(bias):
        y = form.do("Add", y, form.node.input(bias))
    if len(form.node.outputs) > 3 and form.node.outputs[3]:
        y = form.do("Identity", y, outputs=(form.node.outputs[3],))
    return y


def dynamic_mat_mul(form: Form) -> None:
    """DynamicQuantizeMatMul(a, b, b scale, b zero, bias)."""
    names = [f"{form.node.output}//{what}" for what in ("a", "scale", "zero")]
    form.do("DynamicQuantizeLinear", form.node.input(0), outputs=tuple(names))
    _integer_product(form, (names[0], form.node.input(1)), (names[1], form.input(2)),
                     (names[2], form.input(3)), form.input(4))  # fmt: skip


def integer_to_float(form: Form) -> None:
    """MatMulIntegerToFloat(a, b, a scale, b scale, a zero, b zero, bias)."""
    a, b, a_scale, b_scale = form.node.inputs[:4]
    zeros = form.input(4), form.input(5)
    _integer_product(form, (a, b), (a_scale, b_scale), zeros, form.input(6))


def _integer_product(
    form: Form,
    operands: tuple[str, str],
    scales: tuple[str, str],
    zeros: tuple[str, str],
    bias: str,
) -> None:
    whole = form.do("MatMulInteger", *operands, *zeros)
    scale = form.do("Mul", *scales)
    product = (form.do("Cast", whole, to=FLOAT), scale)
    if bias:
        form.end("Add", form.do("Mul", *product), bias)
    else:
        form.end("Mul", *product)


POOLS = "MaxPool", "AveragePool", "GlobalAveragePool"

EXACT = 2**24
"""Whole numbers below it are exact in float32, and so are sums of them."""


def integer_conv(form: Form) -> None:
    """ConvInteger(x, w, x zero, w zero): in float32, over as many channels as stay exact."""
    zero = form.array(3, "weights' zero point") if form.node.has(3) else np.zeros(1)
    weights = form.array(1, "weights").astype(np.int64)
    weights = weights - zero.astype(np.int64).reshape(-1, *(1,) * (weights.ndim - 1))
    x = form.do("Cast", form.node.input(0), to=FLOAT)
    if form.node.has(2):
        x = form.do("Sub", x, form.do("Cast", form.node.input(2), to=FLOAT))
    pieces = 1
    while pieces < weights.shape[1] and _reach(weights, pieces) >= EXACT:
        pieces += 1
    if form.node.integer("group", 1) > 1 or pieces == 1:
        sums = form.like("Conv", [x, form.held(weights.astype(np.float32))])
        form.end("Cast", sums, to=INT32)
        return
    parts = np.array_split(weights, pieces, axis=1)
    names = tuple(f"{form.node.output}//part{i}" for i in range(pieces))
    cuts = form.held(np.array([part.shape[1] for part in parts], np.int64))
    form.do("Split", x, cuts, outputs=names, axis=1)
    total = ""
    for name, part in zip(names, parts, strict=True):
        sums = form.like("Conv", [name, form.held(part.astype(np.float32))])
        whole = form.do("Cast", sums, to=INT32)
        total = form.do("Add", total, whole) if total else whole
    form.end("Identity", total)


def _reach(weights: Array, pieces: int) -> int:
    """The largest sum of bytes times weights over a part of the channels."""
    parts = np.array_split(np.abs(weights), pieces, axis=1)
    return max(int(part.sum(axis=tuple(range(1, part.ndim))).max()) for part in parts) * 255


def mat_mul_n_bits(form: Form) -> None:
    """MatMulNBits(a, packed, scales, zero points): weights of few bits in blocks of rows."""
    size, depth, bits, block = (
        form.node.integer(name, default)
        for name, default in (("N", 0), ("K", 0), ("bits", 4), ("block_size", 32))
    )
    if bits not in (2, 4, 8):
        raise UnsupportedError(f"{form.node}: {bits} bits; 2, 4 and 8 are known")
    blocks = -(-depth // block)
    stored = _unpacked(form.array(1, "weights"), bits).reshape(size, blocks, -1)[..., :block]
    zeros = np.full((size, blocks), 2 ** (bits - 1), np.float32)
    if form.node.has(3):
        given = form.array(3, "zero points")
        is_packed = given.dtype == np.uint8
        zeros = _unpacked(given.reshape(size, -1), bits)[:, :blocks] if is_packed else given
    rows = np.arange(blocks * block) // block
    if form.node.has(4):  # the group of each row
        rows[:depth] = form.array(4, "groups").reshape(-1)[:depth]
    scales = form.array(2, "scales").reshape(size, blocks)
    whole = (stored.reshape(size, -1) - zeros.reshape(size, blocks)[:, rows]) * scales[:, rows]
    weights = whole[:, :depth].T.astype(np.float32)
    product = (form.node.input(0), form.held(np.ascontiguousarray(weights)))
    if form.node.has(5):
        form.end("Add", form.do("MatMul", *product), form.node.input(5))
    else:
        form.end("MatMul", *product)


def _unpacked(packed: Array, bits: int) -> Array:
    """Bytes as numbers of few bits, the low ones first, along the last dimension."""
    places = np.arange(0, 8, bits)
    parts = (packed.astype(np.int64)[..., None] >> places) & (2**bits - 1)
    return parts.reshape(*packed.shape[:-1], -1).astype(np.float32)


def embed_layer_norm(form: Form) -> None:
    """EmbedLayerNormalization(tokens, segments, word, place, segment, gamma, beta, mask, places):
    the norm of the sum of two or three rows of tables; the number of tokens; the sum."""
    tables = [form.input(i) for i in (2, 3, 4)]
    _embedded(form, tables, (form.node.input(5), form.node.input(6)), form.input(8))


def quantised_embed_layer_norm(form: Form) -> None:
    """QEmbedLayerNormalization: the same with five stored tables, their scales and zero points."""
    real = [
        form.do("DequantizeLinear", *(form.node.input(i) for i in (at, at + 6, at + 11)))
        if form.input(at)
        else ""
        for at in range(2, 7)
    ]
    _embedded(form, real[:3], (real[3], real[4]), "")


def _embedded(form: Form, tables: list[str], norm: tuple[str, str], places: str) -> None:
    batch, length = form.shape(form.node.input(0))
    places = places or form.held(np.arange(length, dtype=np.int64)[np.newaxis])
    word, place = (
        form.do("Gather", table, indices, axis=0)
        for table, indices in ((tables[0], form.node.input(0)), (tables[1], places))
    )
    whole = form.do("Add", word, place)
    if form.node.has(1) and tables[2]:
        whole = form.do("Add", whole, form.do("Gather", tables[2], form.node.input(1), axis=0))
    _embedding_extras(form, whole, batch)
    epsilon = form.node.number("epsilon", 1e-12)
    form.end("LayerNormalization", whole, *norm, axis=-1, epsilon=epsilon)


def _embedding_extras(form: Form, whole: str, batch: int) -> None:
    """The second result, how many tokens the mask (input 7) leaves, and the third, the sum."""
    _, count, total = (*form.node.outputs, "", "")[:3]
    if count and form.node.has(7):
        axis = form.held(np.array([1], np.int64))
        seen = form.do("Cast", form.node.input(7), to=FLOAT)
        sums = form.do("ReduceSum", seen, axis, keepdims=0)
        form.do("Cast", sums, outputs=(count,), to=INT32)
    elif count:
        form.constants[count] = Constant(np.zeros(batch, np.int32))
    if total:
        form.do("Identity", whole, outputs=(total,))


def channels_last(form: Form) -> None:
    """A pool over [B, ..., channels]."""
    rank = len(form.shape(form.node.input(0)))
    first, last = (0, rank - 1, *range(1, rank - 1)), (0, *range(2, rank), 1)
    x = form.do("Transpose", form.node.input(0), perm=first)
    y = form.like(form.node.kind.removeprefix(CHANNELS_LAST), [x])
    form.end("Transpose", y, perm=last)


def expand_dims(form: Form) -> None:
    """ExpandDims(x, axis)."""
    form.end("Unsqueeze", form.node.input(0), form.held(form.array(1, "axis").reshape(1)))


def distances(form: Form) -> None:
    """CDist(a [N, D], b [M, D]): how far every row of a is from every row of b."""
    a = form.do("Unsqueeze", form.node.input(0), form.held(np.array([1], np.int64)))
    apart = form.do("Sub", a, form.node.input(1))
    last = form.held(np.array([2], np.int64))
    squares = form.do("ReduceSum", form.do("Mul", apart, apart), last, keepdims=0)
    is_root = form.node.text("metric", "sqeuclidean") == "euclidean"
    form.end("Sqrt" if is_root else "Identity", squares)


FUSED_FORMS: Mapping[str, Rule] = {
    **ATTENTION_FORMS,
    "CDist": distances,
    "ConvInteger": integer_conv,
    "BiasGelu": bias_gelu,
    "DynamicQuantizeMatMul": dynamic_mat_mul,
    "EmbedLayerNormalization": embed_layer_norm,
    "ExpandDims": expand_dims,
    "FastGelu": fast_gelu,
    "FusedConv": fused_conv,
    "FusedGemm": fused_gemm,
    "FusedMatMul": fused_mat_mul,
    "MatMulIntegerToFloat": integer_to_float,
    "MatMulNBits": mat_mul_n_bits,
    **{CHANNELS_LAST + kind: channels_last for kind in POOLS},
    "QEmbedLayerNormalization": quantised_embed_layer_norm,
    "QuickGelu": quick_gelu,
    "SimplifiedLayerNormalization": simple_norm,
    "SkipLayerNormalization": skip_layer_norm,
    "SkipSimplifiedLayerNormalization": skip_simple_norm,
    "TransposeMatMul": fused_mat_mul,
}
