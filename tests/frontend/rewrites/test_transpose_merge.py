import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rewriting import HALVES, Net, assert_same_outputs, operators, refusals
from tilewright.frontend.rewrites.permutation import inverse, moves_nothing, then
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.types import Quantisation
from tilewright.ops.elementwise import Clip
from tilewright.ops.layout import Reshape, Transpose
from tilewright.ops.softmax import Softmax

PERMS = st.permutations(range(4)).map(tuple)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(PERMS, PERMS)
def test_permutations_compose_and_invert_as_numpy_transposes_do(first, second) -> None:
    x = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    both = x.transpose(then(first, second))
    np.testing.assert_array_equal(both, x.transpose(first).transpose(second))
    np.testing.assert_array_equal(x.transpose(first).transpose(inverse(first)), x)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(PERMS, st.tuples(*[st.integers(1, 2)] * 4))
def test_moves_nothing_means_that_a_reshape_gives_the_same(perm, shape) -> None:
    x = np.arange(np.prod(shape)).reshape(shape)
    moved = x.transpose(perm)
    assert moves_nothing(perm, shape) == np.array_equal(moved, x.reshape(moved.shape))


@settings(derandomize=True, deadline=None, max_examples=30)
@given(PERMS, PERMS)
def test_two_transposes_become_at_most_one(first, second) -> None:
    net = Net()
    x = net.input("x", 2, 3, 4, 5)
    y = net.do("z", Transpose(second), net.do("y", Transpose(first), x))
    before = net.graph(net.do("out", Softmax(), y))
    after = simplify(before).graph
    assert operators(after).count("Transpose") == (then(first, second) != (0, 1, 2, 3))
    assert_same_outputs(before, after)


def test_a_transpose_of_a_single_channel_becomes_a_reshape() -> None:
    net = Net()
    x = net.input("x", 1, 1, 5, 4)
    before = net.graph(net.do("out", Transpose((0, 2, 3, 1)), x))
    after = simplify(before).graph
    assert [node.op for node in after.nodes] == [Reshape((1, 5, 4, 1))]
    assert_same_outputs(before, after)


def test_a_transpose_that_changes_the_scale_stays() -> None:
    net = Net()
    x = net.input("x", 2, 3)
    stored = net.do("stored", Clip(0), x, q=HALVES)
    other = Quantisation((0.25,), (0,))
    y = net.do("y", Transpose((1, 0)), stored, q=other)
    rewritten = simplify(net.graph(net.do("out", Transpose((1, 0)), y, q=other)))
    assert operators(rewritten.graph) == ["Clip", "Transpose", "Transpose"]
    assert refusals(rewritten, "merge-transposes") == ["y (Transpose) also changes the scale"]
