import numpy as np

from rewriting import HALVES, Net, assert_same_outputs, operators, random_reals, refusals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.types import Quantisation
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Clip
from tilewright.ops.layout import Reshape, Transpose
from tilewright.ops.softmax import Softmax

RNG = np.random.default_rng(5)


def test_the_weights_are_reordered_and_not_the_activations() -> None:
    net = Net()
    x = net.do("x", Softmax(), net.input("in", 2, 3, 4, 5))
    first = net.do("first", Transpose((0, 3, 1, 2)), x)
    flat = net.do("flat", Clip(0), net.do("reshaped", Reshape((2, 60)), first))
    y = net.do("y", Dense(), flat, random_reals(RNG, 7, 60), random_reals(RNG, 7))
    before = net.graph(y)
    after = simplify(before).graph
    assert operators(after) == ["Softmax", "Clip", "Reshape", "Dense"]
    assert_same_outputs(before, after)


def test_stored_weights_keep_their_scales() -> None:
    scales = Quantisation((0.5, 0.25), (0, 0), 0)
    net = Net()
    x = net.do("x", Clip(), net.input("in", 1, 3, 2, 2), q=HALVES)
    first = net.do("first", Transpose((0, 3, 1, 2)), x, q=HALVES)
    flat = net.do("flat", Reshape((1, 12)), first, q=HALVES)
    stored = np.arange(24, dtype=np.int8).reshape(2, 12)
    w = net.constant("w", stored, scales)
    after = simplify(net.graph(net.do("y", Dense(), flat, w, np.zeros(2, np.float32), q=HALVES)))
    assert operators(after.graph) == ["Clip", "Reshape", "Dense"]
    moved = after.graph.nodes[-1].inputs[1]
    assert after.graph.values[moved].quantisation == scales
    expected = stored.reshape(2, 2, 3, 2).transpose(0, 2, 3, 1).reshape(2, 12)
    np.testing.assert_array_equal(after.graph.constants[moved], expected)


def test_a_partial_flatten_is_refused_with_its_name() -> None:
    net = Net()
    x = net.do("x", Softmax(), net.input("in", 1, 3, 2, 4))
    rows = net.do("rows", Reshape((4, 6)), net.do("first", Transpose((0, 3, 1, 2)), x))
    y = net.do("y", Dense(), rows, random_reals(RNG, 2, 6), random_reals(RNG, 2))
    rewritten = simplify(net.graph(y))
    assert "Transpose" in operators(rewritten.graph)
    assert refusals(rewritten, "permute-dense-weights") == [
        "rows (Reshape) does not flatten everything but the first dimension"
    ]
