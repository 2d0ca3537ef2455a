"""Several operators in the place of one of a file: what both importers build them with."""

from abc import abstractmethod
from collections.abc import Sequence
from math import prod

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.ir.graph import GraphBuilder, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Shape, TensorType
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.matmul import MatMul

MOVING = (Gather, Reshape, Transpose, Concat, Pad)
"""Operators that keep the stored form of what they move."""


class Chain:
    """Appends operators one after another; constants and results are named after the last one."""

    __slots__ = ()
    count: int

    @property
    @abstractmethod
    def builder(self) -> GraphBuilder:
        """The graph that is being built."""

    @property
    @abstractmethod
    def label(self) -> str:
        """How messages call the operator of the file."""

    @property
    @abstractmethod
    def prefix(self) -> str:
        """The start of the steps' names."""

    @abstractmethod
    def made(self, name: ValueName, values: Sequence[Value]) -> None:
        """Told of every step, with what it reads."""

    def integers(self, array: Array) -> ValueName:
        """A constant of plain integers. Raises UnsupportedError where 32 bits do not hold them."""
        wide = np.asarray(array)
        limits = np.iinfo(np.int32)
        if wide.dtype.kind in "iu" and wide.size:
            top, bottom = int(wide.max()), int(wide.min())
            # int64's ends are how exporters write "to the end".
            if wide.dtype.name == "int64" and (top == 2**63 - 1 or bottom == -(2**63)):
                wide = np.clip(wide, limits.min, limits.max)
            elif not limits.min <= bottom <= top <= limits.max:
                wrong = top if top > limits.max else bottom
                raise UnsupportedError(
                    f"{self.label}: a constant has the integer {wrong}, integers are 32 bits wide "
                    "inside"
                )
        return self._constant(wide.astype(np.int32))

    def reals(self, array: Array) -> ValueName:
        """A constant of real numbers."""
        return self._constant(np.asarray(array).astype(np.float32))

    def type(self, x: ValueName) -> TensorType:
        """Of a value made so far."""
        return self.builder.values[x].type

    def shape(self, x: ValueName) -> Shape:
        """Of a value made so far."""
        return self.type(x).shape

    def is_whole(self, x: ValueName) -> bool:
        """Whether it holds plain integers; all others are real numbers, or stand for some."""
        value = self.builder.values[x]
        return value.type.dtype is DType.S32 and value.quantisation is None

    def do(self, op: Op, *inputs: ValueName) -> ValueName:
        """One operator; its result."""
        values = [self.builder.values[name] for name in inputs]
        types = [v.type for v in values]
        quantisation = values[0].quantisation if isinstance(op, MOVING) else None
        if quantisation is not None and not keeps_form(op, values):
            types = [_in_reals(value) for value in values]
            quantisation = None
        inferred = op.infer(*types)
        name = self.builder.fresh(self._name())
        self.made(name, values)
        return self.builder.node(name, op, inputs, Value(name, inferred, quantisation))

    def binary(self, kind: BinaryKind, a: ValueName, b: ValueName) -> ValueName:
        """a kind b."""
        return self.do(Binary(kind), a, b)

    def curve(self, curve: Curve, x: ValueName) -> ValueName:
        """A function without parameters."""
        return self.do(Activation(curve), x)

    def reshaped(self, x: ValueName, shape: Shape) -> ValueName:
        """Another shape, if it is another."""
        return x if self.shape(x) == shape else self.do(Reshape(shape), x)

    def transposed(self, x: ValueName, perm: tuple[int, ...]) -> ValueName:
        """Another order of dimensions, if it is another."""
        return x if perm == tuple(range(len(perm))) else self.do(Transpose(perm), x)

    def chosen(self, x: ValueName, axis: int, index: Array) -> ValueName:
        """Elements of one axis, by constant indices >= 0; x itself where that is all, in order."""
        if np.array_equal(index, np.arange(self.shape(x)[axis])):
            return x
        if not index.size:
            raise UnsupportedError(
                f"{self.label}: makes a tensor without elements; a network needs some in each"
            )
        return self.do(Gather(axis), x, self.integers(index))

    def expanded(self, x: ValueName, shape: Shape) -> ValueName:
        """numpy's broadcasting to a shape, element by element."""
        have = self.shape(x)
        x = self.reshaped(x, (*(1,) * (len(shape) - len(have)), *have))
        for axis, (old, new) in enumerate(zip(self.shape(x), shape, strict=True)):
            if old != new:
                if old != 1:
                    raise ValueError(f"{list(have)} does not broadcast to {list(shape)}")
                x = self.chosen(x, axis, np.zeros(new, np.int64))
        return x

    def denied(self, x: ValueName) -> ValueName:
        """1 where x is 0, 0 elsewhere."""
        return self.binary(BinaryKind.EQUAL, x, self.integers(np.array(0)))

    def _constant(self, array: Array) -> ValueName:
        return self.builder.constant(self._name("constant"), np.array(array, order="C"))

    def _name(self, what: str = "step") -> str:
        self.count += 1
        return f"{self.prefix}.{what}{self.count}"


def keeps_form(op: Op, values: Sequence[Value]) -> bool:
    """Whether all that an operator moves, and what it adds, has the stored form of its first input:
    otherwise the result is real numbers, until something stores it."""
    form = values[0].quantisation
    if isinstance(op, Concat):
        return all(value.quantisation == form for value in values)
    if not isinstance(op, Pad) or form is None:
        return True
    dtype = values[0].type.dtype
    steps = op.value / form.scale if form.is_per_tensor else np.inf
    return bool(np.isfinite(steps)) and (
        steps == round(steps) and dtype.low <= round(steps) + form.zero_point <= dtype.high
    )


def _in_reals(value: Value) -> TensorType:
    """The type of what a stored tensor stands for."""
    return TensorType(DType.F32, value.type.shape) if value.quantisation else value.type


def by_matrix(steps: Chain, x: ValueName, axis: int, matrix: Array) -> ValueName:
    """Every row along an axis times the same matrix [new][old]."""
    rank = len(steps.shape(x))
    perm = list(range(rank))
    perm[axis], perm[-1] = perm[-1], perm[axis]
    moved = steps.transposed(x, tuple(perm))
    whole = steps.shape(moved)
    flat = steps.reshaped(moved, (int(np.prod(whole[:-1])), whole[-1]))
    made = steps.do(MatMul(), flat, steps.reals(matrix.T))
    made = steps.reshaped(made, (*whole[:-1], matrix.shape[0]))
    return steps.transposed(made, tuple(perm))


def by_table(steps: Chain, x: ValueName, table: Array) -> ValueName:
    """Elements of x counted as if it had one dimension, in the table's shape."""
    flat = steps.reshaped(x, (prod(steps.shape(x)),))
    made = steps.do(Gather(0), flat, steps.integers(np.atleast_1d(table)))
    return steps.reshaped(made, tuple(table.shape))


def bordered(extent: int, before: int, after: int, mode: str) -> Array:
    """The places of 0 .. extent - 1 with a border of their own: edge, wrap, symmetric, reflect."""
    places = np.arange(-before, extent + after)
    match mode:
        case "edge":
            return np.clip(places, 0, extent - 1)
        case "wrap":
            return places % extent
        case "symmetric":
            turned = places % (2 * extent)
            return np.where(turned < extent, turned, 2 * extent - 1 - turned)
        case _:
            period = max(2 * extent - 2, 1)
            turned = np.abs(places) % period
            return np.where(turned < extent, turned, period - turned)


def spread(steps: Chain, x: ValueName, axis: int, stride: int) -> ValueName:
    """stride - 1 zeros between neighbours along an axis."""
    shape = steps.shape(x)
    if stride == 1:
        return x
    grown = (*shape[: axis + 1], 1, *shape[axis + 1 :])
    none = (0,) * len(grown)
    after = (*none[: axis + 1], stride - 1, *none[axis + 2 :])
    x = steps.do(Pad(none, after), steps.reshaped(x, grown))
    n = shape[axis]
    x = steps.reshaped(x, (*shape[:axis], n * stride, *shape[axis + 1 :]))
    return steps.chosen(x, axis, np.arange((n - 1) * stride + 1))
