from rewriting import Net, assert_same_outputs, operators
from tilewright.frontend.rewrites.rules import optimise
from tilewright.ir.types import DType
from tilewright.ops.layout import Reshape, Transpose


def test_an_output_that_reshapes_an_input_is_copied() -> None:
    net = Net()
    before = net.graph(net.do("y", Reshape((3, 2)), net.input("x", 2, 3, dtype=DType.S8)))
    after = optimise(before, prune=True).graph
    assert operators(after) == ["Reshape", "Copy"]
    assert_same_outputs(before, after)


def test_a_second_output_of_the_same_elements_is_copied() -> None:
    net = Net()
    moved = net.do("moved", Transpose((1, 0)), net.input("x", 2, 3, dtype=DType.S8))
    before = net.graph(net.do("a", Reshape((6,)), moved), net.do("b", Reshape((1, 6)), moved))
    after = optimise(before, prune=True).graph
    assert sorted(operators(after)) == ["Copy", "Reshape", "Reshape", "Transpose"]
    assert_same_outputs(before, after)


def test_an_output_that_reshapes_a_computed_value_needs_no_copy() -> None:
    net = Net()
    moved = net.do("moved", Transpose((1, 0)), net.input("x", 2, 3, dtype=DType.S8))
    before = net.graph(net.do("y", Reshape((6,)), moved))
    assert operators(optimise(before, prune=True).graph) == ["Transpose", "Reshape"]
