"""Bindings of conv2d_f32, depthwise_f32 and dense_f32."""

from math import prod
from pathlib import Path

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array, DType
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.portable.kernels.window2d import window_fields
from tilewright.targets.packs.terms import groups, taps_inside

HERE = Path(__file__).parent
LANES = 8
"""F32_LANES of products_f32.h."""

Constants = tuple[Array | None, ...]


def in_lanes(w: Array) -> Array:
    """Weights [outputs, ...] as [ceil(outputs / LANES), ..., LANES], filled up with zeros."""
    blocks = -(-w.shape[0] // LANES)
    filled = np.zeros((blocks * LANES, *w.shape[1:]), np.float32)
    filled[: w.shape[0]] = w
    return np.ascontiguousarray(np.moveaxis(filled.reshape(blocks, LANES, *w.shape[1:]), 1, -1))


def _pack_dense(op: Op, constants: Constants) -> Constants:
    del op
    x, w, bias = constants
    assert w is not None
    return x, in_lanes(w), bias


def _pack_conv2d(op: Op, constants: Constants) -> Constants:
    assert isinstance(op, Conv2d)
    x, w, bias = constants
    assert w is not None
    return x, np.stack([in_lanes(group) for group in np.split(w, op.groups)]), bias


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.F32,) * 3, DType.F32)


def _conv2d_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Conv2d)
    x, w = signature.inputs[0].shape, signature.inputs[1].shape
    steps = [prod(x[d + 1 :]) for d in range(4)]
    if op.is_channels_first:
        n, c, h, wd = x
        x = (n, h, wd, c)
        steps = [steps[0], steps[2], steps[3], steps[1]]
    return {
        **window_fields(op.window, x, signature.output.shape),
        "groups": op.groups,
        "depth": w[3],
        "outputs": w[0] // op.groups,
        **dict(zip(("step_n", "step_h", "step_w", "step_c"), steps, strict=True)),
        "low": float(op.low),
        "high": float(op.high),
    }


def _depthwise_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, DepthwiseConv2d)
    x, y = signature.inputs[0].shape, signature.output.shape
    return {
        **window_fields(op.window, x, y),
        "outputs": y[3],
        "multiplier": y[3] // x[3],
        "low": float(op.low),
        "high": float(op.high),
    }


def _dense_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Dense)
    outputs, depth = signature.inputs[1].shape
    return {"depth": depth, "outputs": outputs, "low": float(op.low), "high": float(op.high)}


def _sums(rows: int, outputs: int, runs_: int, products: int) -> tuple[int, ...]:
    """Counts for SUMS: eight outputs at a time, over ``runs_`` runs of inputs per row."""
    blocks = groups(outputs, LANES)
    return rows, rows * blocks, runs_ * blocks, products * blocks, rows * outputs


SUMS = ("rows", "blocks", "runs", "products", "outputs")


def _conv2d_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, Conv2d)
    x, w = signature.inputs[0].shape, signature.inputs[1].shape
    size = x[2:] if op.is_channels_first else x[1:3]
    n, out_h, out_w, _ = signature.output.shape
    rows, columns = taps_inside(op.window, (size[0], size[1]), (out_h, out_w))
    taps = n * rows * columns * op.groups
    return _sums(n * out_h * out_w * op.groups, w[0] // op.groups, taps, taps * w[3])


def _depthwise_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, DepthwiseConv2d)
    (_, h, w, c), (n, out_h, out_w, outputs) = signature.inputs[0].shape, signature.output.shape
    rows, columns = taps_inside(op.window, (h, w), (out_h, out_w))
    pixels, taps = n * out_h * out_w, n * rows * columns
    blocks, divided = groups(outputs, LANES), taps * outputs * (outputs > c)
    return (
        pixels, pixels * blocks, taps * blocks, taps * outputs - divided, divided,
        pixels * outputs,
    )  # fmt: skip


def _dense_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    rows, (outputs, depth) = output_rows(op, signature), signature.inputs[1].shape
    return _sums(rows, outputs, rows, rows * depth)


CONV2D_F32 = Kernel(
    op=Conv2d,
    symbol="conv2d_f32",
    struct="conv2d_f32_args",
    header=HERE / "conv2d_f32.h",
    source=HERE / "conv2d_f32.c",
    pointers=("x", "w", "bias", "y"),
    refuse=_refuse,
    fields=_conv2d_fields,
    items=output_rows,
    terms=Terms(SUMS, _conv2d_terms),
    includes=(HERE / "products_f32.h", HERE / "clip_f32_core.h", HERE / "window2d.h"),
    pack=_pack_conv2d,
)

DEPTHWISE_F32 = Kernel(
    op=DepthwiseConv2d,
    symbol="depthwise_f32",
    struct="depthwise_f32_args",
    header=HERE / "depthwise_f32.h",
    source=HERE / "depthwise_f32.c",
    pointers=("x", "w", "bias", "y"),
    refuse=_refuse,
    fields=_depthwise_fields,
    items=output_rows,
    terms=Terms(
        ("rows", "blocks", "runs", "products", "divided_products", "outputs"), _depthwise_terms
    ),
    streaming=Streaming(inputs=(0,), block_axes=0),
    includes=(HERE / "products_f32.h", HERE / "clip_f32_core.h", HERE / "window2d.h"),
)

DENSE_F32 = Kernel(
    op=Dense,
    symbol="dense_f32",
    struct="dense_f32_args",
    header=HERE / "dense_f32.h",
    source=HERE / "dense_f32.c",
    pointers=("x", "w", "bias", "y"),
    refuse=_refuse,
    fields=_dense_fields,
    items=output_rows,
    terms=Terms(SUMS, _dense_terms),
    includes=(HERE / "products_f32.h", HERE / "clip_f32_core.h"),
    pack=_pack_dense,
)
