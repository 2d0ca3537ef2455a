"""Writes a network in tiles layer by layer; scales come from what a drawn input gives.

Every product gets the scale that brings its sums to a spread of about a quarter of the bytes, so
that nothing dies out or saturates over many layers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import floor, log2

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tilewright.frontend.onnx_tiles import DOMAIN
from tilewright.ir.types import Array
from tilewright.ops.tiles import (
    TILE,
    Activation,
    Curve,
    Scale,
    TileAttention,
    TileProduct,
    TileProductAdded,
    in_tiles,
    packed_bias,
)

SPREAD = 32.0
"""Standard deviation of stored numbers."""

LOGIT_SPREAD = 3.0
"""The same of logits, where one step is a factor of two."""

UNSCALED = TileProduct(scale=Scale(1, 0))
IDENTITY = Activation()
RELU = Activation(Curve.RELU, Scale(128, 7))


@dataclass(frozen=True, slots=True)
class Weights:
    """Of a product: in tiles, [N, K, 64, 64], with packed biases, one row of bytes per tile."""

    tiles: Array
    bias: Array


def scale_for(sums: Array, spread: float, add: int = 0) -> Scale:
    """The scale with eight bits of multiplier that gives sums this standard deviation."""
    ratio = spread / max(float(np.std(sums)), 1e-9)
    shift = min(max(floor(log2(255 / ratio)), 0), 34)
    return Scale(min(max(round(ratio * 2**shift), 1), 255), shift, add)


@dataclass(slots=True)
class TileNetwork:
    """A network in the making: nodes, constants, and the value of every tensor for one input."""

    name: str
    rng: np.random.Generator
    values: dict[str, Array] = field(default_factory=dict[str, Array])
    _nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    _constants: list[onnx.TensorProto] = field(default_factory=list[onnx.TensorProto])
    _input: str = ""

    def input(self, name: str, rows: int, columns: int) -> str:
        """A drawn matrix of this size."""
        drawn = np.clip(self.rng.normal(0, SPREAD, (rows, columns)).round(), -128, 127)
        self.values[name] = in_tiles(drawn.astype(np.int8))
        self._input = name
        return name

    def drawn(self, outputs: int, inner: int, largest: int) -> Array:
        """Weights of a matrix [outputs, inner], uniform within ``largest``."""
        return self.rng.integers(-largest, largest + 1, (outputs, inner)).astype(np.int8)

    def weights(self, matrix: Array, bias_spread: int = 500) -> Weights:
        """In tiles, with drawn biases; rows of zeros have none."""
        drawn = self.rng.integers(-bias_spread, bias_spread + 1, matrix.shape[:1])
        bias = drawn.astype(np.int32) * np.any(matrix, axis=1)
        return Weights(in_tiles(matrix), packed_bias(bias))

    def product(
        self, x: str, weights: Weights, name: str, activation: Activation = IDENTITY
    ) -> str:
        """x times weights, in rows of x."""
        sums = UNSCALED.sums(self.values[x], weights.tiles, weights.bias)
        op = TileProduct(scale=scale_for(sums, SPREAD), activation=activation)
        return self._append(op, (x, *self._stored(weights, name)), name)

    def transposed(self, x: str, weights: Weights, name: str) -> str:
        """weights times x: the product's transpose, biases by row, as attention wants values."""
        unscaled = replace(UNSCALED, bias_by_row=True)
        sums = unscaled.sums(weights.tiles, self.values[x], weights.bias)
        w, bias = self._stored(weights, name)
        return self._append(replace(unscaled, scale=scale_for(sums, SPREAD)), (w, x, bias), name)

    def added(self, x: str, weights: Weights, residual: str, name: str) -> str:
        """The product and a residual connection, each column with a factor of its own: a residual
        block that ends in NoNorm."""
        sums = UNSCALED.sums(self.values[x], weights.tiles, weights.bias)
        op = TileProductAdded(scale=scale_for(sums, SPREAD))
        columns = self.values[residual].shape[1]
        unit = 2**op.scale.shift / op.scale.multiplier
        drawn = self.rng.uniform(0.5, 0.9, (columns, 1, TILE))
        factors = np.clip((drawn * unit).round(), -127, 127).astype(np.int8)
        d = self._constant(f"{name}.d", factors * np.eye(TILE, dtype=np.int8))
        return self._append(op, (x, *self._stored(weights, name), residual, d), name)

    def attention(self, q: str, k: str, v: str, heads: int, name: str) -> str:
        """All heads; q and k [rows, heads * depth], v its transpose."""
        rows, whole = self.values[q].shape[:2]
        depth = whole // heads
        apart = [
            self._reshaped(q, (rows, heads, depth, TILE, TILE)),
            self._reshaped(k, (rows, heads, depth, TILE, TILE)),
            self._reshaped(v, (heads, depth, rows, TILE, TILE)),
        ]
        none = np.zeros((rows, 3 * TILE), np.uint8)
        sample = UNSCALED.sums(self.values[apart[0]][:, 0], self.values[apart[1]][:, 0], none)
        op = TileAttention(logits=scale_for(sample, LOGIT_SPREAD), values=Scale(128, 15))
        joined = self._append(op, tuple(apart), name)
        return self._reshaped(joined, (rows, whole, TILE, TILE))

    def write(self, path: str, output: str) -> None:
        """The .onnx file. Raises OSError."""
        shown = [(self._input, self.values[self._input]), (output, self.values[output])]
        ends = [
            helper.make_tensor_value_info(name, TensorProto.INT8, array.shape)
            for name, array in shown
        ]
        graph = helper.make_graph(self._nodes, self.name, ends[:1], ends[1:], self._constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="tilewright")
        model.ir_version = 9
        onnx.save(model, path)

    def _stored(self, weights: Weights, name: str) -> tuple[str, str]:
        """The names of weights and biases."""
        return self._constant(f"{name}.w", weights.tiles), self._constant(f"{name}.b", weights.bias)

    def _constant(self, name: str, array: Array) -> str:
        self._constants.append(numpy_helper.from_array(array, name))
        self.values[name] = array
        return name

    def _reshaped(self, x: str, shape: tuple[int, ...]) -> str:
        name = f"{x}.{len(shape)}d"
        given = numpy_helper.from_array(np.array(shape, np.int64), f"{name}.shape")
        self._constants.append(given)
        self._nodes.append(helper.make_node("Reshape", [x, given.name], [name], name=name))
        self.values[name] = self.values[x].reshape(shape)
        return name

    def _append(
        self, op: TileProduct | TileProductAdded | TileAttention, inputs: Sequence[str], name: str
    ) -> str:
        self.values[name] = op.evaluate(*(self.values[i] for i in inputs))
        kind = "TileAttention" if isinstance(op, TileAttention) else "TileProduct"
        node = helper.make_node(kind, list(inputs), [name], name=name, domain=DOMAIN)
        for key, value in _attributes(op).items():
            node.attribute.append(helper.make_attribute(key, value))
        self._nodes.append(node)
        return name


def _attributes(
    op: TileProduct | TileProductAdded | TileAttention,
) -> dict[str, list[int] | int | str]:
    if isinstance(op, TileAttention):
        return {
            "logits": _numbers(op.logits), "values": _numbers(op.values),
            "softmax_shift": op.softmax_shift,
        }  # fmt: skip
    found: dict[str, list[int] | int | str] = {"scale": _numbers(op.scale)}
    if op.bias_by_row:
        found["bias_by_row"] = 1
    if op.activation.curve is not Curve.IDENTITY:
        found["curve"] = op.activation.curve.name.lower()
        found["curve_scale"] = _numbers(op.activation.scale)
        found["curve_constants"] = [op.activation.b, op.activation.c]
    return found


def _numbers(scale: Scale) -> list[int]:
    return [scale.multiplier, scale.shift, scale.add]
