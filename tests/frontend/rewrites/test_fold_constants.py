import numpy as np

from rewriting import HALVES, Net, assert_same_outputs, operators, random_reals, refusals
from tilewright.frontend.rewrites.rules import optimise, simplify
from tilewright.ir.types import DType
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation, Add, Mul
from tilewright.ops.layout import Concat, Reshape, Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.quantise import Dequantize, Quantize

RNG = np.random.default_rng(11)


def test_real_arithmetic_on_constants_is_done_now() -> None:
    net = Net()
    a = net.do("a", Mul(), random_reals(RNG, 2, 3), random_reals(RNG, 3))
    b = net.do("b", Activation(Curve.SIGMOID), net.do("t", Transpose((1, 0)), a))
    before = net.graph(net.do("y", Add(), net.input("x", 3, 2), b))
    after = simplify(before).graph
    assert operators(after) == ["Add"]
    assert_same_outputs(before, after)


def test_stored_constants_are_moved_but_not_computed_with() -> None:
    net = Net()
    a = net.constant("a", np.arange(6, dtype=np.int8), HALVES)
    b = net.constant("b", np.arange(6, dtype=np.int8)[::-1].copy(), HALVES)
    joined = net.do("joined", Concat(0), a, b, q=HALVES)
    moved = net.do("moved", Reshape((3, 4)), joined, q=HALVES)
    curved = net.do("curved", Activation(Curve.TANH), moved, q=HALVES)
    rewritten = simplify(net.graph(net.do("y", Add(), net.input("x", 3, 4), curved, q=HALVES)))
    assert operators(rewritten.graph) == ["Activation", "Add"]
    assert refusals(rewritten, "fold-constants") == [
        "its integers depend on the contract, which is chosen later"
    ]


def test_lowered_operators_on_constants_are_computed_exactly() -> None:
    net = Net()
    table = RNG.integers(-128, 128, 256).astype(np.int8)
    a = net.do("a", Quantize(0.5, 3), random_reals(RNG, 2, 3))
    b = net.do("b", Lut(), a, table)
    c = net.do("c", Dequantize(0.25, 1), b)
    before = net.graph(net.do("y", Add(), net.input("x", 2, 3), c))
    after = optimise(before, prune=False).graph
    assert operators(after) == ["Add"]
    assert_same_outputs(before, after)


def test_a_constant_output_of_the_network_is_still_computed_at_run_time() -> None:
    net = Net()
    x = net.input("x", 2, dtype=DType.F32)
    constant = net.do("constant", Mul(), random_reals(RNG, 2), random_reals(RNG, 2))
    rewritten = simplify(net.graph(net.do("y", Add(), x, x), constant))
    assert refusals(rewritten, "fold-constants") == ["constant is an output of the network"]
