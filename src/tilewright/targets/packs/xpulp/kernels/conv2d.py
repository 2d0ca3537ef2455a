"""Bindings of conv2d_xpulp.c: int8 convolution."""

from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, MultipleOf, Signature
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import ROUNDINGS, rounds_as
from tilewright.targets.packs.xpulp.kernels.shared import (
    COMMON,
    CORES,
    DOT,
    HERE,
    MOST_PRODUCTS,
    OVERRUN,
    ROWS,
    finished,
    interleaved,
    padded,
    products,
    round_up,
    shared_out,
)

CHUNKS = 8
PATCHES_BYTES = 1024
"""Gathered patches take no more, unless four need more."""
MOST_BEYOND = 1.4
"""Times the elements of a run that may be read."""
ENOUGH = 1.06
"""How much more than an equal share a core may have."""


def _is_pointwise(op: QConv2d) -> bool:
    window = op.window
    return window.kernel == (1, 1) and window.strides == (1, 1) and not any(window.pads)


def _is_strip(op: QConv2d, in_c: int) -> bool:
    """Whether windows are read where they lie, row by row: a row of the window is one run of whole
    words, or of several of which the last reads beyond it."""
    run = op.window.kernel[1] * in_c
    is_long = in_c % 4 == 0 or (run > 4 and round_up(run, 4) <= MOST_BEYOND * run)
    return op.window.dilations[1] == 1 and is_long


def _run(op: QConv2d, in_c: int) -> int:
    """Elements that lie one behind the other: of a row of the window, or of a gathered patch."""
    rows, columns = op.window.kernel
    return columns * in_c if _is_strip(op, in_c) else rows * columns * in_c


def _products(signature: Signature) -> int:
    w = signature.inputs[1]
    return w.size // w.shape[0]


def _refuse_any(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QConv2d)
    if op.groups > 1 or op.is_channels_first:
        return "channels are in groups or come first"
    if op.w_zero:
        return "weights have a zero point"
    if _products(signature) > MOST_PRODUCTS:
        return f"{_products(signature):,} products per sum, at most {MOST_PRODUCTS:,}"
    return None


def _refuse(op: Op, signature: Signature) -> str | None:
    channels = signature.output.shape[3]
    if channels % ROWS:
        return f"{channels} output channels, no multiple of {ROWS}"
    return _refuse_any(op, signature)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QConv2d)
    n, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, out_c = signature.output.shape
    window = op.window
    if _is_pointwise(op):
        h, w, out_h, out_w = 1, n * h * w, 1, n * out_h * out_w
    return {
        "in_h": h, "in_w": w, "in_c": c,
        "out_h": out_h, "out_w": out_w, "out_c": out_c,
        "pixels": n * out_h * out_w if not _is_pointwise(op) else out_w,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "dilation_h": window.dilations[0], "dilation_w": window.dilations[1],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "words": round_up(_run(op, c), 4) // 4,
        "rows": window.kernel[0] if _is_strip(op, c) else 0,
        "item_channels": _item_channels(op, signature),
        "patch_blocks": _patch_blocks(op, signature),
    }  # fmt: skip


def _blocks(op: QConv2d, signature: Signature) -> int:
    """Of four pixels: of a row, or of all images."""
    n, out_h, out_w, _ = signature.output.shape
    if _is_strip(op, signature.inputs[0].shape[3]) and not _is_pointwise(op):
        return n * out_h * -(-out_w // ROWS)
    return -(-n * out_h * out_w // ROWS)


def _item_channels(op: QConv2d, signature: Signature) -> int:
    """Few enough that eight cores have equal shares, as far as there are channels."""
    channels = signature.output.shape[3]
    blocks, groups = _blocks(op, signature), -(-channels // ROWS)
    # 1x1: few channels with many pixels stay in the instruction cache.
    fewest, most = (min(groups, CORES), groups) if _is_pointwise(op) else (1, min(groups, CHUNKS))
    for chunks in range(fewest, most + 1):
        each = -(-groups // chunks)
        items = blocks * -(-groups // each)
        # What the busiest core does, against equal shares.
        if -(-items // CORES) * each * CORES <= ENOUGH * blocks * groups:
            return min(each * ROWS, channels)
    return min(-(-groups // most) * ROWS, channels)


def _items(op: Op, signature: Signature) -> int:
    assert isinstance(op, QConv2d)
    chunks = -(-signature.output.shape[3] // _item_channels(op, signature))
    return _blocks(op, signature) * chunks


def _patch_blocks(op: QConv2d, signature: Signature) -> int:
    """Few enough that patches take little memory."""
    block = ROWS * round_up(_products(signature), 4)
    share = -(-_blocks(op, signature) // CORES)
    return max(1, min(PATCHES_BYTES // block, share))


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QConv2d)
    c = signature.inputs[0].shape[3]
    if not _is_strip(op, c):
        block = ROWS * round_up(_products(signature), 4)
        return _patch_blocks(op, signature) * block + OVERRUN
    columns = (ROWS - 1) * op.window.strides[1] + op.window.kernel[1]
    return round_up(op.window.kernel[0] * columns * c, 4) + OVERRUN


def _cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, QConv2d)
    in_c = signature.inputs[0].shape[3]
    words = _products(signature) // _run(op, in_c) * round_up(_run(op, in_c), 4) // 4
    groups = -(-_item_channels(op, signature) // ROWS)
    if _is_pointwise(op):
        runs = -(-signature.output.shape[3] // (groups * ROWS)) // CORES + 1
        return shared_out(_items(op, signature), groups * (25 * words + 120)) + CORES * (
            300 + 150 * runs
        )
    each = 24 * words + 160 if in_c % 4 == 0 else 27 * words + 160
    ready = 40
    if not _is_strip(op, in_c):
        ready = ROWS * (80 + 35 * op.window.kernel[0])  # patches
    else:
        ready = 150 + 8 * words  # one block in four is a strip at the edge
        each += 5 * op.window.kernel[0]
    return shared_out(_items(op, signature), ready + groups * each) + 300 * CORES


def _in_words(rows: Array, runs: int) -> Array:
    """s8[O, K] → each of the runs filled up with zeros to whole words."""
    count, length = len(rows), rows.shape[1] // runs
    whole = np.zeros((count, runs, round_up(length, 4)), np.int8)
    whole[:, :, :length] = rows.reshape(count, runs, length)
    return whole.reshape(count, -1)


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    assert isinstance(op, QConv2d)
    x, w, bias, multiplier, shift = products(constants)
    rows = np.ascontiguousarray(w).reshape(len(w), -1)
    kernel_h, in_c = w.shape[1], w.shape[3]
    runs = kernel_h if _is_strip(op, in_c) else 1
    packed = interleaved(padded(_in_words(rows, runs)))
    tables = finished(rows, (bias, multiplier, shift), op.output)
    return x, packed.reshape(w.shape) if packed.size == w.size else packed, *tables


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QConv2d,
        symbol=f"conv2d_xpulp_{rounding.value}",
        struct="conv2d_xpulp_args",
        header=HERE / "conv2d_xpulp.h",
        source=HERE / "conv2d_xpulp.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding, wraps=True),
        refuse=_refuse,
        fields=_fields,
        items=_items,
        cycles=_cycles,
        code_bytes=2600,
        scratch_bytes=_scratch_bytes,
        includes=(HERE / "conv2d_xpulp_core.h", *DOT, *COMMON),
        pack=_pack,
        limits=(MultipleOf(3, ROWS),),
    )


def _any(strict: Kernel, rounding: Rounding) -> Kernel:
    return replace(
        strict, symbol=f"conv2d_any_xpulp_{rounding.value}", refuse=_refuse_any, limits=()
    )


CONV2D_XPULP = tuple(map(_kernel, ROUNDINGS))
CONV2D_ANY_XPULP = tuple(map(_any, CONV2D_XPULP, ROUNDINGS))
