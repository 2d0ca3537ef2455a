"""Terms of the integer products: what gathering, multiplying and finishing cost, see dot_s8.h."""

from tilewright.ir.target import Signature
from tilewright.ops.conv2d import QConv2d, QConv2dSum
from tilewright.targets.packs.terms import groups, runs, split_runs, taps_inside

PATCHES = 4
"""DOT_PATCHES of dot_s8.h: rows that share one pass over the weights."""

CHANNELS = 16
"""DOT_CHANNELS of dot_s8.h: sums that are finished together."""

GATHERED = ("patches", "patch_rows", "filled", "copied_vectors", "copied_rest", "scattered")
"""Windows, their rows, elements of padding, and elements from the input: in runs or one by one."""

FOURS = ("four_dots", "four_vectors", "four_halves", "four_rest")
"""Dot products of four rows at a time with one row of weights."""

DOTS = ("quads", "lone_dots", "dot_vectors", "dot_halves", "dot_rest", "recentred")
"""Dot products of one row, with four rows of weights or with one; sums for weights' zero point."""

FINISHED = ("blocks", "scaled_alike", "scaled_apart", "odd_outputs")
"""What becomes int8: blocks of sums, outputs that have one scale or one per channel, and those
beyond whole vectors of eight."""


def gathered(op: QConv2d | QConv2dSum, signature: Signature) -> tuple[int, ...]:
    """Counts for GATHERED."""
    x, (n, out_h, out_w, _) = signature.inputs[0].shape, signature.output.shape
    h, w, c = (x[2], x[3], x[1]) if op.is_channels_first else x[1:]
    number = op.groups if isinstance(op, QConv2d) else 1
    kernel_h, kernel_w = op.window.kernel
    rows, columns = taps_inside(op.window, (h, w), (out_h, out_w))
    patches = n * out_h * out_w * number
    inside, channels = n * rows * columns, c // number
    all_taps = n * out_h * out_w * kernel_h * kernel_w
    filled = (all_taps - inside) * c
    is_run = not op.is_channels_first and number == 1 and op.window.dilations[1] == 1
    copied_rows = n * rows * out_w * number
    if not is_run:
        return patches, patches * kernel_h, filled, 0, 0, inside * channels * number
    length = inside * channels // max(copied_rows, 1)
    return patches, patches * kernel_h, filled, *runs(copied_rows, length), 0


def fours(rows: int, channels: int, length: int) -> tuple[int, ...]:
    """Counts for FOURS of ``rows`` fours of rows."""
    return rows * channels, *split_runs(rows * channels, length)


def dots(rows: int, channels: int, length: int, *, recentres: int) -> tuple[int, ...]:
    """Counts for DOTS of ``rows`` lone rows. ``recentres``: rows whose sums are taken, or 0."""
    recentred = recentres * groups(channels, CHANNELS) * length
    return (
        rows * (channels // 4), rows * (channels % 4), *split_runs(rows * channels, length),
        recentred,
    )  # fmt: skip


def finished(rows: int, channels: int, scales: int) -> tuple[int, ...]:
    """Counts for FINISHED. ``scales``: how many the table has."""
    outputs = rows * channels
    alike = outputs * (scales == 1)
    return rows * groups(channels, CHANNELS), alike, outputs - alike, rows * (channels % 8)
