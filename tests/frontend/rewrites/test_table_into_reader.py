import numpy as np
import pytest

from rewriting import Net, assert_same_outputs, operators, refusals
from tilewright.frontend.rewrites.rules import optimise
from tilewright.ir.graph import Contract
from tilewright.ir.types import DType
from tilewright.ops.arithmetic_onnx import LARGEST_PRODUCT, RescaledMul
from tilewright.ops.layout import Concat, Reshape
from tilewright.ops.lut import Lut
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding

TABLE = np.random.default_rng(5).integers(-128, 128, 256).astype(np.int8)
UP = Requantise(Rounding.HALF_UP)
PRODUCT = RescaledMul(3, -5, FixedPoint(2**30 // LARGEST_PRODUCT, 20), UP)


def gate(net: Net) -> tuple[str, str]:
    """(the table's output, the product's)."""
    mapped = net.do("mapped", Lut(), net.input("a", 2, 9, dtype=DType.S8), TABLE)
    return mapped, net.do("y", PRODUCT, mapped, net.input("b", 2, 9, dtype=DType.S8))


def test_a_gate_takes_its_table() -> None:
    net = Net(Contract.PULP)
    before = net.graph(gate(net)[1])
    after = optimise(before, prune=False).graph
    assert operators(after) == ["MappedMul"]
    assert_same_outputs(before, after)


def test_a_table_that_somebody_else_reads_stays() -> None:
    net = Net(Contract.PULP)
    rewritten = optimise(net.graph(*gate(net)), prune=False)
    assert operators(rewritten.graph) == ["Lut", "RescaledMul"]
    assert refusals(rewritten, "fuse-table") == ["mapped has other readers"]


@pytest.mark.parametrize("is_viewed", [False, True])
def test_a_cache_takes_the_table_of_its_new_row(*, is_viewed: bool) -> None:
    net = Net(Contract.PULP)
    new = net.do("mapped", Lut(), net.input("a", 1, 8, dtype=DType.S8), TABLE)
    if is_viewed:
        new = net.do("viewed", Reshape((2, 1, 4)), new)
    else:
        new = net.do("same", Lut(), net.input("c", 2, 1, 4, dtype=DType.S8), TABLE)
    cache = net.input("cache", 2, 5, 4, dtype=DType.S8)
    before = net.graph(net.do("y", Concat(1), cache, new))
    after = optimise(before, prune=False).graph
    assert "Lut" not in operators(after)
    assert "MappedConcat" in operators(after)
    assert_same_outputs(before, after)


def test_other_contracts_keep_their_tables() -> None:
    net = Net(Contract.ONNX)
    assert operators(optimise(net.graph(gate(net)[1]), prune=False).graph) == ["Lut", "RescaledMul"]
