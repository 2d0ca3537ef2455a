"""Backward: which channels somebody needs, and which must stay because a neighbour stays."""

from collections.abc import Mapping

import numpy as np

from tilewright.frontend.rewrites.channel_flow import Flow, channel_flow
from tilewright.frontend.rewrites.channel_layers import Channels, LayerView, layer_view
from tilewright.ir.graph import Graph, Node, ValueName
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d

Kept = dict[ValueName, Array]
"""Per computed value or graph input: [C] bool."""


def kept_channels(graph: Graph, known: Mapping[ValueName, Channels]) -> Kept:
    """The smallest consistent choice: outputs whole, at least one channel of every value."""
    kept: Kept = {
        name: np.full(x.is_known.shape, name in graph.outputs or name in graph.inputs)
        for name, x in known.items()
    }
    demands = [_demand(graph, node, known) for node in reversed(graph.nodes)]
    while True:
        before = _count(kept)
        for demand in demands:
            demand.raise_to(kept)
        if _count(kept) > before:
            continue
        empty = [name for name, channels in kept.items() if channels.size and not channels.any()]
        if not empty:
            return kept
        for name in empty:
            kept[name][0] = True


class _Demand:
    """What one node asks of the channels of its inputs and output."""

    def __init__(self, node: Node, activations: tuple[ValueName, ...]) -> None:
        self.node = node
        self.activations = activations

    def raise_to(self, kept: Kept) -> None:
        """All of everything, where channels are mixed in ways that pruning does not know."""
        for name in (*self.activations, self.node.output):
            kept[name][:] = True


class _LayerDemand(_Demand):
    """Inputs that a kept output is linked to and that cannot move into the bias."""

    def __init__(self, layer: LayerView, x: Channels) -> None:
        super().__init__(layer.node, layer.node.inputs[:1])
        self._needs = layer.is_linked & ~layer.is_foldable(x)

    def raise_to(self, kept: Kept) -> None:
        """Needs of the kept outputs."""
        kept[self.activations[0]] |= self._needs[kept[self.node.output]].any(axis=0)


class _FirstLayerDemand(_Demand):
    """Input channels lie along another axis and stay; output channels may go."""

    def raise_to(self, kept: Kept) -> None:
        """The whole input."""
        kept[self.activations[0]][:] = True


class _FlowDemand(_Demand):
    """A channel and those that it is made from stay together or go together."""

    def __init__(self, node: Node, activations: tuple[ValueName, ...], flow: Flow) -> None:
        super().__init__(node, activations)
        self._flow = flow

    def raise_to(self, kept: Kept) -> None:
        """Both ways."""
        out = kept[self.node.output]
        for name, source in zip(self.node.inputs, self._flow.sources, strict=True):
            if name not in self.activations:
                continue
            if source is None:
                kept[name][:] = True
                continue
            made = source >= 0
            out[made] |= kept[name][source[made]]
            kept[name][source[made & out]] = True


def _demand(graph: Graph, node: Node, known: Mapping[ValueName, Channels]) -> _Demand:
    activations = tuple(name for name in node.inputs if name not in graph.constants)
    flow = channel_flow(graph, node)
    if flow is not None:
        return _FlowDemand(node, activations, flow)
    layer = layer_view(graph, node)
    if layer is None:
        return _Demand(node, activations)
    if isinstance(node.op, QConv2d) and node.op.is_channels_first:
        return _FirstLayerDemand(node, activations)
    return _LayerDemand(layer, layer.inputs(known))


def _count(kept: Kept) -> int:
    return sum(int(channels.sum()) for channels in kept.values())
