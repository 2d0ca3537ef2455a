"""Batch normalisation is a scale and an offset per channel: it belongs into the weights."""

from math import inf

import numpy as np

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, obstacle
from tilewright.ir.graph import Node, Value, ValueName
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Add, BatchNorm, Mul


def fold_batch_norm(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """BatchNorm scales the real weights and bias of the layer before it."""
    if not isinstance(node.op, BatchNorm):
        return None
    terms = _scale_and_offset(draft, node, node.op)
    if terms is None:
        return NoMatch("its scale, bias, mean and variance are not real constants")
    name = node.inputs[0]
    producer = draft.producer(name)
    if producer is None or not isinstance(producer.op, (Conv2d, DepthwiseConv2d, Dense)):
        return NoMatch(f"{name} does not come from a convolution or dense layer")
    x, w, b = producer.inputs
    are_real = all(n in draft.constants and draft.is_real(n) for n in (w, b))
    is_clipped = (producer.op.low, producer.op.high) != (-inf, inf)
    if no := obstacle(
        (not draft.is_real(name), f"{name} is quantised before it"),
        (not draft.is_only_read_by(name, node), f"{name} has other readers"),
        (is_clipped, f"{producer} is clipped before it"),
        (not are_real, f"weights or bias of {producer} are stored as integers or not constant"),
    ):
        return no
    weights, bias = draft.constants[w], draft.constants[b]
    scale, offset = terms
    # Output channels run along the last axis of depthwise weights, along the first of others.
    last = isinstance(producer.op, DepthwiseConv2d)
    factors = scale if last else scale.reshape(-1, *(1,) * (weights.ndim - 1))
    rewrite = Rewrite(draft, node)
    inputs = (
        x,
        rewrite.constant(w, (weights * factors).astype(np.float32)),
        rewrite.constant(b, (bias * scale + offset).astype(np.float32)),
    )
    return rewrite.finish(producer.op, inputs, producer.name)


def split_batch_norm(draft: Draft, node: Node) -> Rewrite | None:
    """A BatchNorm that folds into nothing becomes Mul and Add by constants."""
    if not isinstance(node.op, BatchNorm):
        return None
    terms = _scale_and_offset(draft, node, node.op)
    if terms is None:
        return None
    rewrite = Rewrite(draft, node)
    scale, offset = (
        rewrite.constant(f"{node.output}.{kind}", term.astype(np.float32))
        for kind, term in zip(("scale", "offset"), terms, strict=True)
    )
    scaled = TensorType(DType.F32, draft.type(node.output).shape)
    value = Value(ValueName(f"{node.output}.scaled"), scaled)
    inner = rewrite.insert(f"{node.name}.scale", Mul(), (node.inputs[0], scale), value)
    return rewrite.finish(Add(), (inner, offset))


def _scale_and_offset(draft: Draft, node: Node, op: BatchNorm) -> tuple[Array, Array] | None:
    """y = x * scale + offset, in float64."""
    if any(name not in draft.constants or not draft.is_real(name) for name in node.inputs[1:]):
        return None
    scale, bias, mean, variance = (
        draft.constants[name].astype(np.float64) for name in node.inputs[1:]
    )
    factor = scale / np.sqrt(variance + op.epsilon)
    return factor, bias - mean * factor
