"""Terms of the depthwise kernels for any window."""

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.columns import as_row
from tilewright.targets.packs.helium.kernels.depthwise_geometry import AT_ONCE, Geometry
from tilewright.targets.packs.helium.kernels.weights import LANES
from tilewright.targets.packs.terms import groups

EIGHT = 8

DEPTHWISE = (
    "blocks", "filled", "rows", "runs", "spread", "wide", "lines", "turned", "fours", "weights",
    "fused_fours", "fused", "pieces", "finished", "signed", "centred", "short_dots", "few_dots",
    "few_vectors", "many_dots", "many_vectors", "shared_vectors",
)  # fmt: skip
"""Blocks of channels, vectors of padding; input rows, their runs of eight channels, what is spread
eight by eight or four by four; output rows, vectors that say where weights lie, fours of channels,
their vectors of weights; fours of channels, and of outputs, that one loop takes from products to
int8. For the others: pieces of rows, fours of outputs. Fours of either sign, and of weights with a
zero point; dot products of four channels in one vector each, a few, many, and many that share an
input channel."""


def depthwise_terms(op: Op, signature: Signature, block: int) -> tuple[int, ...]:
    """Counts for DEPTHWISE. ``block``: input channels that go together."""
    assert isinstance(op, QDepthwiseConv2d)
    op, signature = as_row(op, signature)
    n, _, _, in_c = signature.inputs[0].shape
    _, out_h, out_w, out_c = signature.output.shape
    geometry, window = Geometry.of(op, signature), op.window
    whole, rest = divmod(in_c, block)
    parts = [block] * whole + [rest] * (rest > 0)
    blocks = 1 if block == in_c else n * len(parts)
    kernel_h = window.kernel[0]
    turns = geometry.turns(op)
    again = (out_h - 1) * min(window.strides[0], kernel_h) + kernel_h
    rows = n * (again if turns else out_h * kernel_h)
    is_wide = EIGHT * geometry.plane > 0xFFFF
    eights = sum(groups(channels, EIGHT) for channels in parts)
    at_once = EIGHT // in_c if block == in_c < EIGHT else 1
    spread = rows * eights * groups(geometry.columns, at_once)
    wide = rows * geometry.columns * sum(groups(channels, 4) for channels in parts)
    multiple, vectors, lines = out_c // in_c, geometry.vectors, n * out_h
    fours = lines * sum(groups(channels * multiple, 4) for channels in parts)
    outputs = fours * out_w
    is_fused = vectors == 1 and not op.w_zero and op.output.rounding is Rounding.DOUBLE
    fused = (fours, outputs) if is_fused else (0, 0)
    apart, finished = fours - fused[0], outputs - fused[1]
    return (
        blocks, blocks * (geometry.planes(block) // LANES), rows * len(parts), rows * eights,
        0 if is_wide else spread, wide if is_wide else 0, lines * len(parts),
        lines * len(parts) * vectors * turns, fours,
        fours * vectors * (vectors > 1), *fused, apart * groups(out_w, AT_ONCE), finished,
        outputs * (op.output.low < op.output.zero), outputs * (op.w_zero != 0),
        *_dots(finished * (2 if op.w_zero else 1), vectors, is_shared=multiple % 4 == 0),
    )  # fmt: skip


def _dots(dots: int, vectors: int, *, is_shared: bool) -> tuple[int, ...]:
    if vectors == 1:
        return dots, 0, 0, 0, 0, 0
    if vectors == 2 or (vectors == 4 and not is_shared):
        return 0, dots, dots * vectors, 0, 0, 0
    if is_shared:
        return 0, 0, 0, dots, 0, dots * vectors
    return 0, 0, 0, dots, dots * vectors, 0
