"""Layers that mix channels, as pruning sees them: a matrix per tap, a bias, a rescaling."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tilewright.ir.graph import Graph, Node, ValueName
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.rescale import INT32_MAX

Layer = QConv2d | QDepthwiseConv2d | QDense


@dataclass(frozen=True, slots=True)
class Channels:
    """Per index of a value's last axis: is every element there the same known integer?

    is_known  [C] bool
    number    [C] int64; 0 where not known
    """

    is_known: Array
    number: Array

    @staticmethod
    def unknown(count: int) -> "Channels":
        """Nothing is known."""
        return Channels(np.zeros(count, bool), np.zeros(count, np.int64))


@dataclass(frozen=True, slots=True)
class LayerView:
    """One QConv2d, QDepthwiseConv2d or QDense with constant operands.

    sums      [O, C] int64: sum of centred weights over the window
    is_linked [O, C] bool: some weight between output o and input c is not zero
    bias      [O] int64, with the input's zero point folded in
    reads_beyond  windows reach into padding, where inputs read ``x_zero``
    """

    node: Node
    op: Layer
    sums: Array
    is_linked: Array
    bias: Array
    scales: tuple[Array, Array]
    reads_beyond: bool
    x_zero: int

    def inputs(self, known: Mapping[ValueName, Channels]) -> Channels:
        """What is known of the C input channels; nothing where they are not the last axis."""
        if isinstance(self.op, QConv2d) and self.op.is_channels_first:
            return Channels.unknown(self.sums.shape[1])
        return known[self.node.inputs[0]]

    def is_foldable(self, x: Channels) -> Array:
        """[C] bool: inputs that can move into the bias, padding and int32 range considered."""
        fits = x.is_known & ((x.number == self.x_zero) | (not self.reads_beyond))
        reach = np.abs(self.sums * np.where(fits, x.number, 0)).sum(axis=1) + np.abs(self.bias)
        return fits if reach.max() <= INT32_MAX else np.zeros_like(fits)

    def constant_outputs(self, x: Channels) -> Channels:
        """Output channels that depend on no unknown input, by the layer's own arithmetic."""
        is_fixed = np.asarray(~(self.is_linked & ~self.is_foldable(x)).any(axis=1))
        acc = self.bias + self.sums @ x.number
        number = self.op.output.apply(np.where(is_fixed, acc, 0), *self.scales).astype(np.int64)
        return Channels(is_fixed, np.where(is_fixed, number, 0))


def layer_view(graph: Graph, node: Node) -> LayerView | None:
    """The node as a layer; None for other operators and for layers that pruning leaves alone."""
    op = node.op
    if not isinstance(op, QConv2d | QDepthwiseConv2d | QDense):
        return None
    if any(name not in graph.constants for name in node.inputs[1:]):
        return None
    if isinstance(op, QConv2d) and op.groups > 1:
        return None
    w, bias, multiplier, shift = (
        graph.constants[name].astype(np.int64) for name in node.inputs[1:]
    )
    by_channel = isinstance(op, QDepthwiseConv2d)
    channels = graph.type(node.inputs[0]).shape[-1] if by_channel else w.shape[-1]
    taps = _taps(op, w - op.w_zero, channels)
    return LayerView(
        node, op, taps.sum(axis=1), np.asarray(taps.any(axis=1)), bias, (multiplier, shift),
        not isinstance(op, QDense) and op.window.is_padded,
        0 if isinstance(op, QDense) else op.x_zero,
    )  # fmt: skip


def _taps(op: Layer, centred: Array, channels: int) -> Array:
    """Weights as [O, taps, C]."""
    if isinstance(op, QDense):
        return centred[:, None, :]
    if isinstance(op, QConv2d):
        return centred.reshape(centred.shape[0], -1, channels)
    outputs = centred.shape[-1]
    taps = centred.reshape(-1, outputs).T
    spread = np.zeros((outputs, taps.shape[1], channels), np.int64)
    for output in range(outputs):
        spread[output, :, output // (outputs // channels)] = taps[output]
    return spread
