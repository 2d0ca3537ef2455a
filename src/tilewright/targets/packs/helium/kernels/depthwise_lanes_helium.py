"""Bindings of depthwise_lanes_helium_*.c: sixteen output elements in the lanes of vectors."""

from dataclasses import dataclass
from math import lcm, prod

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.helium.kernels.depthwise_geometry import as_row
from tilewright.targets.packs.helium.kernels.variants import HERE, ROUNDINGS
from tilewright.targets.packs.helium.kernels.weights import (
    LANES,
    products,
    round_up,
    vector_shifts,
)
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.terms import groups

WIDENED = (0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15)
"""Elements of a vector in the order in which products and sums widen it."""

MOST_COPIES = 4
"""How often weights may repeat for whole vectors, unless channels are less than one."""

POINTER = 4
LOWEST = -128
NINE = (3, 3)


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QDepthwiseConv2d)
    if signature.inputs[0].shape[3] != signature.output.shape[3]:
        return "an input channel has several output channels"
    return "weights have a zero point" if op.w_zero else None


@dataclass(frozen=True, slots=True)
class _Sets:
    """Which channels each vector of sixteen output elements has.

    period  elements of an output row after which sets repeat; 0: they are those of one pixel
    """

    count: int
    period: int

    @staticmethod
    def of(op: QDepthwiseConv2d, channels: int) -> "_Sets":
        """At stride one, neighbouring outputs read neighbouring inputs, whatever their pixels."""
        period = lcm(channels, LANES)
        is_run = op.window.strides == (1, 1)
        if is_run and (channels < LANES or period <= MOST_COPIES * channels):
            return _Sets(period // LANES, period)
        return _Sets(groups(channels, LANES), 0)

    def spread(self, table: Array) -> Array:
        """[..., channels] as [..., sets, 16], anything where there is no channel."""
        *outer, channels = table.shape
        every = np.arange(self.count * LANES) % channels
        return table[..., every].reshape(*outer, self.count, LANES)

    def vectors(self, pixels: int, channels: int) -> int:
        """Of one output row."""
        return groups(pixels * channels, LANES) if self.period else pixels * self.count


@dataclass(frozen=True, slots=True)
class _Rows:
    """Input rows in scratch, as they are, between their padding."""

    left: int
    columns: int
    size: int

    @staticmethod
    def of(op: QDepthwiseConv2d, signature: Signature) -> "_Rows":
        _, _, out_w, channels = signature.output.shape
        wanted = (out_w - 1) * op.window.strides[1] + op.window.extent[1]
        left = min(op.window.pads[1], wanted)
        columns = min(signature.inputs[0].shape[2], wanted - left)
        return _Rows(left, columns, wanted * channels)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDepthwiseConv2d)
    op, signature = as_row(op, signature)
    _, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, _ = signature.output.shape
    window, rows, sets = op.window, _Rows.of(op, signature), _Sets.of(op, c)
    return {
        "in_h": h, "in_w": w, "channels": c, "out_h": out_h, "out_w": out_w,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "dilation_h": window.dilations[0], "dilation_w": window.dilations[1],
        "pad_top": window.pads[0], "pad_left": rows.left,
        "sets": sets.count, "period": sets.period,
        "columns": rows.columns, "row": rows.size, "turns": int(window.dilations[0] == 1),
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    n, out_h, out_w, _ = signature.output.shape
    return n * out_h * out_w


def _scratch_bytes(op: Op, signature: Signature) -> int:
    """Two pointers for every element of a window, rows, and a vector that is read in vain."""
    assert isinstance(op, QDepthwiseConv2d)
    op, signature = as_row(op, signature)
    rows = op.window.kernel[0] * _Rows.of(op, signature).size
    return 2 * POINTER * (prod(op.window.kernel) + 1) + round_up(rows + LANES, 4)


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """All in one array of words: how many pairs of elements a window has; then for each set shifts,
    biases and multipliers as sums lie, and weights in pairs.

    Beside a weight is zero where two products would overflow int16.
    """
    assert isinstance(op, QDepthwiseConv2d)
    x, w, bias, multiplier, shift = products(constants)
    channels = w.shape[2]
    sets = _Sets.of(op, channels)
    rows = w.transpose(1, 0, 2).reshape(-1, channels)
    taps = np.zeros((round_up(len(rows), 2), channels), np.int8)
    taps[: len(rows)] = rows
    if ((taps[::2] == LOWEST) & (taps[1::2] == LOWEST)).any():
        taps = np.stack([rows, np.zeros_like(rows)], axis=1).reshape(-1, channels)
    weights = sets.spread(taps).swapaxes(0, 1).reshape(sets.count, -1)
    tables = [
        sets.spread(np.broadcast_to(table, (channels,)))[:, WIDENED]
        for table in (vector_shifts(shift, op.output.rounding), bias, multiplier)
    ]
    words = [np.ascontiguousarray(part).view(np.int32) for part in (*tables, weights)]
    pairs = np.array([len(taps) // 2], np.int32)
    unused = np.zeros(1, np.int32)
    whole = np.concatenate([pairs, np.concatenate(words, axis=1).ravel()])
    return x, whole, unused, unused, unused


TERMS = (
    "rows", "row_vectors", "filled", "lines", "taps", "jobs", "vectors", "pairs", "nines", "signed",
)  # fmt: skip
"""Input rows, what is copied of them, vectors of padding; output rows, elements of windows that
are found for each, runs of one set; vectors of outputs, their pairs of products, or those of 3x3
windows; vectors of either sign."""


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QDepthwiseConv2d)
    op, signature = as_row(op, signature)
    n, out_h, out_w, c = signature.output.shape
    window, geometry, sets = op.window, _Rows.of(op, signature), _Sets.of(op, c)
    kernel_h = window.kernel[0]
    again = (out_h - 1) * min(window.strides[0], kernel_h) + kernel_h
    rows = n * (again if window.dilations[0] == 1 else out_h * kernel_h)
    lines, size = n * out_h, prod(window.kernel)
    vectors = lines * sets.vectors(out_w, c)
    is_nine, is_padded = window.kernel == NINE, geometry.columns * c < geometry.size
    filled = groups(kernel_h * geometry.size, LANES) * is_padded
    return (
        rows, rows * groups(geometry.columns * c, LANES), filled,
        lines, lines * (kernel_h if is_nine else size),
        lines * min(sets.count, groups(out_w * c, LANES)), vectors,
        0 if is_nine else vectors * groups(size, 2), vectors * is_nine,
        vectors * (op.output.low < op.output.zero),
    )  # fmt: skip


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QDepthwiseConv2d,
        symbol=f"depthwise_lanes_helium_{rounding.value}",
        struct="depthwise_lanes_helium_args",
        header=HERE / "depthwise_lanes_helium.h",
        source=HERE / f"depthwise_lanes_helium_{rounding.value}.c",
        pointers=("x", "table", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding),
        refuse=_refuse,
        fields=_fields,
        items=_items,
        terms=Terms(TERMS, _terms),
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=2),
        includes=(
            HERE / "depthwise_lanes_helium_asm.h",
            HERE / "depthwise_lanes_helium_core.h",
            HERE / "fill_helium.h",
            HERE / "helium_rescale.h",
        ),
        pack=_pack,
    )


DEPTHWISE_LANES_HELIUM = tuple(map(_kernel, ROUNDINGS))
