"""Which channel of each input an output channel is made from, for operators that mix none.

A channel is an index along a value's last axis.
"""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.graph import Graph, Node
from tilewright.ir.op import Access, Along
from tilewright.ir.types import Array, TensorType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.layout import Concat, Reshape


@dataclass(frozen=True, slots=True)
class Flow:
    """Per input: the input channel of each output channel, -1 for none; None: needs all of them."""

    sources: tuple[Array | None, ...]


def channel_flow(graph: Graph, node: Node) -> Flow | None:
    """How channels pass through the node; None where they are mixed or change places."""
    types, out = graph.input_types(node), graph.type(node.output)
    if not out.shape:
        return None
    match node.op:
        case QConv2d() | QDense():
            return None
        case QDepthwiseConv2d():
            count = out.shape[-1]
            step = count // types[0].shape[-1]
            tables = (None if len(t.shape) == 1 and t.shape[0] == 1 else np.arange(count)
                      for t in types[1:])  # fmt: skip
            return Flow((np.arange(count) // step, *tables))
        case Reshape():
            source = _through_reshape(types[0], out)
            return None if source is None else Flow((source,))
        case Concat(axis) if axis == len(out.shape) - 1:
            return _through_concat(types)
        case _:
            return _by_access(node, types, out)


def _through_reshape(x: TensorType, out: TensorType) -> Array | None:
    """Each output channel must hold elements of one input channel only."""
    if not x.shape:
        return None
    channels = np.broadcast_to(np.arange(x.shape[-1]), x.shape).reshape(-1, out.shape[-1])
    return channels[0].copy() if (channels == channels[0]).all() else None


def _through_concat(types: tuple[TensorType, ...]) -> Flow:
    total = sum(t.shape[-1] for t in types)
    sources: list[Array] = []
    start = 0
    for t in types:
        source = np.full(total, -1)
        source[start : start + t.shape[-1]] = np.arange(t.shape[-1])
        sources.append(source)
        start += t.shape[-1]
    return Flow(tuple(sources))


def _by_access(node: Node, types: tuple[TensorType, ...], out: TensorType) -> Flow | None:
    """From the operator's own access table, which names all that an output region can depend on."""
    last = len(out.shape) - 1
    sources: list[Array | None] = []
    for type_, access in zip(types, node.op.reads(*types), strict=True):
        along = [d for d, a in enumerate(access) if isinstance(a, Along) and a.axis == last]
        if not along:
            sources.append(None)
        elif _is_channelwise(type_, access, along, out.shape[-1]):
            sources.append(np.arange(out.shape[-1]))
        else:
            return None
    return Flow(tuple(sources)) if any(s is not None for s in sources) else None


def _is_channelwise(x: TensorType, access: Access, along: list[int], channels: int) -> bool:
    """The last dimension, and no other, follows the output's channels one to one."""
    last = len(x.shape) - 1
    if along != [last] or x.shape[last] != channels:
        return False
    entry = access[last]
    assert isinstance(entry, Along)
    return (entry.stride, entry.window, entry.pad) == (1, 1, 0)
