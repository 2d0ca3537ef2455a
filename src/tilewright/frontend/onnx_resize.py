"""Resize and Upsample: along each dimension a table (nearest) or a matrix (linear, cubic)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.frontend.chain import by_matrix
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_steps import Steps, element_of
from tilewright.frontend.onnx_tensors import Importing
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array
from tilewright.ops.binary import BinaryKind

MODES = ("nearest", "linear", "cubic")


@dataclass(frozen=True, slots=True)
class _Line:
    """One dimension that is resized.

    scale     new over old; it may differ from the quotient of the extents
    roi       start and end of a crop, as parts of the extent
    """

    old: int
    new: int
    scale: float
    roi: tuple[float, float]

    def at(self, mode: str, x: float) -> float:
        """Where output place x lies in the input."""
        if mode == "align_corners":
            return x * (self.old - 1) / self._last if self.new > 1 else 0.0
        if mode == "tf_crop_and_resize":
            return self._cropped(x)
        if mode == "pytorch_half_pixel" and self.new == 1:
            return -0.5
        half = (x + 0.5) / self.scale
        shift = {
            "asymmetric": x / self.scale - half,
            "tf_half_pixel_for_nn": 0.0,
            "half_pixel_symmetric": self.old / 2 * (1 - self.new / (self.scale * self.old)) - 0.5,
        }
        return half + shift.get(mode, -0.5)

    @property
    def _last(self) -> float:
        return self.scale * self.old - 1

    def _cropped(self, x: float) -> float:
        start, end = self.roi
        if self.new > 1:
            return start * (self.old - 1) + x * (end - start) * (self.old - 1) / self._last
        return 0.5 * (start + end) * (self.old - 1)


def _nearest(mode: str, at: float) -> int:
    match mode:
        case "round_prefer_ceil":
            return floor(at + 0.5)
        case "floor":
            return floor(at)
        case "ceil":
            return ceil(at)
        case _:
            return ceil(at - 0.5)


def _linear(distance: float) -> float:
    return max(1.0 - abs(distance), 0.0)


def _cubic(distance: float, a: float) -> float:
    x = abs(distance)
    if x <= 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0


def _row(node: OnnxNode, at: float, scale: float, old: int) -> Array:
    """What each of the ``old`` input elements weighs in the result at ``at``."""
    mode = node.text("mode", "nearest")
    reach = 1 if mode == "linear" else 2
    # Antialiasing widens the window where the output has fewer elements.
    narrow = min(scale, 1.0) if node.integer("antialias", 0) else 1.0
    a = node.number("cubic_coeff_a", -0.75)
    first, last = floor(at - reach / narrow), ceil(at + reach / narrow)
    row = np.zeros(old)
    for place in range(first, last + 1):
        distance = (at - place) * narrow
        weight = _linear(distance) if mode == "linear" else _cubic(distance, a)
        if 0 <= place < old:
            row[place] += weight
        elif not node.integer("exclude_outside", 0):
            row[min(max(place, 0), old - 1)] += weight
    total = row.sum()
    return row / total if total else row


def _sizes(
    state: Importing, node: OnnxNode, shape: tuple[int, ...]
) -> tuple[list[int], list[float]]:
    """New extents and scales of all dimensions."""
    axes = [a % len(shape) for a in node.integers("axes", tuple(range(len(shape))))]
    sizes, scales = list(shape), [1.0] * len(shape)
    scales_at = 2 if node.kind == "Resize" and state.model.opset > 10 else 1
    if node.kind == "Resize" and node.has(3):
        wish = [int(n) for n in state.numbers(node, 3, "sizes").reshape(-1)]
        ratios = [n / shape[a] for n, a in zip(wish, axes, strict=True)]
        policy = node.text("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            ratio = min(ratios) if policy == "not_larger" else max(ratios)
            ratios = [ratio] * len(ratios)
            wish = [floor(ratio * shape[a] + 0.5) for a in axes]
        for a, n, r in zip(axes, wish, ratios, strict=True):
            sizes[a], scales[a] = n, r
    else:
        given = (
            state.numbers(node, scales_at, "scales").reshape(-1)
            if node.has(scales_at)
            else (np.array(node.attributes["scales"]))
        )
        for a, s in zip(axes, given, strict=True):
            sizes[a], scales[a] = floor(shape[a] * float(s)), float(s)
    return sizes, scales


def import_resize(state: Importing, node: OnnxNode) -> None:
    """Resize of any dimensions; Upsample is its older, asymmetric form."""
    steps = Steps(state, node)
    x = steps.operand(0)
    shape = steps.shape(x)
    sizes, scales = _sizes(state, node, shape)
    roi = np.zeros(0)
    older = node.kind == "Upsample" or state.model.opset < 11
    how = node.text("coordinate_transformation_mode", "asymmetric" if older else "half_pixel")
    if how == "tf_crop_and_resize":
        roi = state.numbers(node, 1, "roi").reshape(-1)
    axes = [a % len(shape) for a in node.integers("axes", tuple(range(len(shape))))]
    for d, (old, new) in enumerate(zip(shape, sizes, strict=True)):
        spot = axes.index(d) if d in axes else -1
        part = (
            (float(roi[spot]), float(roi[spot + len(axes)]))
            if roi.size and spot >= 0
            else (0.0, 1.0)
        )
        line = _Line(old, new, scales[d], part)
        at = [line.at(how, float(i)) for i in range(new)]
        if at != [float(i) for i in range(old)]:
            x = _along(steps, x, d, at, scales[d])
    steps.finish(x, element_of(state, node.input(0)))


def _along(steps: Steps, x: ValueName, axis: int, at: list[float], scale: float) -> ValueName:
    """One dimension resized."""
    node, shape = steps.node, steps.shape(x)
    old, mode = shape[axis], steps.node.text("mode", "nearest")
    is_crop = node.text("coordinate_transformation_mode", "") == "tf_crop_and_resize"
    outside = [is_crop and not 0 <= place <= old - 1 for place in at]
    if mode == "nearest":
        rule = (
            "floor" if node.kind == "Upsample" else node.text("nearest_mode", "round_prefer_floor")
        )
        table = np.clip([_nearest(rule, place) for place in at], 0, old - 1)
        x = steps.chosen(x, axis, table)
    elif mode in MODES:
        rows = [_row(node, place, scale, old) for place in at]
        x = by_matrix(steps, x, axis, np.array(rows))
    else:
        raise UnsupportedError(f"{node}: mode {mode!r}; {', '.join(MODES)} are supported")
    if any(outside):
        x = _filled(steps, x, axis, np.array(outside))
    return x


def _filled(steps: Steps, x: ValueName, axis: int, outside: Array) -> ValueName:
    """The extrapolation value where the crop reaches beyond the image."""
    shape = [1] * len(steps.shape(x))
    shape[axis] = -1
    keep = (~outside).astype(np.float32).reshape(shape)
    value = steps.node.number("extrapolation_value", 0.0)
    kept = steps.binary(BinaryKind.MUL, x, steps.reals(keep))
    return steps.binary(BinaryKind.ADD, kept, steps.reals((1 - keep) * value))


RESIZE_IMPORTERS: Mapping[str, Callable[[Importing, OnnxNode], None]] = {
    "Resize": import_resize,
    "Upsample": import_resize,
}
