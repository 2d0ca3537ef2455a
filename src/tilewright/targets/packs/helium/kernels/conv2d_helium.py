"""Bindings of conv2d_helium_*.c and conv2d_short_helium_*.c."""

from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.helium.kernels.conv2d_terms import (
    CENTRED,
    GATHERED,
    LONG,
    SHORTLY,
    centred_terms,
    gathered,
    in_pairs,
    long_terms,
    short_terms,
)
from tilewright.targets.packs.helium.kernels.variants import HERE, ROUNDINGS
from tilewright.targets.packs.helium.kernels.weights import (
    LANES,
    ROWS,
    interleave,
    per_channel,
    products,
    round_up,
    vector_shifts,
)
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.portable.kernels.refusals import above

SHORT = 32
"""Elements of a window that stay in registers: two vectors for each of two pixels."""

STRIP_BYTES = 2048
"""Gathered input columns take no more, unless two output pixels need more."""


def _refuse(op: Op, signature: Signature) -> str | None:
    del signature
    assert isinstance(op, QConv2d)
    if op.groups > 1 or op.is_channels_first:
        return "channels are in groups or come first"
    return "weights have a zero point" if op.w_zero else None


def _refuse_centred(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QConv2d)
    if not op.w_zero:
        return "weights have no zero point"
    return _refuse(replace(op, w_zero=0), signature)


def _is_direct(op: QConv2d) -> bool:
    return op.window.kernel == (1, 1) and not any(op.window.pads)


def _strip(op: QConv2d, signature: Signature) -> int:
    """Output pixels per gathered strip; 0 where the input is read in place."""
    if _is_direct(op):
        return 0
    kernel_h, kernel_w = op.window.kernel[0], op.window.extent[1]
    column = kernel_h * signature.inputs[0].shape[3]
    pixels = (STRIP_BYTES // column - kernel_w) // op.window.strides[1] + 1
    return min(signature.output.shape[2], max(pixels & ~1, 2))


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QConv2d)
    _, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, out_c = signature.output.shape
    window = op.window
    return {
        "in_h": h, "in_w": w, "in_c": c,
        "out_h": out_h, "out_w": out_w, "out_c": out_c,
        "kernel_h": window.kernel[0], "kernel_w": window.extent[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "dilation_h": window.dilations[0],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "x_zero": op.x_zero, "w_zero": op.w_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "strip": _strip(op, signature),
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    n, out_h, out_w, _ = signature.output.shape
    return n * out_h * out_w


def _window(op: QConv2d, signature: Signature) -> int:
    """Elements that one output element is a sum over, those between dilated columns too."""
    return op.window.kernel[0] * op.window.extent[1] * signature.inputs[0].shape[3]


def _columns_bytes(op: Op, signature: Signature) -> int:
    """What gathered strips take."""
    assert isinstance(op, QConv2d)
    kernel_h, kernel_w = op.window.kernel[0], op.window.extent[1]
    strip = _strip(op, signature)
    columns = (strip - 1) * op.window.strides[1] + kernel_w if strip else 0
    return round_up(columns * kernel_h * signature.inputs[0].shape[3], 4)


def _scratch_bytes(op: Op, signature: Signature) -> int:
    accumulators = 2 * 4 * round_up(signature.output.shape[3], 4)
    return accumulators + _columns_bytes(op, signature)


def _short_scratch_bytes(op: Op, signature: Signature) -> int:
    return max(_columns_bytes(op, signature), 4)


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QConv2d)
    strip, length = _strip(op, signature), _window(op, signature)
    pairs = in_pairs(op, signature, strip)
    return *gathered(op, signature, strip), *long_terms(op, signature, length, pairs)


def _centred_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QConv2d)
    pairs = in_pairs(op, signature, _strip(op, signature))
    length = _window(op, signature)
    return *_terms(op, signature), *centred_terms(signature, length, pairs)


def _short_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QConv2d)
    strip, length = _strip(op, signature), _window(op, signature)
    return *gathered(op, signature, strip), *short_terms(op, signature, length, strip)


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    assert isinstance(op, QConv2d)
    x, w, bias, multiplier, shift = products(constants)
    shifts = vector_shifts(shift, op.output.rounding)
    tables = (per_channel(table, len(w)) for table in (bias, multiplier, shifts))
    return x, interleave(_rows(op, w), ROWS, rest_apart=True), *tables


def _pack_short(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    assert isinstance(op, QConv2d)
    x, w, bias, multiplier, shift = products(constants)
    rows = _rows(op, w)
    padded = np.zeros((round_up(len(w), 4), round_up(rows.shape[1], LANES)), np.int8)
    padded[: len(w), : rows.shape[1]] = rows
    shifts = vector_shifts(shift, op.output.rounding)
    return x, padded, *(per_channel(table, len(w)) for table in (bias, multiplier, shifts))


def _rows(op: QConv2d, w: Array) -> Array:
    """[O, extent_w * kernel_h * C]: w_zero, so nothing, between dilated columns."""
    outputs, rows, _, channels = w.shape
    wide = np.full((outputs, op.window.extent[1], rows, channels), op.w_zero, np.int8)
    wide[:, :: op.window.dilations[1]] = w.transpose(0, 2, 1, 3)
    return wide.reshape(outputs, -1)


def _refuse_long(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QConv2d)
    return _refuse(op, signature) or above("the window's size", _window(op, signature), SHORT)


INCLUDES = (HERE / "fill_helium.h", HERE / "gather_helium.h", HERE / "helium_rescale.h")


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QConv2d,
        symbol=f"conv2d_helium_{rounding.value}",
        struct="conv2d_helium_args",
        header=HERE / "conv2d_helium.h",
        source=HERE / f"conv2d_helium_{rounding.value}.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding),
        refuse=_refuse,
        fields=_fields,
        items=_items,
        terms=Terms((*GATHERED, *LONG), _terms),
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(
            HERE / "conv2d_helium_core.h",
            HERE / "dot_helium.h",
            HERE / "finish_helium.h",
            HERE / f"conv2d_helium_{rounding.value}.h",
            *INCLUDES,
        ),
        pack=_pack,
    )


def _centred_kernel(rounding: Rounding) -> Kernel:
    plain = _kernel(rounding)
    return replace(
        plain,
        symbol=f"conv2d_centred_helium_{rounding.value}",
        source=HERE / f"conv2d_centred_helium_{rounding.value}.c",
        refuse=_refuse_centred,
        terms=Terms((*GATHERED, *LONG, *CENTRED), _centred_terms),
        includes=(
            *plain.includes, HERE / "conv2d_centred_helium.h", HERE / "row_sum_helium.h",
        ),
    )  # fmt: skip


def _short_kernel(rounding: Rounding) -> Kernel:
    return replace(
        _kernel(rounding),
        symbol=f"conv2d_short_helium_{rounding.value}",
        source=HERE / f"conv2d_short_helium_{rounding.value}.c",
        refuse=_refuse_long,
        terms=Terms((*GATHERED, *SHORTLY), _short_terms),
        scratch_bytes=_short_scratch_bytes,
        includes=(HERE / "clip_helium.h", HERE / "conv2d_short_helium_core.h", *INCLUDES),
        pack=_pack_short,
    )


CONV2D_HELIUM = (
    *map(_kernel, ROUNDINGS), *map(_centred_kernel, ROUNDINGS), *map(_short_kernel, ROUNDINGS),
)  # fmt: skip
