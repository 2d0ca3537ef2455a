"""Several operators in the place of one of a .tflite file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tilewright.errors import ModelError
from tilewright.frontend.chain import Chain
from tilewright.frontend.tflite_file import TfliteOperator
from tilewright.frontend.tflite_network import Network, quantisation_of
from tilewright.ir.graph import GraphBuilder, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, Quantisation
from tilewright.ops.layout import Reshape

ANY = 1 << 16
"""More operands or results than any operator has."""


@dataclass(slots=True)
class Steps(Chain):
    """What is computed for one operator."""

    network: Network
    op: TfliteOperator
    count: int = 0

    @property
    def builder(self) -> GraphBuilder:
        """The graph that is being built."""
        return self.network.builder

    @property
    def label(self) -> str:
        """How messages call the operator."""
        return self.network.label(self.op)

    @property
    def prefix(self) -> str:
        """The start of the steps' names."""
        return self.network.result(self.op).name

    def made(self, name: ValueName, values: Sequence[Value]) -> None:
        """Nothing is kept about steps."""

    def operand(self, position: int) -> ValueName:
        """An input, of any element type."""
        return self.network.operand(self.op, position)

    def option(self, slot: int, kind: str = "int32", default: int = 0) -> int:
        """A number among the operator's attributes."""
        return default if self.op.options is None else self.op.options.integer(slot, kind, default)

    def stored(self, array: Array) -> ValueName:
        """A constant of integers as it is, which no scale belongs to."""
        return self._constant(np.ascontiguousarray(array))

    def exact(self, op: Op, *inputs: ValueName, like: Quantisation | None = None) -> ValueName:
        """One operator on exact integers; its result has the scale ``like``, or the final one's."""
        name = self.builder.fresh(self._name())
        type_ = op.infer(*(self.type(x) for x in inputs))
        q = like or quantisation_of(self.network.result(self.op))
        return self.builder.node(name, op, inputs, Value(name, type_, q))

    def flag(self, slot: int) -> bool:
        """A truth value among the operator's attributes."""
        return self.op.options is not None and self.op.options.flag(slot)

    def integers_of(self, position: int) -> tuple[int, ...]:
        """A constant operand of shapes, axes or sizes."""
        return self.network.integers(self.op, position)

    def axis(self, axis: int, rank: int) -> int:
        """A dimension counted from the front. Raises ModelError for one that does not exist."""
        if not -rank <= axis < rank:
            raise ModelError(f"{self.label}: axis {axis} is outside {rank} dimensions")
        return axis % rank

    def finish(self, x: ValueName, output: int = 0) -> None:
        """The operator's result, which is made already."""
        self.end(Reshape(self.shape(x)), x, output=output)

    def end(self, op: Op, *inputs: ValueName, output: int = 0) -> None:
        """The operator's result, made by ``op``."""
        self.network.emit(self.op, op, inputs, output)


ImportRule = Callable[[Network, TfliteOperator], None]


@dataclass(frozen=True, slots=True)
class Operator:
    """How one operator of the schema is imported, and how many inputs and outputs it may have."""

    rule: ImportRule
    inputs: tuple[int, int]
    outputs: tuple[int, int] = (1, 1)


def by_steps(rule: Callable[[Steps], None]) -> ImportRule:
    """A rule that is written as steps; what shapes contradict is the file's mistake."""

    def imported(network: Network, op: TfliteOperator) -> None:
        steps = Steps(network, op)
        try:
            rule(steps)
        except ValueError as error:
            raise ModelError(f"{steps.label}: {error}") from None

    return imported
