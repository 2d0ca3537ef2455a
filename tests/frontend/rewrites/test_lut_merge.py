import numpy as np
import pytest

from rewriting import Net, assert_same_outputs, operators, refusals
from tilewright.frontend.rewrites.rules import optimise
from tilewright.ir.graph import Graph
from tilewright.ir.types import Array, DType
from tilewright.ops.dense import QDense
from tilewright.ops.lut import Lut
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding

RNG = np.random.default_rng(12)
IDENTITY = np.arange(-128, 128).astype(np.int8)


def drawn_table() -> Array:
    return RNG.integers(-128, 128, 256).astype(np.int8)


def dense(net: Net, low: int, high: int) -> str:
    output = Requantise(Rounding.HALF_EVEN, 3, low, high)
    return net.do(
        "dense", QDense(output), net.input("x", 4, 5, dtype=DType.S8),
        RNG.integers(-127, 128, (6, 5)).astype(np.int8), np.arange(6, dtype=np.int32),
        np.array([2**30], np.int32), np.array([37], np.int8),
    )  # fmt: skip


def after_dense(table: Array, low: int = -128, high: int = 127) -> Graph:
    net = Net()
    return net.graph(net.do("y", Lut(), dense(net, low, high), table))


def test_tables_in_a_row_become_one() -> None:
    net = Net()
    y = net.input("x", 300, dtype=DType.S8)
    for i in range(3):
        y = net.do(f"y{i}", Lut(), y, drawn_table())
    before = net.graph(y)
    after = optimise(before, prune=False).graph
    assert operators(after) == ["Lut"]
    assert_same_outputs(before, after)


def test_a_table_that_somebody_else_reads_stays() -> None:
    net = Net()
    y = net.do("y", Lut(), net.input("x", 300, dtype=DType.S8), drawn_table())
    rewritten = optimise(net.graph(net.do("z", Lut(), y, drawn_table()), y), prune=False)
    assert operators(rewritten.graph) == ["Lut", "Lut"]
    assert refusals(rewritten, "merge-tables") == ["y has other readers"]


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        (np.clip(IDENTITY, -5, 40), -128, 127),
        (np.clip(IDENTITY, -128, 40), 3, 127),
        (IDENTITY, 0, 5),
        # Arbitrary entries that the producer never looks up.
        (np.where(IDENTITY < 3, 99, np.minimum(IDENTITY, 60)).astype(np.int8), 3, 127),
    ],
)
def test_a_table_that_clips_tightens_its_producer(table, low, high) -> None:
    before = after_dense(table, low, high)
    after = optimise(before, prune=False).graph
    assert operators(after) == ["QDense"]
    assert_same_outputs(before, after)


def test_a_table_that_does_more_stays() -> None:
    table = np.clip(IDENTITY, -5, 40)
    table[128] = 1
    rewritten = optimise(after_dense(table), prune=False)
    assert operators(rewritten.graph) == ["QDense", "Lut"]
    assert refusals(rewritten, "fuse-table-clip") == ["its table does more than clip"]
