"""Dead channel elimination: channels that are constant or that nobody reads go, exactly.

An output channel whose weights are all zero is a constant; its consumers take it into their
biases, unless padding would be seen beside it. What is left without readers goes as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tilewright.frontend.rewrites.channel_constants import constant_channels
from tilewright.frontend.rewrites.channel_flow import channel_flow
from tilewright.frontend.rewrites.channel_layers import Channels, Layer, layer_view
from tilewright.frontend.rewrites.channel_liveness import Kept, kept_channels
from tilewright.frontend.rewrites.prune_report import PrunedLayer, PruneReport
from tilewright.ir.graph import Graph, GraphBuilder, Node, Origin, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.layout import Reshape


def prune_channels(graph: Graph) -> tuple[Graph, PruneReport]:
    """The same network without dead channels, to a fixpoint; outputs are equal bit for bit."""
    pruned = graph
    while True:
        known = constant_channels(pruned)
        kept = kept_channels(pruned, known)
        if all(channels.all() for channels in kept.values()):
            return pruned, _report(graph, pruned)
        pruned = _without(pruned, known, kept)


@dataclass(frozen=True, slots=True)
class _Pruning:
    """One pass: the graph before, what is known and kept, the graph that is being made."""

    graph: Graph
    known: Mapping[ValueName, Channels]
    kept: Kept
    builder: GraphBuilder


def _without(graph: Graph, known: Mapping[ValueName, Channels], kept: Kept) -> Graph:
    builder = GraphBuilder.of(graph)
    builder.nodes.clear()
    for name, channels in kept.items():
        if not channels.all():
            builder.values[name] = _narrowed(graph.values[name], channels)
    pruning = _Pruning(graph, known, kept, builder)
    for node in graph.nodes:
        if isinstance(node.op, QConv2d | QDepthwiseConv2d | QDense):
            inputs = _layer_inputs(pruning, node)
        else:
            inputs = _other_inputs(pruning, node)
        op = _resized(node.op, builder.values[node.output])
        builder.nodes.append(replace(node, op=op, inputs=inputs))
    return builder.build()


def _layer_inputs(pruning: _Pruning, node: Node) -> tuple[ValueName, ...]:
    """Weights without the channels that went; what they contributed is in the bias."""
    graph = pruning.graph
    x, w, bias, *tables = node.inputs
    outputs, inputs = pruning.kept[node.output], pruning.kept[x]
    layer = layer_view(graph, node)
    if outputs.all() and (layer is None or inputs.all()):
        return node.inputs
    channel_axis = -1 if isinstance(node.op, QDepthwiseConv2d) else 0
    names: list[ValueName] = []
    mixes = layer is not None and not isinstance(node.op, QDepthwiseConv2d) and not inputs.all()
    weights = _sliced(graph.constants[w], outputs, channel_axis)
    names.append(_constant(pruning, w, _sliced(weights, inputs, -1) if mixes else weights))
    _slice_scales(pruning, w, names[0], outputs)
    folded = graph.constants[bias]
    if layer is not None and mixes:
        gone = pruning.known[x].number * ~inputs
        folded = (layer.bias + layer.sums @ gone).astype(np.int32)
    names.append(_constant(pruning, bias, folded[outputs]))
    for table in tables:
        array = graph.constants[table]
        is_shared = array.shape == (1,) and outputs.size > 1
        names.append(table if is_shared else _constant(pruning, table, array[outputs]))
    return (x, *names)


def _other_inputs(pruning: _Pruning, node: Node) -> tuple[ValueName, ...]:
    """Constants that follow the output's channels lose the same ones."""
    graph = pruning.graph
    out = pruning.kept[node.output]
    flow = channel_flow(graph, node)
    if flow is None or out.all():
        return node.inputs
    return tuple(
        name
        if name not in graph.constants or source is None
        else _constant(pruning, name, graph.constants[name][..., source[out & (source >= 0)]])
        for name, source in zip(node.inputs, flow.sources, strict=True)
    )


def _sliced(array: Array, kept: Array, axis: int) -> Array:
    return np.compress(kept, array, axis=axis)


def _constant(pruning: _Pruning, old: ValueName, array: Array) -> ValueName:
    """What is left of a constant, under a name after the old one's."""
    builder = pruning.builder
    name = builder.constant(f"{old}.pruned", np.ascontiguousarray(array))
    quantisation = pruning.graph.values[old].quantisation
    builder.values[name] = replace(builder.values[name], quantisation=quantisation, origin=None)
    return name


def _slice_scales(pruning: _Pruning, old: ValueName, new: ValueName, outputs: Array) -> None:
    """Per-channel weight scales follow the output channels."""
    quantisation = pruning.graph.values[old].quantisation
    if quantisation is not None and not quantisation.is_per_tensor:
        left = np.flatnonzero(outputs)
        quantisation = replace(
            quantisation,
            scales=tuple(quantisation.scales[i] for i in left),
            zero_points=tuple(quantisation.zero_points[i] for i in left),
        )
    builder = pruning.builder
    builder.values[new] = replace(builder.values[new], quantisation=quantisation)


def _narrowed(value: Value, channels: Array) -> Value:
    """A value that is left with some channels; its origin says which ones of the source's."""
    type_ = replace(value.type, shape=(*value.type.shape[:-1], int(channels.sum())))
    origin = value.origin
    if origin is not None:
        before = origin.kept or tuple(range(channels.size))
        kept = tuple(index for index, stays in zip(before, channels, strict=True) if stays)
        origin = Origin(origin.name, origin.perm, kept)
    return replace(value, type=type_, origin=origin)


def _resized(op: Op, output: Value) -> Op:
    """The only operator whose attributes name a number of channels is Reshape."""
    return replace(op, shape=output.type.shape) if isinstance(op, Reshape) else op


def _report(before: Graph, after: Graph) -> PruneReport:
    now = {node.output: node for node in after.nodes}
    removed: list[PrunedLayer] = []
    for node in before.nodes:
        if not isinstance(node.op, Layer):
            continue
        then = now[node.output]
        channels = before.type(node.output).shape[-1], after.type(node.output).shape[-1]
        macs = (
            node.op.macs(*before.input_types(node)),
            then.op.macs(*after.input_types(then)),
        )
        if macs[0] != macs[1]:
            removed.append(PrunedLayer(node.name, channels, macs))
    return PruneReport(
        before.macs, after.macs, _weight_bytes(before), _weight_bytes(after), tuple(removed)
    )


def _weight_bytes(graph: Graph) -> int:
    names = {n.inputs[1] for n in graph.nodes if isinstance(n.op, Layer)}
    return sum(graph.type(name).nbytes for name in names)
