"""What a lowering rule has in its hands: the source graph, the graph being built, the contract.

Inside a lowered graph every quantised activation is int8. A uint8 tensor is stored minus 128, with
its zero point minus 128: the same real numbers, the same rounding.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from tilewright.errors import QuantisationError
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Node, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Quantisation
from tilewright.ops.lut import Lut
from tilewright.ops.quantise import Dequantize, Quantize
from tilewright.ops.quantise_tflite import QuantizeHalfAway
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding, clip, fixed_point, rescale

U8_OFFSET = 128


ROUNDINGS = {
    Contract.TFLITE: Rounding.DOUBLE,
    Contract.ONNX: Rounding.HALF_EVEN,
    Contract.PULP: Rounding.HALF_UP,
}
"""How each integer contract rescales accumulators; single operators may differ and say so."""


@dataclass(slots=True)
class Lowering:
    """One lowering in progress."""

    source: Graph
    contract: Contract
    builder: GraphBuilder
    names: dict[ValueName, ValueName] = field(default_factory=dict[ValueName, ValueName])
    """Source value → lowered value that holds it (int8 where the source is uint8)."""
    reals: dict[ValueName, ValueName] = field(default_factory=dict[ValueName, ValueName])
    """Quantised source value → its real numbers in float32, where a float operator reads them."""

    @property
    def rounding(self) -> Rounding:
        """The rounding of the contract. Only asked where there are integers."""
        return ROUNDINGS[self.contract]

    def value(self, name: ValueName) -> ValueName:
        """The lowered value for a source value; constants are copied on first use."""
        if name not in self.names:
            array = self.source.constants[name]
            quantisation = self.source.values[name].quantisation
            if array.dtype == np.uint8:
                array, quantisation = recentred(array, quantisation)
            self.names[name] = self.builder.constant(name, array, quantisation)
        return self.names[name]

    def quantisation(self, node: Node, name: ValueName) -> Quantisation:
        """Per-tensor parameters of an activation, as its int8 form has them.

        Raises QuantisationError naming node and tensor where there are none, or one per channel.
        """
        value = self.source.values[name]
        quantisation = value.quantisation
        if quantisation is None:
            raise QuantisationError(f"{node}: tensor {name} has no quantisation parameters")
        if not quantisation.is_per_tensor:
            raise QuantisationError(
                f"{node}: activation {name} has {quantisation}; activations need one scale"
            )
        if value.type.dtype not in (DType.S8, DType.U8, DType.S16):
            raise QuantisationError(
                f"{node}: activation {name} is {value.type.dtype}; int8, uint8 and int16 are "
                "supported"
            )
        return _shifted(quantisation, value.type.dtype)

    def emit(
        self,
        node: Node,
        op: Op,
        inputs: Sequence[ValueName],
        quantisation: Quantisation | None = None,
    ) -> ValueName:
        """Append ``op`` in the place of ``node``; its output holds the source node's output.

        inputs        lowered value names
        quantisation  of the output, where it is not the source's
        """
        source = self.source.values[node.output]
        inferred = op.infer(*(self.builder.values[name].type for name in inputs))
        if quantisation is None and source.quantisation is not None:
            quantisation = _shifted(source.quantisation, source.type.dtype)
        name = self.builder.fresh(f"{node.output}.s8" if is_u8(source) else node.output)
        value = replace(source, name=name, type=inferred, quantisation=quantisation)
        self.names[node.output] = self.builder.node(node.name, op, inputs, value)
        return name

    def between(self, node: Node, suffix: str, op: Op, inputs: Sequence[ValueName]) -> ValueName:
        """Append a node whose output the source file does not have, named after ``node``."""
        inferred = op.infer(*(self.builder.values[name].type for name in inputs))
        name = self.builder.fresh(f"{node.output}.{suffix}")
        return self.builder.node(f"{node.name}.{suffix}", op, inputs, Value(name, inferred))

    def border(self, node: Node) -> None:
        """Quantize and Dequantize of the source graph, with the parameters of its int8 form."""
        inside = node.inputs[0] if isinstance(node.op, Dequantize) else node.output
        q = self.quantisation(node, inside)
        is_real = isinstance(node.op, Dequantize)
        op = Dequantize(q.scale, q.zero_point) if is_real else self.quantize_op(node.output)
        self.emit(node, op, (self.value(node.inputs[0]),))

    def quantize_op(self, name: ValueName) -> Op:
        """From real numbers to the stored integers of a source value, int8 for uint8, as the
        contract rounds ties: away from zero, or to even."""
        value = self.source.values[name]
        assert value.quantisation is not None
        q = _shifted(value.quantisation, value.type.dtype)
        dtype = DType.S16 if value.type.dtype is DType.S16 else DType.S8
        if self.contract is Contract.TFLITE:
            return QuantizeHalfAway(q.scale, q.zero_point, dtype)
        return Quantize(q.scale, q.zero_point, dtype)

    def rescaled(self, node: Node, name: ValueName, to: Quantisation) -> ValueName:
        """An activation under another scale and zero point, by a table."""
        have = self.quantisation(node, name)
        if have == to:
            return self.value(name)
        stored = np.arange(-128, 128, dtype=np.int64) - have.zero_point
        point = fixed_point(have.scale / to.scale, self.rounding)
        moved = rescale(stored, point.multiplier, point.shift, self.rounding)
        table = clip(moved + to.zero_point, -128, 127)
        return self.between(
            node, "rescaled", Lut(), (self.value(name), self.constant(node, "table", table))
        )

    def constant(self, node: Node, suffix: str, array: Array) -> ValueName:
        """A constant that belongs to a node: a bias, a table."""
        return self.builder.constant(f"{node.output}.{suffix}", array)

    def requantise(self, node: Node, low: float = -inf, high: float = inf) -> Requantise:
        """Zero point and clip range of a node's output; ``low`` and ``high`` are real numbers."""
        quantisation = self.quantisation(node, node.output)
        bounds = clip_range(quantisation, low, high)
        return Requantise(self.rounding, quantisation.zero_point, *bounds)


LowerRule = Callable[[Lowering, Node], None]
"""Appends what computes ``node`` exactly under the contract, ending with one ``emit``."""

LowerRules = Mapping[type[Op], LowerRule]


def clip_range(
    quantisation: Quantisation, low: float, high: float, dtype: DType = DType.S8
) -> tuple[int, int]:
    """Stored bounds of a real range: zero + round_half_away(bound / scale), within the type.

    Source: TensorFlow Lite's CalculateActivationRangeQuantized (float32 division).
    """
    scale, zero = np.float32(quantisation.scale), quantisation.zero_point

    def stored(bound: float, unbounded: int) -> int:
        if not np.isfinite(bound):
            return unbounded
        ratio = float(np.float32(bound) / scale)
        rounded = int(np.floor(abs(ratio) + 0.5)) * (1 if ratio >= 0 else -1)
        return min(max(zero + rounded, dtype.low), dtype.high)

    return stored(low, dtype.low), stored(high, dtype.high)


def is_u8(value: Value) -> bool:
    """Whether a source value is stored as uint8."""
    return value.type.dtype is DType.U8


def recentred(array: Array, quantisation: Quantisation | None) -> tuple[Array, Quantisation | None]:
    """A uint8 array as int8: stored values and zero points minus 128."""
    moved = (array.astype(np.int16) - U8_OFFSET).astype(np.int8)
    return moved, None if quantisation is None else _shifted(quantisation, DType.U8)


def dequantised(array: Array, quantisation: Quantisation) -> Array:
    """Real values of a stored constant, float32."""
    shape = [1] * array.ndim
    if quantisation.axis is not None and not quantisation.is_per_tensor:
        shape[quantisation.axis] = -1
    scales = np.array(quantisation.scales, np.float64).reshape(shape)
    zeros = np.array(quantisation.zero_points, np.int64).reshape(shape)
    return ((array.astype(np.int64) - zeros) * scales).astype(np.float32)


def _shifted(quantisation: Quantisation, dtype: DType) -> Quantisation:
    if dtype is not DType.U8:
        return quantisation
    moved = tuple(zero - U8_OFFSET for zero in quantisation.zero_points)
    return replace(quantisation, zero_points=moved)
