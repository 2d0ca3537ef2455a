from math import inf

import numpy as np
import pytest

from rewriting import Net, assert_same_outputs, node_of, operators, random_reals, refusals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.types import DType, Quantisation
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.layout import Pad, Transpose
from tilewright.ops.pool2d import AveragePool2d, MaxPool2d
from tilewright.ops.window2d import Window2d

RNG = np.random.default_rng(10)
WINDOW = Window2d((3, 2), (2, 1), (1, 0, 0, 1))
BARE = Window2d((3, 2))
SPATIAL = ((0, 1, 0, 0), (0, 2, 1, 0))


def padded(op, value: float = 0, pads=SPATIAL, transposed: bool = False):
    net = Net()
    x = net.input("x", 1, 2, 5, 4) if transposed else net.input("x", 1, 5, 4, 2)
    if transposed:
        pads = tuple(tuple(p[d] for d in (0, 3, 1, 2)) for p in pads)
    y = net.do("padded", Pad(*pads, value), x)
    if transposed:
        y = net.do("last", Transpose((0, 2, 3, 1)), y)
    channels = net.builder.values[y].type.shape[-1]
    operands = ()
    if isinstance(op, Conv2d):
        operands = (random_reals(RNG, 3, 3, 2, channels), random_reals(RNG, 3))
    if isinstance(op, DepthwiseConv2d):
        operands = (random_reals(RNG, 3, 2, channels), random_reals(RNG, channels))
    return net.graph(net.do("y", op, y, *operands))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("op", "value"),
    [
        (Conv2d(WINDOW), 0),
        (DepthwiseConv2d(WINDOW), 0),
        (AveragePool2d(BARE), 0),
        (AveragePool2d(WINDOW, counts_padding=True), 0),
        (MaxPool2d(BARE), -inf),
    ],
)
def test_a_pad_becomes_padding(op, value, transposed) -> None:
    before = padded(op, value, transposed=transposed)
    after = simplify(before).graph
    assert "Pad" not in operators(after)
    assert_same_outputs(before, after)


@pytest.mark.parametrize(
    ("op", "value", "pads", "reason"),
    [
        (Conv2d(WINDOW), 1.5, SPATIAL, "the border is 1.5, a convolution pads with 0"),
        (MaxPool2d(WINDOW), 0, SPATIAL, "a border of 0 may win a maximum, padding never does"),
        (AveragePool2d(BARE), 2, SPATIAL, "the border is 2, an average pads with 0"),
        (
            AveragePool2d(WINDOW), 0, SPATIAL,
            "the pool has padding of its own, which it does not count",
        ),
        (
            MaxPool2d(BARE), -inf, ((0, 0, 0, 1), (0, 0, 0, 0)),
            "the Pad grows batch or channels",
        ),
    ],
)  # fmt: skip
def test_what_is_not_the_same_stays_and_is_named(op, value, pads, reason) -> None:
    before = padded(op, value, pads)
    rewritten = simplify(before)
    assert rewritten.graph is before
    assert refusals(rewritten, "fold-pad") == [reason]


@pytest.mark.parametrize(("zero_point", "folds"), [(-128, True), (-127, False)])
def test_a_stored_border_never_wins_where_it_is_the_smallest_integer(zero_point, folds) -> None:
    q = Quantisation((0.1,), (zero_point,))
    net = Net()
    x = net.input("x", 1, 5, 4, 2, dtype=DType.S8, q=q)
    y = net.do("padded", Pad(*SPATIAL, 0), x, q=q)
    after = simplify(net.graph(net.do("y", MaxPool2d(BARE), y, q=q))).graph
    assert operators(after) == (["MaxPool2d"] if folds else ["Pad", "MaxPool2d"])
    assert node_of(after, MaxPool2d).op.window.is_padded == folds


def test_a_window_of_nothing_but_padding_keeps_its_border() -> None:
    before = padded(MaxPool2d(Window2d((1, 2))), -inf)
    rewritten = simplify(before)
    assert rewritten.graph is before
    assert refusals(rewritten, "fold-pad") == ["a window of nothing but padding has no maximum"]


def test_integer_averages_keep_their_pad() -> None:
    q = Quantisation((0.1,), (-128,))
    net = Net()
    x = net.input("x", 1, 5, 4, 2, dtype=DType.S8, q=q)
    y = net.do("padded", Pad(*SPATIAL, 0), x, q=q)
    rewritten = simplify(net.graph(net.do("y", AveragePool2d(BARE), y, q=q)))
    assert refusals(rewritten, "fold-pad") == [
        "integer averages of some contracts leave padding out of the count"
    ]
