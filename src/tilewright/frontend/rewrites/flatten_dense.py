"""A dense layer on a flattened transpose reads the original order with reordered weights."""

from math import prod

import numpy as np

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, obstacle
from tilewright.frontend.rewrites.permutation import Perm, inverse, reshaped_value
from tilewright.ir.graph import Node
from tilewright.ir.types import Array, Shape
from tilewright.ops.dense import Dense
from tilewright.ops.layout import Reshape, Transpose


def permute_dense_weights(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Dense(Reshape(Transpose(x))) becomes Dense'(Reshape(x)): weights move at compile time."""
    if not isinstance(node.op, Dense):
        return None
    flatten = draft.producer(node.inputs[0])
    transpose = None if flatten is None else draft.producer(flatten.inputs[0])
    if flatten is None or not isinstance(flatten.op, Reshape):
        return None
    if transpose is None or not isinstance(transpose.op, Transpose):
        return None
    perm, shape = transpose.op.perm, draft.type(transpose.output).shape
    flat_shape = (shape[0], prod(shape[1:]))
    x, w = node.inputs[0], node.inputs[1]
    quantisation = draft.values[w].quantisation
    chain = (transpose.inputs[0], transpose.output, flatten.output)
    if no := obstacle(
        (
            perm[0] != 0 or draft.type(x).shape != flat_shape,
            f"{flatten} does not flatten everything but the first dimension",
        ),
        (w not in draft.constants, f"weights {w} are not constant"),
        (
            len({draft.values[name].quantisation for name in chain}) > 1,
            f"{transpose} or {flatten} also changes the scale",
        ),
        (
            quantisation is not None and quantisation.axis == 1,
            f"weights {w} have one scale per input feature",
        ),
    ):
        return no
    weights = draft.constants[w]
    order = _reordered(shape, inverse(perm))
    rewrite = Rewrite(draft, node)
    value = reshaped_value(draft.values[x], draft.type(x).shape, f"{x}.nhwc")
    flat = rewrite.insert(f"{flatten.name}.nhwc", flatten.op, transpose.inputs, value)
    moved = rewrite.constant(w, np.ascontiguousarray(weights[:, order]), quantisation)
    return rewrite.finish(node.op, (flat, moved, *node.inputs[2:]))


def _reordered(shape: Shape, perm: Perm) -> Array:
    """Where element i of the flattened transpose(x, perm) lies in flattened x of ``shape``."""
    places: Array = np.empty((1, *shape[1:]), np.int64)
    places.flat[:] = np.arange(places.size)
    return places.transpose(perm).ravel()
