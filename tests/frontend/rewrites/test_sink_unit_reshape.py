import numpy as np
import pytest

from rewriting import Net, assert_same_outputs, operators, random_reals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ops.conv2d import Conv2d
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Add, BatchNorm, Clip, Mul
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.reduce import Mean
from tilewright.ops.softmax import Softmax
from tilewright.ops.window2d import Window2d

RNG = np.random.default_rng(13)


def flat(net: Net, name: str, x: str) -> str:
    """[1,1,L,C], as a spatial operator makes it, in the file's order [1,C,L]."""
    _, _, length, channels = net.builder.values[x].type.shape
    moved = net.do(f"{name}.moved", Transpose((0, 3, 1, 2)), x)
    return net.do(name, Reshape((1, channels, length)), moved)


def spatial(net: Net, name: str, x: str) -> str:
    """[1,C,L] as a spatial operator wants it."""
    _, channels, length = net.builder.values[x].type.shape
    wide = net.do(f"{name}.wide", Reshape((1, channels, 1, length)), x)
    return net.do(f"{name}.last", Transpose((0, 2, 3, 1)), wide)


def test_a_one_dimensional_network_needs_no_transpose() -> None:
    net = Net()
    x = spatial(net, "x", net.input("in", 1, 3, 16))
    w, bias = random_reals(RNG, 4, 1, 3, 3), random_reals(RNG, 4)
    conv = net.do("conv", Conv2d(Window2d((1, 3), pads=(0, 1, 0, 1))), x, w, bias)
    swapped = net.do("swapped", Transpose((0, 2, 1)), flat(net, "flat", conv))
    tables = [random_reals(RNG, 4) for _ in range(3)]
    norm = net.do("norm", BatchNorm(), swapped, *tables, np.ones(4, np.float32))
    relu = net.do("relu", Clip(0), net.do("back", Transpose((0, 2, 1)), norm))
    pooled = net.do("pool", MaxPool2d(Window2d((1, 2), (1, 2))), spatial(net, "p", relu))
    scaled = net.do("scaled", Mul(), flat(net, "q", pooled), random_reals(RNG, 4, 1))
    padded = net.do("padded", Pad((0, 0, 1), (0, 0, 0)), scaled)
    joined = net.do("joined", Concat(1), padded, padded)
    mean = net.do("mean", Mean((2,), keeps_dims=False), joined)
    before = net.graph(net.do("y", Dense(), mean, random_reals(RNG, 2, 8), random_reals(RNG, 2)))
    after = simplify(before).graph
    assert operators(after) == [
        "Reshape", "Conv2d", "MaxPool2d", "Mul", "Pad", "Concat", "Mean", "Reshape", "Dense",
    ]  # fmt: skip
    assert_same_outputs(before, after)


@pytest.mark.parametrize(
    ("op", "operands"),
    [
        (Concat(2), ["wide"]),
        (Mean((2,)), []),
        (Pad((0, 0, 1, 0), (0, 0, 0, 0)), []),
        (Mul(), [np.ones((4, 1), np.float32)]),
        (Add(), [np.ones((2, 1, 3, 1, 5), np.float32)]),
        (Transpose((0, 3, 1, 2)), []),
    ],
)
def test_what_needs_the_new_dimension_stays_below_the_reshape(op, operands) -> None:
    net = Net()
    x = net.do("x", Softmax(), net.input("in", 3, 5))
    wide = net.do("wide", Reshape((3, 1, 1, 5)), x)
    before = net.graph(net.do("y", op, wide, *operands))
    after = simplify(before).graph
    assert operators(after)[:2] == ["Softmax", "Reshape"]
    assert_same_outputs(before, after)
