from rewriting import HALVES, Net, assert_same_outputs, operators, refusals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.types import Quantisation
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation, Add, Clip
from tilewright.ops.layout import Reshape
from tilewright.ops.softmax import Softmax


def test_reshapes_in_a_row_become_one_or_none() -> None:
    net = Net()
    x = net.input("x", 2, 6)
    y = net.do("y", Softmax(), x)
    there = net.do("there", Reshape((3, 4)), y)
    on = net.do("on", Reshape((1, 12)), there)
    back = net.do("back", Reshape((2, 6)), on)
    before = net.graph(net.do("out", Softmax(), back), net.do("other", Softmax(), on))
    after = simplify(before).graph
    assert operators(after).count("Reshape") == 1
    assert_same_outputs(before, after)


def test_a_reshape_moves_below_elementwise_operators_and_meets_its_inverse() -> None:
    net = Net()
    x = net.input("x", 2, 1, 6)
    y = net.do("y", Softmax(), x)
    flat = net.do("flat", Reshape((2, 6)), y)
    act = net.do("act", Activation(Curve.SIGMOID), flat)
    sum_ = net.do("sum", Add(), act, flat)
    before = net.graph(net.do("out", Softmax(), net.do("wide", Reshape((2, 1, 6)), sum_)))
    after = simplify(before).graph
    assert operators(after) == ["Softmax", "Activation", "Add", "Softmax"]
    assert_same_outputs(before, after)


def test_a_reshape_to_the_same_shape_stays_where_it_changes_the_scale() -> None:
    net = Net()
    stored = net.do("stored", Clip(0), net.input("x", 4), q=HALVES)
    moved = net.do("moved", Reshape((4,)), stored, q=Quantisation((0.25,), (0,)))
    assert operators(simplify(net.graph(moved)).graph) == ["Clip", "Reshape"]


def test_reshapes_are_not_merged_over_a_change_of_scale() -> None:
    net = Net()
    stored = net.do("stored", Clip(0), net.input("x", 2, 6), q=HALVES)
    coarse = net.do("coarse", Reshape((12,)), stored, q=Quantisation((2.0,), (0,)))
    rewritten = simplify(net.graph(net.do("back", Reshape((3, 4)), coarse, q=HALVES)))
    assert operators(rewritten.graph) == ["Clip", "Reshape", "Reshape"]
    assert refusals(rewritten, "merge-reshapes") == ["coarse (Reshape) also changes the scale"]


def test_a_broadcast_operand_keeps_the_reshape_above() -> None:
    net = Net()
    row = net.do("row", Reshape((1, 6)), net.input("x", 6))
    column = net.do("column", Reshape((6, 1)), net.input("z", 6))
    before = net.graph(net.do("out", Add(), row, column))
    after = simplify(before).graph
    assert operators(after) == ["Reshape", "Reshape", "Add"]
    assert_same_outputs(before, after)
