"""Writes a network in tiles layer by layer; scales come from what a drawn input gives.

Every product gets the scale that brings its sums to a spread of about a quarter of the bytes, so
that nothing dies out or saturates over many layers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, log2

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tilewright.frontend.onnx_tiles import DOMAIN
from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.tile_norm import TileNormed, TileNormFactors
from tilewright.ops.tiles import (
    TILE,
    Activation,
    Curve,
    Scale,
    TileAttention,
    TileAttentionMasked,
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
GELU = Activation(Curve.GELU, Scale(74, 20), -80, -7091)
"""Of numbers in units of 1/32, which its result has, too."""

STRENGTH = 2048
"""Factor times deviation of norms: 64 for a usual token."""

NORM_SCALE = Scale(128, 13)
"""Brings it to the usual spread."""

LOWEST_BIAS = -(1 << 23)
"""Of keys that nobody sees."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Of a product: in tiles, [N, K, 64, 64], with packed biases, one row of bytes per tile."""

    tiles: Array
    bias: Array


@dataclass(frozen=True, slots=True)
class Blend:
    """How a sum with a residual connection comes out.

    spread  that the product adds
    kept    of the residual: the range from which factors are drawn, one per column
    scale   of the product, instead of one for ``spread``
    """

    spread: float = SPREAD
    kept: tuple[float, float] = (0.5, 0.9)
    scale: Scale | None = None


NONORM = Blend()


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
    _inputs: list[str] = field(default_factory=list[str])
    _weights: list[tuple[Weights, str]] = field(default_factory=list[tuple[Weights, str]])

    def input(self, name: str, rows: int, columns: int) -> str:
        """A drawn matrix of this size."""
        drawn = np.clip(self.rng.normal(0, SPREAD, (rows, columns)).round(), -128, 127)
        return self.given(name, drawn.astype(np.int8))

    def given(self, name: str, matrix: Array) -> str:
        """An input that is like this matrix."""
        self.values[name] = in_tiles(matrix)
        self._inputs.append(name)
        return name

    def drawn(self, outputs: int, inner: int, largest: int) -> Array:
        """Weights of a matrix [outputs, inner], uniform within ``largest``."""
        return self.rng.integers(-largest, largest + 1, (outputs, inner)).astype(np.int8)

    def weights(self, matrix: Array, bias_spread: int = 500) -> Weights:
        """In tiles, with drawn biases; rows of zeros have none."""
        drawn = self.rng.integers(-bias_spread, bias_spread + 1, matrix.shape[:1])
        bias = drawn.astype(np.int32) * np.any(matrix, axis=1)
        return Weights(in_tiles(matrix), packed_bias(bias))

    def sums(self, x: str, weights: Weights) -> Array:
        """Of a product, before its scale."""
        return UNSCALED.sums(self.values[x], weights.tiles, weights.bias)

    def product(
        self,
        x: str,
        weights: Weights,
        name: str,
        activation: Activation = IDENTITY,
        scale: Scale | None = None,
    ) -> str:
        """x times weights, in rows of x; by this scale, or one for the usual spread."""
        if scale is None:
            scale = scale_for(self.sums(x, weights), SPREAD)
        op = TileProduct(scale=scale, activation=activation)
        return self._append(op, (x, *self._stored(weights, name)), name)

    def transposed(self, x: str, weights: Weights, name: str) -> str:
        """weights times x: the product's transpose, biases by row, as attention wants values."""
        op = TileProduct(scale=scale_for(self.sums(x, weights), SPREAD), bias_by_row=True)
        w, bias = self._stored(weights, name)
        return self._append(op, (w, x, bias), name)

    def added(
        self,
        x: str,
        weights: Weights,
        residual: str,
        name: str,
        blend: Blend = NONORM,
        activation: Activation = IDENTITY,
    ) -> str:
        """The product and a residual connection, each column with a factor of its own: a residual
        block that ends in NoNorm."""
        scale = blend.scale or scale_for(self.sums(x, weights), blend.spread)
        op = TileProductAdded(scale=scale, activation=activation)
        d = self._kept(residual, blend, scale, name)
        return self._append(op, (x, *self._stored(weights, name), residual, d), name)

    def added_across(
        self, weights: Weights, x: str, stream: str, name: str, blend: Blend = NONORM
    ) -> str:
        """The same transposed: weights times x and the residual, channels by tokens."""
        scale = blend.scale or scale_for(self.sums(x, weights), blend.spread)
        op = TileProductAdded(scale=scale, bias_by_row=True)
        w, bias = self._stored(weights, name)
        d = self._kept(stream, blend, scale, name)
        return self._append(op, (w, x, bias, stream, d), name)

    def constant(self, name: str, matrix: Array) -> str:
        """In tiles."""
        return self._constant(name, in_tiles(matrix))

    def normed(self, stream: str, channels: int, name: str) -> str:
        """Layer norm of what lies channels by tokens; tokens by channels."""
        op = TileNormFactors(channels=channels, strength=STRENGTH)
        factors = self._append(op, (stream,), f"{name}.factors")
        return self._append(TileNormed(scale=NORM_SCALE), (factors, stream), name)

    def _kept(self, residual: str, blend: Blend, scale: Scale, name: str) -> str:
        """The diagonal matrices of a residual's factors."""
        columns = self.values[residual].shape[1]
        unit = 2**scale.shift / scale.multiplier
        drawn = self.rng.uniform(*blend.kept, (columns, 1, TILE))
        factors = np.clip((drawn * unit).round(), -127, 127).astype(np.int8)
        return self._constant(f"{name}.d", factors * np.eye(TILE, dtype=np.int8))

    def attention(
        self, q: str, k: str, v: str, heads: int, name: str, tokens: int | None = None
    ) -> str:
        """All heads; q and k [rows, heads * depth], v its transpose. Where the rows are more than
        the ``tokens``, nobody sees the others."""
        rows, whole = self.values[q].shape[:2]
        depth = whole // heads
        apart = [
            self._reshaped(q, (rows, heads, depth, TILE, TILE)),
            self._reshaped(k, (rows, heads, depth, TILE, TILE)),
            self._reshaped(v, (heads, depth, rows, TILE, TILE)),
        ]
        none = np.zeros((rows, 3 * TILE), np.uint8)
        sample = UNSCALED.sums(self.values[apart[0]][:, 0], self.values[apart[1]][:, 0], none)
        logits, values = scale_for(sample, LOGIT_SPREAD), Scale(128, 15)
        op: Op = TileAttention(logits=logits, values=values)
        if tokens is not None and tokens < rows * TILE:
            biases = np.zeros(rows * TILE, np.int32)
            biases[tokens:] = LOWEST_BIAS
            apart.append(self._constant(f"{name}.mask", packed_bias(biases)))
            op = TileAttentionMasked(logits=logits, values=values)
        joined = self._append(op, tuple(apart), name)
        return self._reshaped(joined, (rows, whole, TILE, TILE))

    def write(self, path: str, output: str) -> None:
        """The .onnx file. Raises OSError."""
        shown = [(name, self.values[name]) for name in (*self._inputs, output)]
        ends = [
            helper.make_tensor_value_info(name, TensorProto.INT8, array.shape)
            for name, array in shown
        ]
        graph = helper.make_graph(self._nodes, self.name, ends[:-1], ends[-1:], self._constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="tilewright")
        model.ir_version = 9
        onnx.save(model, path)

    def _stored(self, weights: Weights, name: str) -> tuple[str, str]:
        """The names of weights and biases; the same for the same weights."""
        for known, stem in self._weights:
            if known is weights:
                return f"{stem}.w", f"{stem}.b"
        self._weights.append((weights, name))
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

    def _append(self, op: Op, inputs: Sequence[str], name: str) -> str:
        self.values[name] = op.evaluate(*(self.values[i] for i in inputs))
        node = helper.make_node(_KINDS[type(op)], list(inputs), [name], name=name, domain=DOMAIN)
        for key, value in _attributes(op).items():
            node.attribute.append(helper.make_attribute(key, value))
        self._nodes.append(node)
        return name


_KINDS: Mapping[type[Op], str] = {
    TileProduct: "TileProduct", TileProductAdded: "TileProduct", TileAttention: "TileAttention",
    TileAttentionMasked: "TileAttention", TileNormFactors: "TileNormFactors",
    TileNormed: "TileNormed",
}  # fmt: skip
"""Optional inputs tell operators of one node apart."""


def _attributes(op: Op) -> dict[str, list[int] | int | str]:
    match op:
        case TileAttention() | TileAttentionMasked():
            return {
                "logits": _numbers(op.logits), "values": _numbers(op.values),
                "softmax_shift": op.softmax_shift,
            }  # fmt: skip
        case TileNormFactors():
            return {"channels": op.channels, "strength": op.strength}
        case TileNormed():
            return {"scale": _numbers(op.scale)}
        case TileProduct() | TileProductAdded():
            return _of_product(op)
        case _:
            raise AssertionError(op)


def _of_product(op: TileProduct | TileProductAdded) -> dict[str, list[int] | int | str]:
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
