from rewriting import Net, assert_same_outputs, operators
from tilewright.frontend.rewrites.rules import optimise
from tilewright.ir.types import DType
from tilewright.ops.layout import Transpose
from tilewright.ops.quantise import Recentre


def test_recentring_twice_is_nothing() -> None:
    net = Net()
    x = net.input("x", 2, 3, dtype=DType.U8)
    there = net.do("there", Recentre(), net.do("moved", Transpose((1, 0)), x))
    back = net.do("back", Recentre(), there)
    before = net.graph(net.do("out", Transpose((1, 0)), back))
    after = optimise(before, prune=False).graph
    assert operators(after) == ["Transpose", "Transpose"]
    assert_same_outputs(before, after)


def test_one_recentring_stays() -> None:
    net = Net()
    before = net.graph(net.do("y", Recentre(), net.input("x", 2, 3, dtype=DType.U8)))
    assert optimise(before, prune=True).graph is before
