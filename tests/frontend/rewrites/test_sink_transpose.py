import numpy as np
import pytest

from rewriting import (
    HALVES,
    Net,
    assert_same_outputs,
    node_of,
    operators,
    refusals,
    shape_of,
)
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.graph import Origin, ValueName
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation, Add, Clip, Mul
from tilewright.ops.layout import Concat, Pad, Transpose
from tilewright.ops.reduce import Mean
from tilewright.ops.softmax import Softmax

TO_FIRST, TO_LAST = Transpose((0, 3, 1, 2)), Transpose((0, 2, 3, 1))


def nhwc(net: Net, name: str, *shape: int) -> str:
    """An inner NHWC value that a Transpose cannot move above."""
    return net.do(f"{name}.inner", Softmax(), net.input(name, *shape))


def test_a_residual_block_in_the_files_layout_needs_no_transpose() -> None:
    net = Net()
    x = net.do("x", TO_FIRST, nhwc(net, "in", 1, 4, 5, 3))
    relu = net.do("relu", Clip(0), x)
    scaled = net.do("scaled", Mul(), relu, np.array([[[2.0]], [[3]], [[5]]], np.float32))
    gate = net.do("gate", Activation(Curve.SIGMOID), net.do("mean", Mean((2, 3)), relu))
    gated = net.do("gated", Mul(), scaled, gate)
    both = net.do("both", Add(), gated, relu)
    wide = net.do("wide", Concat(1), both, relu)
    padded = net.do("padded", Pad((0, 0, 1, 0), (0, 0, 0, 2), 7.0), wide)
    before = net.graph(net.do("out", Softmax(), net.do("back", TO_LAST, padded)))
    after = simplify(before).graph
    assert "Transpose" not in operators(after)
    assert_same_outputs(before, after)


@pytest.mark.parametrize("keeps_dims", [True, False])
@pytest.mark.parametrize("axes", [(1,), (2, 3), (0, 2), (1, 2, 3), (3,)])
def test_a_mean_follows_its_axes_through_a_transpose(axes, keeps_dims) -> None:
    net = Net()
    x = net.do("x", TO_FIRST, nhwc(net, "in", 2, 4, 5, 3))
    before = net.graph(net.do("out", Mean(axes, keeps_dims), x))
    after = simplify(before).graph
    assert operators(after)[:2] == ["Softmax", "Mean"]
    assert_same_outputs(before, after)


def test_the_origin_of_a_moved_value_names_the_tensor_and_its_order() -> None:
    net = Net()
    x = net.do("x", TO_FIRST, nhwc(net, "in", 1, 4, 5, 3))
    relu = net.do("relu", Clip(0), x)
    before = net.graph(net.do("out", Softmax(), net.do("back", TO_LAST, relu)))
    after = simplify(before).graph
    made = after.values[node_of(after, Clip).output]
    # "back" is relu with channels last, so either name would be true.
    assert made.origin == Origin("back") or made.origin == Origin("relu", (0, 2, 3, 1))
    assert shape_of(after, made.name) == (1, 4, 5, 3)


def test_an_operand_in_another_layout_keeps_the_transpose() -> None:
    net = Net()
    x = net.do("x", TO_FIRST, nhwc(net, "in", 1, 4, 5, 3))
    other = net.input("other", 1, 3, 4, 5)
    rewritten = simplify(net.graph(net.do("out", Add(), x, other)))
    assert operators(rewritten.graph) == ["Softmax", "Transpose", "Add"]
    assert refusals(rewritten, "sink-transpose") == [
        "other is not transposed like the other input ((0, 3, 1, 2))"
    ]


def test_stored_integers_keep_their_scale_when_a_transpose_moves() -> None:
    net = Net()
    x = net.do("x", Clip(), nhwc(net, "in", 1, 4, 5, 3), q=HALVES)
    first = net.do("first", TO_FIRST, x, q=HALVES)
    relu = net.do("relu", Activation(Curve.TANH), first, q=HALVES)
    before = net.graph(net.do("back", TO_LAST, relu, q=HALVES))
    after = simplify(before).graph
    assert operators(after) == ["Softmax", "Clip", "Activation"]
    assert after.values[ValueName("back")].quantisation == HALVES
