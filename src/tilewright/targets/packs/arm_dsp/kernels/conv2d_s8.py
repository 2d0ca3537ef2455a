"""Bindings of conv2d_s8_dsp_*.c: int8 convolution by gathered patches and SMLAD."""

from dataclasses import dataclass
from math import prod

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array, Shape
from tilewright.ops.conv2d import QConv2d
from tilewright.targets.packs.arm_dsp.kernels.finish import VARIANTS, Variant
from tilewright.targets.packs.arm_dsp.kernels.matrix import Tally, next_rows, quads
from tilewright.targets.packs.arm_dsp.kernels.pairs import pack_pairs
from tilewright.targets.packs.arm_dsp.kernels.refusals import refuse_dilation
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE, Tables
from tilewright.targets.packs.arm_dsp.kernels.words import is_clipped
from tilewright.targets.packs.terms import groups, whole_windows


def _refuse(op: Op, *, is_planar: bool) -> str | None:
    assert isinstance(op, QConv2d)
    if op.is_channels_first is not is_planar:
        return f"x is channels {'first' if op.is_channels_first else 'last'}"
    if op.groups > 1:
        return f"{op.groups} groups, not 1"
    return refuse_dilation(op.window.dilations)


@dataclass(frozen=True, slots=True)
class _Rows:
    """How a window is gathered: planes, rows of each, and words of each row.

    is_split  the last bytes of three rows share a word: 3x3 windows of RGB images
    """

    planes: int
    rows: int
    length: int

    @staticmethod
    def of(op: QConv2d, w: Shape) -> "_Rows":
        """For weights [O,KH,KW,C]."""
        _, kernel_h, kernel_w, c = w
        if op.is_channels_first:
            return _Rows(c, kernel_h, kernel_w)
        return _Rows(1, kernel_h, kernel_w * c)

    @property
    def is_split(self) -> bool:
        return self.planes == 1 and self.rows == 3 and self.length % 4 == 1 and self.length > 1

    @property
    def words(self) -> int:
        return self.length // 4 if self.is_split else quads(self.length)

    @property
    def quads(self) -> int:
        """Words of a whole window, its sum aside."""
        return self.planes * self.rows * self.words + self.is_split

    def tally(self, w_zero: int) -> Tally:
        """Of windows as they are gathered, with what is read behind the ends of rows."""
        return Tally.of(4 * self.quads, w_zero)

    def in_order(self, w: Array, w_zero: int) -> Array:
        """w[O,KH,KW,C] as [O, 4 * quads], in the order in which windows are gathered.

        What is no element of a window meets the zero point, which the sum takes off again.
        """
        rows = w.transpose(0, 3, 1, 2) if self.planes > 1 else w
        rows = rows.reshape(len(w), -1, self.length)
        if self.is_split:
            own, last = rows[..., :-1].reshape(len(w), -1), rows[..., -1]
            return np.concatenate([own, last, np.full((len(w), 1), w_zero, w.dtype)], axis=1)
        filled = np.full((*rows.shape[:2], 4 * self.words), w_zero, w.dtype)
        filled[..., : self.length] = rows
        return filled.reshape(len(w), -1)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QConv2d)
    _, h, w, c = signature.inputs[0].shape
    if op.is_channels_first:
        _, c, h, w = signature.inputs[0].shape
    _, out_h, out_w, out_c = signature.output.shape
    window, rows = op.window, _Rows.of(op, signature.inputs[1].shape)
    tally = rows.tally(op.w_zero)
    return {
        "planes": rows.planes, "in_h": h, "in_w": w, "in_c": c // rows.planes,
        "out_h": out_h, "out_w": out_w, "out_c": out_c,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "is_pointwise": int(_is_pointwise(op, rows)),
        "row_words": rows.words, "is_split": int(rows.is_split),
        "quads": rows.quads + tally.elements // 4,
        "sum_elements": tally.elements, "sum_times": tally.times,
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _is_pointwise(op: QConv2d, rows: _Rows) -> bool:
    return op.window.is_pointwise and rows.planes == 1


def _scratch_bytes(op: Op, signature: Signature) -> int:
    """Widened patches; where a window may reach beyond the input, one plane's rows as bytes."""
    assert isinstance(op, QConv2d)
    rows = _Rows.of(op, signature.inputs[1].shape)
    wide = 8 * next_rows(_items(op, signature)) * (rows.quads + rows.tally(op.w_zero).elements // 4)
    return wide if _is_pointwise(op, rows) else wide + 4 * rows.rows * quads(rows.length)


def _items(op: Op, signature: Signature) -> int:
    del op
    return prod(signature.output.shape[:-1])


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """Weights and tables as one array of words."""
    assert isinstance(op, QConv2d)
    w, bias, multiplier, shift = (a for a in constants if a is not None)
    tables = Tables(bias, multiplier, shift).per_channel()
    rows = _Rows.of(op, w.shape)
    ordered = rows.tally(op.w_zero).extended(rows.in_order(w, op.w_zero), op.w_zero)
    words = pack_pairs(ordered, w.astype(np.int16) - op.w_zero, tables, op.output)
    unused = np.zeros(1, np.int32)
    return None, words, unused, unused, unused


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Patches are widened, four at a time meet pairs of channels; fewer than four go slowly."""
    assert isinstance(op, QConv2d)
    (n, out_h, out_w, channels), rows = (
        signature.output.shape, _Rows.of(op, signature.inputs[1].shape)
    )  # fmt: skip
    pixels, pairs = n * out_h * out_w, channels // 2
    fours, slow = pixels // 4, pixels % 4
    odd, slow_pairs = channels % 2, slow * groups(channels, 2)
    wide = gathered = at_once = 0
    border, tally = _border_pixels(op, signature), rows.tally(op.w_zero).elements
    words = rows.quads + tally // 4
    if not _is_pointwise(op, rows):
        gathered, wide = pixels * rows.planes, pixels * rows.planes * rows.rows
    elif signature.inputs[0].shape[3] % 4 == 0:
        at_once, wide = fours, slow
    else:
        wide = pixels
    return (
        fours, wide, (pixels - 4 * at_once) * rows.quads, at_once * rows.quads, gathered,
        border * rows.planes, border * rows.planes * rows.rows,
        border * rows.planes * rows.rows * rows.length,
        fours * pairs, fours * pairs * words, fours * odd, fours * odd * words,
        slow_pairs, slow_pairs * words, pixels * rows.quads * (tally > 0),
        is_clipped(op.output) * pixels * channels,
    )  # fmt: skip


def _border_pixels(op: QConv2d, signature: Signature) -> int:
    """Output pixels whose windows reach beyond the input, and are padded first."""
    x, (n, out_h, out_w, _) = signature.inputs[0].shape, signature.output.shape
    h, w = x[2:] if op.is_channels_first else x[1:3]
    window = op.window
    rows = whole_windows(out_h, window.strides[0], window.pads[0], window.kernel[0], h)
    columns = whole_windows(out_w, window.strides[1], window.pads[1], window.kernel[1], w)
    return n * (out_h * out_w - rows * columns)


TERMS = Terms(
    (
        "fours", "widened_rows", "widened_words", "four_words", "windows", "borders",
        "border_rows", "border_bytes", "four_pairs", "four_products", "four_odd",
        "four_odd_products", "slow_pairs", "slow_products", "summed",
        "clipped",
    ),
    _terms,
)  # fmt: skip


def _kernel(variant: Variant, *, is_planar: bool) -> Kernel:
    symbol = f"conv2d_s8_dsp_{'planes_' if is_planar else ''}{variant.name}"

    def refuse(op: Op, signature: Signature) -> str | None:
        del signature
        return _refuse(op, is_planar=is_planar)

    return Kernel(
        op=QConv2d,
        symbol=symbol,
        struct="conv2d_s8_dsp_args",
        header=HERE / "conv2d_s8_dsp.h",
        source=HERE / "conv2d_s8_dsp.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=variant.refuse,
        refuse=refuse,
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
        pack=_pack,
    )


CONV2D_S8_DSP = tuple(_kernel(v, is_planar=p) for p in (False, True) for v in VARIANTS)
