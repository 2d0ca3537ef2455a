"""Bindings of conv2d_groups_s8_dsp.c: int8 convolution in groups, with holes, and depthwise layers
that are neither four channels wide nor of one output channel each."""

from enum import Enum
from math import prod

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.targets.packs.arm_dsp.kernels.depthwise_s8 import FOUR
from tilewright.targets.packs.arm_dsp.kernels.finish import VARIANTS, Variant
from tilewright.targets.packs.arm_dsp.kernels.matrix import ROWS, Tally, next_rows, quads
from tilewright.targets.packs.arm_dsp.kernels.pairs import pack_pairs
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE, Tables
from tilewright.targets.packs.arm_dsp.kernels.words import is_clipped
from tilewright.targets.packs.terms import whole_windows

Grouped = QConv2d | QDepthwiseConv2d


class Kind(Enum):
    """Which operators a kernel serves, by how their weights are paired, which is done before the
    input's channels are known.

    GROUPS  convolutions: each group's output channels by themselves
    EVEN    depthwise layers, neighbouring output channels of which are of the same input channel
    ODD     other depthwise layers: each channel alone
    """

    GROUPS = ""
    EVEN = "depthwise_"
    ODD = "depthwise_odd_"

    @property
    def op(self) -> type[Op]:
        """What it computes."""
        return QConv2d if self is Kind.GROUPS else QDepthwiseConv2d

    def refuse(self, op: Op, signature: Signature) -> str | None:
        """Why this is the task of another kernel."""
        if isinstance(op, QConv2d):
            return _refuse_convolution(op)
        c, made = signature.inputs[0].shape[3], signature.output.shape[3]
        if made == c >= FOUR:
            return f"{c} channels, one output channel of each"
        if (made // c % 2 == 0 or c == 1) is not (self is Kind.EVEN):
            return f"{made // c} output channels per input channel, of which there are {c}"
        return None

    def paired(self, op: Grouped, channels: int) -> int:
        """How many neighbouring output channels are paired among themselves."""
        if isinstance(op, QConv2d):
            return channels // op.groups
        return channels if self is Kind.EVEN else 1


def _refuse_convolution(op: QConv2d) -> str | None:
    if op.is_channels_first:
        return "x is channels first"
    if op.groups == 1 and op.window.dilations == (1, 1):
        return "one group, and no holes in the window"
    return None


def _groups(op: Grouped, signature: Signature) -> int:
    return op.groups if isinstance(op, QConv2d) else signature.inputs[0].shape[3]


def _length(op: Grouped, signature: Signature) -> int:
    """Elements of one group's window."""
    return prod(op.window.kernel) * signature.inputs[0].shape[3] // _groups(op, signature)


def _is_alone(op: Grouped, signature: Signature) -> bool:
    """Whether each output channel meets its window by itself, see Kind.ODD."""
    channels = signature.inputs[0].shape[3]
    return (
        isinstance(op, QDepthwiseConv2d) and Kind.ODD.refuse(op, signature) is None and channels > 1
    )


def _tally(op: Grouped, signature: Signature) -> Tally:
    return Tally.of(4 * quads(_length(op, signature)), op.w_zero)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Grouped)
    batch, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, out_c = signature.output.shape
    window, tally = op.window, _tally(op, signature)
    return {
        "batch": batch, "in_h": h, "in_w": w, "in_c": c,
        "out_h": out_h, "out_w": out_w, "out_c": out_c,
        "groups": _groups(op, signature),
        "parts": out_c // _groups(op, signature) if _is_alone(op, signature) else 1,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "dilation_h": window.dilations[0], "dilation_w": window.dilations[1],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "quads": quads(_length(op, signature)) + tally.elements // 4,
        "sum_elements": tally.elements, "sum_times": tally.times,
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    return prod(signature.output.shape[:-1])


def _scratch_bytes(op: Op, signature: Signature) -> int:
    """Widened windows, offsets, a window as bytes, and four pixels of several groups."""
    assert isinstance(op, Grouped)
    words, count = quads(_length(op, signature)), _groups(op, signature)
    wide = 8 * next_rows(_items(op, signature)) * (words + _tally(op, signature).elements // 4)
    is_words = signature.inputs[0].shape[3] // count % 4 == 0
    offsets = 4 * words * (1 if is_words else 4)
    block = ROWS * signature.output.shape[3] if count > 1 else 0
    return wide + offsets + 4 * words + block


def _pack(kind: Kind, op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """Weights and tables as one array of words, group after group."""
    assert isinstance(op, Grouped)
    w, bias, multiplier, shift = (a for a in constants if a is not None)
    tables = Tables(bias, multiplier, shift).per_channel()
    rows = w.reshape(len(w), -1) if isinstance(op, QConv2d) else w.reshape(-1, w.shape[2]).T
    channels, length = rows.shape
    filled = np.full((channels, 4 * quads(length)), op.w_zero, np.int8)
    filled[:, :length] = rows
    ordered = Tally.of(filled.shape[1], op.w_zero).extended(filled, op.w_zero)
    products, paired = rows.astype(np.int16) - op.w_zero, kind.paired(op, channels)
    words = [
        pack_pairs(ordered[own], products[own], tables.of(own), op.output)
        for own in (slice(at, at + paired) for at in range(0, channels, paired))
    ]
    unused = np.zeros(1, np.int32)
    return None, np.stack(words), unused, unused, unused


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Windows of every group are gathered, four pixels at a time meet pairs of channels."""
    assert isinstance(op, Grouped)
    (_, h, w, c), (n, out_h, out_w, out_c) = signature.inputs[0].shape, signature.output.shape
    window, count, length = op.window, _groups(op, signature), _length(op, signature)
    rows = whole_windows(out_h, window.strides[0], window.pads[0], window.extent[0], h)
    columns = whole_windows(out_w, window.strides[1], window.pads[1], window.extent[1], w)
    pixels, inside, own = n * out_h * out_w, n * rows * columns, c // count
    fours, slow, words = pixels // 4, pixels % 4, quads(length)
    border, tally = pixels - inside, _tally(op, signature).elements
    each = 1 if _is_alone(op, signature) else out_c // count
    pairs, odd = out_c // each * (each // 2), out_c // each * (each % 2)
    by_words, summed = own % 4 == 0, words + tally // 4
    return (
        words * (1 if by_words else 4), pixels, pixels * count,
        inside * count * words * by_words, inside * count * words * (not by_words),
        border * count, border * count * window.kernel[0], border * count * prod(window.kernel),
        border * count * length, border * count * words, pixels * count * words * (tally > 0),
        fours * out_c // each, fours * pairs, fours * odd, fours * (pairs + odd) * summed,
        slow * (pairs + odd), slow * (pairs + odd) * summed, pixels * out_c * (count > 1),
        is_clipped(op.output) * pixels * out_c,
    )  # fmt: skip


TERMS = Terms(
    (
        "offsets", "pixels", "windows", "words", "elements", "borders", "border_rows",
        "border_taps", "border_bytes", "border_words", "summed", "fours", "four_pairs",
        "four_odd", "four_products", "slow_pairs", "slow_products", "moved", "clipped",
    ),
    _terms,
)  # fmt: skip


def _kernel(variant: Variant, kind: Kind) -> Kernel:
    def pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
        return _pack(kind, op, constants)

    return Kernel(
        op=kind.op,
        symbol=f"conv2d_groups_s8_dsp_{kind.value}{variant.name}",
        struct="conv2d_groups_s8_dsp_args",
        header=HERE / "conv2d_groups_s8_dsp.h",
        source=HERE / "conv2d_groups_s8_dsp.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=variant.refuse,
        refuse=kind.refuse,
        fields=_fields,
        items=_items,
        terms=TERMS,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(
            HERE / "dsp_border.h",
            HERE / "dsp_finish.h",
            HERE / "dsp_pairs.h",
            HERE / "dsp_products.h",
            HERE / "dsp_requantise.h",
            HERE / "dsp_widen.h",
            HERE / "dsp_words.h",
        ),
        pack=pack,
    )


CONV2D_GROUPS_S8_DSP = tuple(_kernel(v, kind) for kind in Kind for v in VARIANTS)
