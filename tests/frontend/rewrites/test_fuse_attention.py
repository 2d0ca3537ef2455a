import numpy as np
import pytest

from rewriting import Net, assert_same_outputs, operators, refusals
from tilewright.frontend.rewrites.rules import optimise
from tilewright.ir.types import DType
from tilewright.ops.arithmetic_onnx import RescaledAdd
from tilewright.ops.layout import Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.matmul import QMatMul
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.softmax_pulp import RatioSoftmax

RNG = np.random.default_rng(3)
UP = Requantise(Rounding.HALF_UP)
TABLE = (5000 * 0.5 ** (np.arange(256) / 20)).astype(np.int32)
HEADS, ROWS, KEYS, DEPTH = 3, 4, 6, 5
PERM = (0, 2, 1)


def scores(net: Net, *, is_transposed: bool) -> str:
    q = net.input("q", HEADS, ROWS, DEPTH, dtype=DType.S8)
    k = net.input("k", HEADS, *((KEYS, DEPTH) if is_transposed else (DEPTH, KEYS)), dtype=DType.S8)
    keys = net.do("keys", Transpose(PERM), k) if is_transposed else k
    return net.do("logits", QMatMul(scale=FixedPoint(9, 9), output=UP), q, keys)


def values(net: Net, weights: str) -> str:
    v = net.input("v", HEADS, KEYS, 7, dtype=DType.S8)
    op = QMatMul(a_zero=-128, scale=FixedPoint(5, 8), output=UP)
    return net.do("y", op, weights, v)


@pytest.mark.parametrize("mask", [None, (KEYS,), (1, ROWS, KEYS)])
@pytest.mark.parametrize("is_transposed", [False, True])
def test_a_whole_attention_is_one_operator(
    mask: tuple[int, ...] | None, *, is_transposed: bool
) -> None:
    net = Net()
    x = scores(net, is_transposed=is_transposed)
    x = net.do("before", Lut(), x, RNG.integers(-128, 128, 256).astype(np.int8))
    if mask is not None:
        one = net.input("mask", *mask, dtype=DType.S8)
        x = net.do("masked", RescaledAdd(0, 3, 5, 9, 4, UP), x, one)
    x = net.do("weights", RatioSoftmax(256), x, TABLE)
    x = net.do("after", Lut(), x, RNG.integers(-128, 128, 256).astype(np.int8))
    before = net.graph(values(net, x))
    after = optimise(before, prune=False).graph
    moved = [] if is_transposed else ["Transpose"]
    assert operators(after) == [*moved, "RatioAttention"]
    assert_same_outputs(before, after)


def test_scores_that_somebody_else_reads_stay() -> None:
    net = Net()
    x = scores(net, is_transposed=True)
    y = values(net, net.do("weights", RatioSoftmax(256), x, TABLE))
    rewritten = optimise(net.graph(y, x), prune=False)
    assert "RatioAttention" not in operators(rewritten.graph)
    assert refusals(rewritten, "fuse-attention") == ["its scores are not the logits of one product"]


def test_a_mask_for_each_head_stays() -> None:
    net = Net()
    mask = net.input("mask", HEADS, ROWS, KEYS, dtype=DType.S8)
    x = net.do("masked", RescaledAdd(0, 0, 1, 1, 0, UP), scores(net, is_transposed=True), mask)
    rewritten = optimise(
        net.graph(values(net, net.do("w", RatioSoftmax(256), x, TABLE))), prune=False
    )
    assert [text for text in refusals(rewritten, "fuse-attention") if text.startswith("a mask of")]
