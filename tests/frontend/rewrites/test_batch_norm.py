import numpy as np
import pytest

from rewriting import HALVES, Net, assert_same_outputs, operators, random_reals, refusals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import BatchNorm, Clip
from tilewright.ops.window2d import Window2d

RNG = np.random.default_rng(9)


def normalised(net: Net, x: str, channels: int) -> str:
    variance = RNG.uniform(0.5, 2, channels).astype(np.float32)
    return net.do(
        "norm", BatchNorm(1e-3), x,
        *(random_reals(RNG, channels) for _ in range(3)), variance,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["conv", "depthwise", "dense"])
def test_it_folds_into_real_weights_together_with_a_relu(kind) -> None:
    net = Net()
    x = net.input("x", 1, 4, 4, 3)
    window, bias = Window2d((2, 2), pads=(1, 1, 0, 0)), random_reals(RNG, 6)
    match kind:
        case "conv":
            y = net.do("y", Conv2d(window), x, random_reals(RNG, 6, 2, 2, 3), bias)
        case "depthwise":
            y = net.do("y", DepthwiseConv2d(window), x, random_reals(RNG, 2, 2, 6), bias)
        case _:
            y = net.do("y", Dense(), x, random_reals(RNG, 6, 3), bias)
    before = net.graph(net.do("relu", Clip(0), normalised(net, y, 6)))
    after = simplify(before).graph
    assert len(after.nodes) == 1
    assert_same_outputs(before, after)


def test_alone_it_becomes_a_multiplication_and_an_addition() -> None:
    net = Net()
    before = net.graph(net.do("relu", Clip(0), normalised(net, net.input("x", 2, 5), 5)))
    rewritten = simplify(before)
    assert operators(rewritten.graph) == ["Mul", "Add"]
    assert_same_outputs(before, rewritten.graph)


def test_it_stays_out_of_stored_weights() -> None:
    net = Net()
    w = net.constant("w", np.ones((2, 3), np.int8), HALVES)
    y = net.do("y", Dense(), net.input("x", 1, 3), w, random_reals(RNG, 2))
    rewritten = simplify(net.graph(normalised(net, y, 2)))
    assert operators(rewritten.graph) == ["Dense", "Mul", "Add"]


def test_computed_parameters_are_named() -> None:
    net = Net()
    scale = net.input("scale", 2)
    rest = [random_reals(RNG, 2) for _ in range(3)]
    rewritten = simplify(net.graph(net.do("y", BatchNorm(), net.input("x", 1, 2), scale, *rest)))
    assert operators(rewritten.graph) == ["BatchNorm"]
    assert refusals(rewritten, "fold-batch-norm") == [
        "its scale, bias, mean and variance are not real constants"
    ]
