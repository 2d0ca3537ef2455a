import numpy as np
import pytest

from rewriting import HALVES, Net, assert_same_outputs, operators, random_reals, refusals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.types import Quantisation
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Add
from tilewright.ops.window2d import Window2d

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (1, 1, 1, 3), (1,), ()])
@pytest.mark.parametrize("kind", ["conv", "depthwise", "dense"])
def test_an_added_constant_becomes_the_bias(shape, kind) -> None:
    net = Net()
    x = net.input("x", 1, 4, 4, 3)
    window, bias = Window2d((2, 2), pads=(1, 1, 0, 0)), random_reals(RNG, 3)
    match kind:
        case "conv":
            y = net.do("y", Conv2d(window), x, random_reals(RNG, 3, 2, 2, 3), bias)
        case "depthwise":
            y = net.do("y", DepthwiseConv2d(window), x, random_reals(RNG, 2, 2, 3), bias)
        case _:
            y = net.do("y", Dense(), x, random_reals(RNG, 3, 3), bias)
    before = net.graph(net.do("sum", Add(-2, 9), y, random_reals(RNG, *shape)))
    after = simplify(before).graph
    assert len(after.nodes) == 1
    assert_same_outputs(before, after)


def test_a_stored_constant_is_added_as_the_real_number_that_it_is() -> None:
    net = Net()
    w = net.constant("w", np.ones((2, 3), np.int8), HALVES)
    none = np.zeros(2, np.int32)
    y = net.do("y", Dense(), net.input("x", 1, 3), w, none)
    addend = net.constant("addend", np.array([5, -1], np.int8), HALVES)
    after = simplify(net.graph(net.do("sum", Add(), addend, y, q=HALVES))).graph
    assert operators(after) == ["Dense"]
    np.testing.assert_array_equal(after.constants[after.nodes[0].inputs[2]], [1.0, -2.0])


@pytest.mark.parametrize(
    ("addend", "q", "reason"),
    [
        (np.ones((4, 1), np.float32), None, "addend is not one number per channel"),
        (np.ones((2, 4, 3), np.float32), None, "the addition broadcasts y"),
        (np.ones(3, np.float32), Quantisation((1.0,), (0,)), "y is quantised before the addition"),
    ],
)
def test_what_is_no_bias_stays_an_addition(addend, q, reason) -> None:
    net = Net()
    y = net.do(
        "y", Dense(), net.input("x", 4, 2), random_reals(RNG, 3, 2), random_reals(RNG, 3), q=q
    )
    rewritten = simplify(net.graph(net.do("sum", Add(), y, net.constant("addend", addend), q=q)))
    assert operators(rewritten.graph) == ["Dense", "Add"]
    assert refusals(rewritten, "fuse-bias") == [reason]
