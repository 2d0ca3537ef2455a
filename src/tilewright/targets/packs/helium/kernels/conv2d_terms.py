"""Terms of the Helium convolutions: strips, gathered or in place, and pixels two at a time."""

from tilewright.ir.target import Signature
from tilewright.ops.conv2d import QConv2d
from tilewright.targets.packs.terms import groups, inside

LANES = 16
FEW_CHANNELS = 16
"""Rows of a column with fewer channels are scattered, several columns at a time."""

GATHERED = ("strips", "strip_rows", "copied_vectors", "copied_parts", "scattered", "filled")
"""Strips, their input rows, and what is copied to columns of them; vectors of padding."""

LONG = ("pairs", "threes", "three_vectors", "ones", "one_vectors", "fours", "signed", "odd")
"""Pairs of pixels; rows of weights in threes and alone, their vectors; finished channels in fours,
those of either sign, and the last channels that make no four."""

CENTRED = ("centred_vectors", "centred_fours")
"""Vectors that are summed because weights have a zero point; fours of channels that it moves."""

SHORTLY = (
    "pairs", "fours", "long_fours", "signed_fours", "slow_fours", "long_slow_fours",
    "clipped_strips", "clipped_vectors",
)  # fmt: skip
"""Pairs of pixels; fours of channels, those of windows of more than a vector, those of either
sign; fours that go the slow way; strips that are clipped afterwards, and their vectors."""


def _strips(op: QConv2d, signature: Signature, strip: int) -> list[tuple[int, int]]:
    """(how many, pixels of each) of the strips that a call consists of."""
    n, out_h, out_w, _ = signature.output.shape
    if strip == 0:
        is_one = op.window.strides == (1, 1)
        return [(1, n * out_h * out_w)] if is_one else [(n * out_h, out_w)]
    whole, rest = divmod(out_w, strip)
    return [(n * out_h * whole, strip), *([(n * out_h, rest)] if rest else [])]


def in_pairs(op: QConv2d, signature: Signature, strip: int) -> tuple[int, int]:
    """Pairs of pixels, and how many strips end in half of one. ``strip``: 0 where read in place."""
    strips = _strips(op, signature, strip)
    pairs = sum(count * groups(pixels, 2) for count, pixels in strips)
    return pairs, sum(count * (pixels % 2) for count, pixels in strips)


def gathered(op: QConv2d, signature: Signature, strip: int) -> tuple[int, ...]:
    """Counts for GATHERED."""
    strips = _strips(op, signature, strip)
    number = sum(count for count, _ in strips)
    if strip == 0:
        return number, 0, 0, 0, 0, 0
    (_, h, w, c), (n, out_h, _, _) = signature.inputs[0].shape, signature.output.shape
    kernel_h, kernel_w, window = op.window.kernel[0], op.window.extent[1], op.window
    rows = inside(out_h, window.strides[0], window.pads[0], kernel_h, window.dilations[0], h) * n
    in_line = sum(
        groups(count, n * out_h) * ((pixels - 1) * window.strides[1] + kernel_w)
        for count, pixels in strips
    )
    padded = max(0, in_line - w) if window.pads[1] or window.pads[3] else 0
    columns = in_line - padded
    row_strips = rows * number // (n * out_h)
    filled = (n * out_h * in_line * kernel_h - rows * columns) * c // LANES
    if c < FEW_CHANNELS and LANES // c * c * kernel_h <= 255:
        scattered = rows * groups(columns * c, LANES // c * c)
        return number, row_strips, 0, 0, scattered, filled
    return (
        number,
        row_strips,
        rows * columns * (c // LANES),
        rows * columns * (c % LANES > 0),
        0,
        filled,
    )


def long_terms(
    op: QConv2d, signature: Signature, length: int, pairs: tuple[int, int]
) -> tuple[int, ...]:
    """Counts for LONG, for windows of ``length`` elements."""
    channels, vectors, count = signature.output.shape[3], groups(length, LANES), pairs[0]
    threes, ones, fours = count * (channels // 3), count * (channels % 3), count * (channels // 4)
    signed = fours * (op.output.low < op.output.zero)
    return (
        count, threes, threes * vectors, ones, ones * vectors, fours, signed,
        count * (channels % 4 > 0),
    )  # fmt: skip


def centred_terms(signature: Signature, length: int, pairs: tuple[int, int]) -> tuple[int, ...]:
    """Counts for CENTRED, for windows of ``length`` elements."""
    return pairs[0] * groups(length, LANES), pairs[0] * groups(signature.output.shape[3], 4)


def short_terms(op: QConv2d, signature: Signature, length: int, strip: int) -> tuple[int, ...]:
    """Counts for SHORTLY, for windows of ``length`` elements, at most two vectors."""
    pairs = in_pairs(op, signature, strip)
    channels, count = signature.output.shape[3], pairs[0]
    is_clipped = (op.output.low, op.output.high) != (-128, 127)
    strips = sum(number for number, _ in _strips(op, signature, strip)) * is_clipped
    fours, is_long = count * (channels // 4), length > LANES
    slow = 2 * (count * groups(channels, 4) - fours)
    starts = (count if fours == 0 or channels % 4 else pairs[1]) + 1
    return (
        starts, fours, fours * is_long, fours * (op.output.low < op.output.zero), slow,
        slow * is_long, strips, is_clipped * groups(signature.output.size, LANES),
    )  # fmt: skip
