"""A toy decoder with a prompt and a decode function over common weights and one cache.

One layer of attention with one head: keys and values of a word depend on the word alone, so a
prompt of several words leaves in the cache what as many decode steps leave there.
"""

import numpy as np

from tilewright.ir.graph import Contract, Graph, GraphBuilder, State, Value, ValueName
from tilewright.ir.index import Argument
from tilewright.ir.network import Network
from tilewright.ir.types import DType, TensorType
from tilewright.ops.dense import QDense
from tilewright.ops.gather import Gather
from tilewright.ops.matmul import QMatMul
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.softmax_onnx import TableSoftmax, inverse_scale
from tilewright.ops.state import Put, Valid

WIDTH, WORDS, CONTEXT, CHUNK = 8, 12, 7, 3
END, ROWS = Argument("end", CONTEXT), Argument("rows", CHUNK)
EVEN = Requantise(Rounding.HALF_EVEN)


class Builder:
    """Puts one entry together."""

    def __init__(self, name: str, width: int = WIDTH) -> None:
        self.width = width
        self.builder = GraphBuilder(name, Contract.ONNX)
        self.states: list[tuple[str, ValueName, ValueName]] = []

    def add(self, name: str, op, *inputs: ValueName) -> ValueName:
        types = (self.builder.values[value].type for value in inputs)
        value = Value(ValueName(f"{name}.y"), op.infer(*types))
        return self.builder.node(name, op, inputs, value)

    def input(self, name: str, dtype: DType, *shape: int) -> ValueName:
        return self.builder.input(Value(ValueName(name), TensorType(dtype, shape)))

    def table(self) -> ValueName:
        if (known := ValueName("embedding")) in self.builder.values:
            return known
        rng = np.random.default_rng(1)
        return self.builder.constant(
            "embedding", rng.integers(-128, 128, (WORDS, self.width)).astype(np.int8)
        )

    def dense(self, name: str, x: ValueName, weights: ValueName | None = None) -> ValueName:
        """Weights depend on the name alone: entries share them."""
        rng = np.random.default_rng([*name.encode()])
        if weights is None:
            array = rng.integers(-90, 90, (self.width, self.width)).astype(np.int8)
            weights = self.builder.constant(f"{name}.w", array)
        outputs = self.builder.values[weights].type.shape[0]
        tables = (
            self.builder.constant(f"{name}.b", rng.integers(-999, 999, outputs).astype(np.int32)),
            self.builder.constant(f"{name}.m", np.full(outputs, 1 << 30, np.int32)),
            self.builder.constant(f"{name}.s", np.full(outputs, 38, np.int8)),
        )
        return self.add(name, QDense(EVEN), x, weights, *tables)

    def remembered(self, name: str, rows: ValueName, first, context: int = CONTEXT) -> ValueName:
        """The cache with new rows in it."""
        before = self.input(f"{name}_cache", DType.S8, context, self.width)
        after = self.add(f"{name}_put", Put(0, first), before, rows)
        self.builder.outputs.append(after)
        self.states.append((name, before, after))
        return after

    def build(self) -> Graph:
        self.builder.states = [State(*state) for state in self.states]
        return self.builder.build()


def decode(end: Argument = END, width: int = WIDTH) -> Graph:
    """Word number ``end``, 1 .. its most, behind end - 1 words: the scores of all words."""
    made = Builder("decode", width)
    x = made.add("embed", Gather(0), made.table(), made.input("word", DType.S32, 1))
    keys = made.remembered("k", made.dense("key", x), end - 1, end.most)
    values = made.remembered("v", made.dense("value", x), end - 1, end.most)
    product = QMatMul(True, scale=FixedPoint(1 << 30, 37), output=EVEN)
    scores = made.add(
        "scores", product, made.dense("query", x), made.add("seen", Valid(0, end + 0), keys)
    )
    exponentials = np.round(2.0**20 * np.exp(-np.arange(256) / 24)).astype(np.int32)
    softmax = TableSoftmax(
        20, inverse_scale(1 / 256, 20), Requantise(Rounding.HALF_EVEN, zero=-128)
    )
    table = made.builder.constant("exponentials", exponentials)
    shares = made.add("shares", softmax, scores, table)
    mix = QMatMul(a_zero=-128, scale=FixedPoint(1 << 30, 38), output=EVEN)
    mixed = made.add("mix", mix, shares, made.add("held", Valid(0, end + 0), values))
    made.builder.outputs.append(made.dense("head", mixed, made.table()))
    return made.build()


def prompt() -> Graph:
    """``rows`` words, of which the last is number ``end``: what they are, and the cache."""
    made = Builder("prompt")
    words = made.add("given", Valid(0, ROWS + 0), made.input("words", DType.S32, CHUNK))
    x = made.add("embed", Gather(0), made.table(), words)
    made.remembered("k", made.dense("key", x), END - ROWS)
    made.remembered("v", made.dense("value", x), END - ROWS)
    made.builder.outputs.append(made.dense("query", x))
    return made.build()


def decoder() -> Network:
    return Network.of("toy", prompt=prompt(), decode=decode())
