"""What a network computes in real numbers: nothing is rounded, and every tensor keeps to the range
that its stored integers can say. The noise of quantisation is measured against this."""

from collections.abc import Mapping

import numpy as np

from tilewright.ir.graph import Graph, Value, ValueName
from tilewright.ir.types import Array, Quantisation
from tilewright.ops.quantise import Dequantize, Quantize


def in_reals(value: Value, stored: Array) -> Array:
    """Stored integers as the reals that they stand for, float64; what has no scale as it is."""
    quantisation = value.quantisation
    if quantisation is None or value.type.dtype.is_float:
        return stored
    scale, zero = _parameters(quantisation, stored.ndim)
    return (stored.astype(np.float64) - zero) * scale


def real_values(graph: Graph, inputs: Mapping[ValueName, Array]) -> dict[ValueName, Array]:
    """Every value of one inference by the definitions of a source graph's operators.

    inputs  reals, as ``in_reals`` makes them
    """
    known = {name: in_reals(graph.values[name], a) for name, a in graph.constants.items()}
    known |= inputs
    for node in graph.nodes:
        operands = [known[name] for name in node.inputs]
        is_rounding = isinstance(node.op, Quantize | Dequantize)
        made = operands[0] if is_rounding else node.op.evaluate(*operands)
        known[node.output] = _within(graph.values[node.output], made)
    return known


def _within(value: Value, reals: Array) -> Array:
    """The range is part of what a file says: it stands for an activation often enough."""
    quantisation, dtype = value.quantisation, value.type.dtype
    if quantisation is None or dtype.is_float or reals.dtype.kind != "f":
        return reals
    scale, zero = _parameters(quantisation, reals.ndim)
    return np.clip(reals, (dtype.low - zero) * scale, (dtype.high - zero) * scale)


def _parameters(quantisation: Quantisation, rank: int) -> tuple[Array, Array]:
    """(scales, zero points) that broadcast against a tensor."""
    shape = [1] * rank
    if quantisation.axis is not None:
        shape[quantisation.axis] = -1
    scales = np.array(quantisation.scales, np.float64)
    zeros = np.array(quantisation.zero_points, np.float64)
    if quantisation.axis is None:
        return scales.reshape(()), zeros.reshape(())
    return scales.reshape(shape), zeros.reshape(shape)
