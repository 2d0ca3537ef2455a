"""Padding that a window operator does itself needs no padded copy in memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, obstacle
from tilewright.frontend.rewrites.permutation import permuted
from tilewright.ir.graph import Node, ValueName
from tilewright.ir.types import Shape
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.layout import Pad, Transpose
from tilewright.ops.pool2d import AveragePool2d, MaxPool2d

Windowed = Conv2d | DepthwiseConv2d | MaxPool2d | AveragePool2d


@dataclass(frozen=True, slots=True)
class _Border:
    """A Pad above a window operator, seen in the operator's order of dimensions.

    source     what is padded
    transpose  the Transpose between the two, or None
    """

    pad: Pad
    source: ValueName
    transpose: Node | None
    before: Shape
    after: Shape


def fold_pad(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Pad before Conv2d, DepthwiseConv2d, MaxPool2d or AveragePool2d becomes their padding."""
    if not isinstance(node.op, Windowed):
        return None
    border = _border(draft, node)
    if border is None:
        return None
    spatial = (*border.before[1:3], *border.after[1:3])
    around = (border.before[0], border.before[3], border.after[0], border.after[3])
    padded, source = draft.values[node.inputs[0]], draft.values[border.source]
    between = source if border.transpose is None else draft.values[border.transpose.inputs[0]]
    has_one_scale = padded.quantisation == between.quantisation == source.quantisation
    if no := obstacle(
        (any(around), "the Pad grows batch or channels"),
        (min(spatial) < 0, "the Pad cuts rows or columns off"),
        (not has_one_scale, f"{source.name} and {padded.name} have different scales"),
    ):
        return no
    op = _PADDED[type(node.op)](draft, border, node.op)
    if isinstance(op, NoMatch):
        return op
    top, left, bottom, right = op.window.pads
    grown = (top + spatial[0], left + spatial[1], bottom + spatial[2], right + spatial[3])
    window = replace(op.window, pads=grown)
    _, height, width, _ = padded.type.shape
    inside = (height - spatial[0] - spatial[2], width - spatial[1] - spatial[3])
    if isinstance(op, MaxPool2d) and not window.valid_counts(*inside).all():
        return NoMatch("a window of nothing but padding has no maximum")
    return _padded(Rewrite(draft, node), border, replace(op, window=window))


def _padded(rewrite: Rewrite, border: _Border, op: Windowed) -> Rewrite:
    """``op``, which pads by itself, on what was padded; a Transpose in between moves along."""
    x = border.source
    if border.transpose is not None and isinstance(border.transpose.op, Transpose):
        value = permuted(rewrite.draft.values[x], border.transpose.op.perm, f"{x}.nhwc")
        name = f"{border.transpose.name}.unpadded"
        x = rewrite.insert(name, border.transpose.op, (x,), value)
    return rewrite.finish(op, (x, *rewrite.anchor.inputs[1:]))


def _border(draft: Draft, node: Node) -> _Border | None:
    above = draft.producer(node.inputs[0])
    if above is None or (isinstance(node.op, Conv2d) and node.op.is_channels_first):
        return None
    if isinstance(above.op, Pad):
        return _Border(above.op, above.inputs[0], None, above.op.before, above.op.after)
    pad = draft.producer(above.inputs[0])
    if not isinstance(above.op, Transpose) or pad is None or not isinstance(pad.op, Pad):
        return None
    before, after = (tuple(p[d] for d in above.op.perm) for p in (pad.op.before, pad.op.after))
    return _Border(pad.op, pad.inputs[0], above, before, after)


def _weighted(draft: Draft, border: _Border, op: Windowed) -> Windowed | NoMatch:
    """A convolution pads with real zero, which is stored as the zero point."""
    del draft
    if border.pad.value != 0:
        return NoMatch(f"the border is {border.pad.value}, a convolution pads with 0")
    return op


def _largest(draft: Draft, border: _Border, op: Windowed) -> Windowed | NoMatch:
    """Padding never wins a maximum, so the border must be the smallest value that there is."""
    value = draft.values[border.source]
    if value.quantisation is None or not value.quantisation.is_per_tensor:
        is_lowest = border.pad.value == -inf
    else:
        lowest = value.quantisation.scale * (value.type.dtype.low - value.quantisation.zero_point)
        is_lowest = border.pad.value <= lowest + value.quantisation.scale / 4  # float accuracy
    if not is_lowest:
        return NoMatch(f"a border of {border.pad.value} may win a maximum, padding never does")
    return op


def _averaged(draft: Draft, border: _Border, op: Windowed) -> Windowed | NoMatch:
    """A border of zeros counts as elements of the window."""
    assert isinstance(op, AveragePool2d)
    if border.pad.value != 0:
        return NoMatch(f"the border is {border.pad.value}, an average pads with 0")
    if not draft.is_real(border.source):
        return NoMatch("integer averages of some contracts leave padding out of the count")
    if op.window.is_padded and not op.counts_padding:
        return NoMatch("the pool has padding of its own, which it does not count")
    return replace(op, counts_padding=True)


_PADDED: dict[type[Windowed], Callable[[Draft, _Border, Windowed], Windowed | NoMatch]] = {
    Conv2d: _weighted,
    DepthwiseConv2d: _weighted,
    MaxPool2d: _largest,
    AveragePool2d: _averaged,
}
