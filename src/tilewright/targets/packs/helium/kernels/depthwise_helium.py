"""Bindings of depthwise_helium_*.c and depthwise_blocks_helium_*.c."""

from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.columns import as_row
from tilewright.targets.packs.helium.kernels.depthwise_geometry import AT_ONCE, Geometry
from tilewright.targets.packs.helium.kernels.depthwise_terms import DEPTHWISE, depthwise_terms
from tilewright.targets.packs.helium.kernels.variants import HERE, ROUNDINGS
from tilewright.targets.packs.helium.kernels.weights import (
    LANES,
    per_channel,
    products,
    round_up,
    vector_shifts,
)
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.terms import groups


def _fields(op: Op, signature: Signature, block: int = 0) -> Fields:
    """block: input channels that go together; 0: all."""
    assert isinstance(op, QDepthwiseConv2d)
    op, signature = as_row(op, signature)
    _, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, out_c = signature.output.shape
    window, geometry = op.window, Geometry.of(op, signature)
    return {
        "in_h": h, "in_w": w, "in_c": c,
        "out_h": out_h, "out_w": out_w, "out_c": out_c, "multiple": out_c // c,
        "kernel_h": window.kernel[0], "taps": geometry.taps,
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "dilation_h": window.dilations[0],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "turns": int(geometry.turns(op)), "block": block or c,
        "columns": geometry.columns, "plane": geometry.plane,
        "planes": geometry.planes(block or c), "at_once": min(out_w, AT_ONCE),
        "x_zero": op.x_zero, "w_zero": op.w_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _block_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDepthwiseConv2d)
    return _fields(op, signature, _block(op, signature))


def _block(op: QDepthwiseConv2d, signature: Signature) -> int:
    return Geometry.of(*as_row(op, signature)).block(signature.inputs[0].shape[3])


def _items(op: Op, signature: Signature) -> int:
    del op
    n, out_h, out_w, _ = signature.output.shape
    return n * out_h * out_w


def _block_items(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    n, _, _, channels = signature.inputs[0].shape
    return n * groups(channels, _block(op, signature))


def _scratch(op: QDepthwiseConv2d, signature: Signature, channels: int) -> int:
    """Sums, weights and where they lie, rows; then what is read in vain, so that channels go by
    fours and windows by vectors."""
    op, signature = as_row(op, signature)
    geometry = Geometry.of(op, signature)
    vectors, parts = geometry.vectors, 2 if op.w_zero else 1
    sums = 4 * 4 * min(signature.output.shape[2], AT_ONCE)
    weights = parts * 4 * LANES * vectors + 2 * LANES * vectors
    multiple = signature.output.shape[3] // signature.inputs[0].shape[3]
    in_fours = groups(round_up(channels * multiple, 4), multiple)
    read_in_vain = vectors * LANES - geometry.taps
    return parts * sums + weights + round_up(geometry.planes(in_fours) + read_in_vain, 4)


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    return _scratch(op, signature, signature.inputs[0].shape[3])


def _block_scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    return _scratch(op, signature, _block(op, signature))


def _refuse_blocks(op: Op, signature: Signature) -> str | None:
    """Output may lie where the input does: no row may be written before it is read."""
    assert isinstance(op, QDepthwiseConv2d)
    op, signature = as_row(op, signature)
    x, y, window = signature.inputs[0], signature.output, op.window
    if _block(op, signature) == x.shape[3]:
        return "all channels go together"
    if x.nbytes != y.nbytes:
        return None
    reads_once = Geometry.of(op, signature).turns(op) and window.kernel[0] > window.pads[0]
    is_kept = x.shape == y.shape and reads_once
    return None if is_kept else "rows would be written before they are read"


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """Weights by channel, column by column, w_zero between those of a dilated window; the kernel
    takes nothing off where no weight lies."""
    assert isinstance(op, QDepthwiseConv2d)
    x, w, bias, multiplier, shift = products(constants)
    rows, _, channels = w.shape
    extent, dilation = op.window.extent[1], op.window.dilations[1]
    taps = np.full((round_up(channels, 4), extent, rows), op.w_zero, np.int8)
    taps[:channels, ::dilation] = w.transpose(2, 1, 0)
    return (
        x,
        taps,
        per_channel(bias, channels),
        per_channel(multiplier, channels),
        per_channel(vector_shifts(shift, op.output.rounding), channels),
    )


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    return depthwise_terms(op, signature, signature.inputs[0].shape[3])


def _block_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QDepthwiseConv2d)
    return depthwise_terms(op, signature, _block(op, signature))


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QDepthwiseConv2d,
        symbol=f"depthwise_helium_{rounding.value}",
        struct="depthwise_helium_args",
        header=HERE / "depthwise_helium.h",
        source=HERE / f"depthwise_helium_{rounding.value}.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding),
        fields=_fields,
        items=_items,
        terms=Terms(DEPTHWISE, _terms),
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(
            HERE / "depthwise_helium_core.h",
            HERE / "depthwise_helium_dot.h",
            HERE / "depthwise_helium_fused.h",
            HERE / "depthwise_helium_rows.h",
            HERE / f"depthwise_helium_{rounding.value}.h",
            HERE / "fill_helium.h",
            HERE / "helium_rescale.h",
        ),
        pack=_pack,
    )


def _blocks(whole: Kernel, rounding: Rounding) -> Kernel:
    return replace(
        whole,
        symbol=f"depthwise_blocks_helium_{rounding.value}",
        source=HERE / f"depthwise_blocks_helium_{rounding.value}.c",
        refuse=_refuse_blocks,
        fields=_block_fields,
        items=_block_items,
        terms=Terms(DEPTHWISE, _block_terms),
        scratch_bytes=_block_scratch_bytes,
        streaming=None,
        replaces=0,
    )


_WHOLE = tuple(map(_kernel, ROUNDINGS))
DEPTHWISE_HELIUM = (*_WHOLE, *map(_blocks, _WHOLE, ROUNDINGS))
