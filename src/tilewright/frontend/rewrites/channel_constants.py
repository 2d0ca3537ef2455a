"""Forward: which channels are the same known integer at every place, whatever the input is."""

from collections.abc import Mapping

import numpy as np

from tilewright.frontend.rewrites.channel_flow import Flow, channel_flow
from tilewright.frontend.rewrites.channel_layers import Channels, layer_view
from tilewright.ir.graph import Graph, Node, ValueName
from tilewright.ir.types import Array

Known = dict[ValueName, Channels]


def constant_channels(graph: Graph) -> Mapping[ValueName, Channels]:
    """For every value that a node makes: its constant channels, by the operators' definitions."""
    known: Known = {}
    for name in graph.inputs:
        known[name] = Channels.unknown((graph.type(name).shape or (1,))[-1])
    for node in graph.nodes:
        known[node.output] = _made(graph, node, known)
    return known


def _made(graph: Graph, node: Node, known: Known) -> Channels:
    layer = layer_view(graph, node)
    if layer is not None:
        return layer.constant_outputs(layer.inputs(known))
    flow = channel_flow(graph, node)
    if flow is None or graph.type(node.output).dtype.is_float:
        return Channels.unknown((graph.type(node.output).shape or (1,))[-1])
    return _passed_on(graph, node, flow, known)


def _passed_on(graph: Graph, node: Node, flow: Flow, known: Known) -> Channels:
    """Evaluate with the known channels in place, and see where the result is uniform."""
    count = graph.type(node.output).shape[-1]
    is_known = np.ones(count, bool)
    arrays: list[Array] = []
    for name, source in zip(node.inputs, flow.sources, strict=True):
        if name in graph.constants:
            arrays.append(graph.constants[name])
            continue
        x = known[name]
        comes_known = x.is_known.all() if source is None else (source < 0) | x.is_known[source]
        is_known &= comes_known
        type_ = graph.type(name)
        number = x.number.astype(type_.dtype.numpy)
        arrays.append(np.broadcast_to(number if type_.shape else number[0], type_.shape))
    if not is_known.any():
        return Channels.unknown(count)
    rows = node.op.evaluate(*arrays).reshape(-1, count).astype(np.int64)
    is_known &= (rows == rows[0]).all(axis=0)
    return Channels(is_known, np.where(is_known, rows[0], 0))
