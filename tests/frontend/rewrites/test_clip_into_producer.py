from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewriting import HALVES, Net, assert_same_outputs, operators, random_reals, refusals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.types import Quantisation
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Add, Clip, Mul
from tilewright.ops.softmax import Softmax
from tilewright.ops.window2d import Window2d

RNG = np.random.default_rng(7)
BOUNDS = st.sampled_from((-inf, -4.0, -1.0, 0.0, 2.0, 5.0, inf))


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    low, high = sorted((draw(BOUNDS), draw(BOUNDS)))
    return Clip(low, high) if low < inf and high > -inf else Clip(0)


@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.sampled_from(("conv", "depthwise", "dense", "add", "mul")), st.lists(clips(), min_size=1))
def test_clips_in_a_row_end_in_their_producer(kind, chain) -> None:
    net = Net()
    x = net.input("x", 1, 3, 3, 2)
    window, bias = Window2d((1, 1)), random_reals(RNG, 2)
    match kind:
        case "conv":
            y = net.do("y", Conv2d(window), x, random_reals(RNG, 2, 1, 1, 2), bias)
        case "depthwise":
            y = net.do("y", DepthwiseConv2d(window), x, random_reals(RNG, 1, 1, 2), bias)
        case "dense":
            y = net.do("y", Dense(), x, random_reals(RNG, 2, 2), bias)
        case _:
            y = net.do("y", Add() if kind == "add" else Mul(), x, x)
    for i, op in enumerate(chain):
        y = net.do(f"clip{i}", op, y)
    before = net.graph(y)
    after = simplify(before).graph
    assert len(after.nodes) == 1
    assert_same_outputs(before, after)


def stored_relu(q_inner: Quantisation | None, bound: float, q_outer: Quantisation = HALVES):
    net = Net()
    x = net.input("x", 4)
    inner = net.do("inner", Add(), x, x, q=q_inner)
    return simplify(net.graph(net.do("relu", Clip(bound), inner, q=q_outer)))


def test_a_result_that_is_stored_once_is_fused() -> None:
    assert operators(stored_relu(None, 0.0).graph) == ["Add"]
    assert operators(stored_relu(HALVES, 0.0).graph) == ["Add"]


@pytest.mark.parametrize(
    ("q_inner", "bound", "reason"),
    [
        (Quantisation((0.25,), (0,)), 0.0, "inner is stored with a scale of its own"),
        (HALVES, 0.25, "bound 0.25 lies halfway between two stored integers of inner"),
    ],
)
def test_rounding_in_between_is_kept_and_named(q_inner, bound, reason) -> None:
    rewritten = stored_relu(q_inner, bound)
    assert operators(rewritten.graph) == ["Add", "Clip"]
    (text,) = refusals(rewritten, "fuse-clip")
    assert text.startswith(reason)


def test_a_producer_without_bounds_and_other_readers_are_named() -> None:
    net = Net()
    x = net.input("x", 2, 4)
    y = net.do("y", Softmax(), x)
    total = net.do("total", Add(), y, y)
    rewritten = simplify(
        net.graph(
            net.do("a", Clip(0), y), net.do("b", Clip(0), total), total, net.do("c", Clip(1), x)
        )
    )
    assert refusals(rewritten, "fuse-clip") == [
        "y (Softmax) has no bounds of its own",
        "the unclipped total has other readers",
        "an input of the network has no bounds of its own",
    ]
