import numpy as np

from rewriting import HALVES, Net, operators, refusals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.graph import Graph
from tilewright.ir.types import DType
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Clip
from tilewright.ops.layout import Reshape


def flattened_dense(q_input, q_flat) -> Graph:
    net = Net()
    x = net.input("x", 2, 1, 3, dtype=DType.S8 if q_input else DType.F32, q=q_input)
    flat = net.do("flat", Reshape((2, 3)), x, q=q_flat)
    weights = net.constant("w", np.ones((4, 3), np.int8), HALVES)
    return net.graph(net.do("y", Dense(), flat, weights, np.zeros(4, np.float32), q=HALVES))


def test_a_reshape_of_stored_integers_makes_stored_integers() -> None:
    after = simplify(flattened_dense(HALVES, None)).graph
    flat = after.values[after.nodes[0].output]
    assert (flat.type.dtype, flat.quantisation) == (DType.S8, HALVES)


def test_quantising_after_a_reshape_is_quantising_before_it() -> None:
    net = Net()
    x = net.do("x", Clip(0, 5), net.input("in", 2, 1, 3))
    flat = net.do("flat", Reshape((2, 3)), x, q=HALVES)
    after = simplify(net.graph(flat)).graph
    assert operators(after) == ["Clip", "Reshape"]
    x_value = after.values[after.nodes[0].output]
    assert (x_value.type.dtype, x_value.quantisation) == (DType.S8, HALVES)


def test_real_inputs_and_values_with_real_readers_stay_real() -> None:
    net = Net()
    x = net.do("x", Clip(0, 5), net.input("in", 2, 1, 3))
    flat = net.do("flat", Reshape((2, 3)), x, q=HALVES)
    both = simplify(net.graph(flat, net.do("other", Clip(1), x)))
    assert refusals(both, "share-quantisation") == ["x has other readers, which want real numbers"]
    bare = simplify(flattened_dense(None, HALVES))
    assert refusals(bare, "share-quantisation") == [
        "x is an input, output or constant in real numbers"
    ]
