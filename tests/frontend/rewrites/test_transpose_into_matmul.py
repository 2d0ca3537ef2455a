import pytest

from rewriting import HALVES, Net, assert_same_outputs, node_of, operators, refusals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.graph import Contract, Graph
from tilewright.ir.types import DType, Quantisation
from tilewright.ops.layout import Transpose
from tilewright.ops.matmul import MatMul

OTHER = Quantisation((0.25,), (0,))


def product_of_transposed(perm: tuple[int, ...], flag: bool = False) -> Graph:
    shape = [2, 3, 4, 5][-len(perm) :]
    net = Net()
    b = net.do("bt", Transpose(perm), net.input("b", *shape))
    turned = tuple(shape[axis] for axis in perm)
    depth = turned[-1] if flag else turned[-2]
    a = net.input("a", *turned[:-2], 7, depth)
    return net.graph(net.do("y", MatMul(flag), a, b))


@pytest.mark.parametrize("flag", [False, True])
def test_a_transposed_matrix_becomes_the_flag(flag: bool) -> None:
    before = product_of_transposed((1, 0), flag)
    after = simplify(before).graph
    assert operators(after) == ["MatMul"]
    assert node_of(after, MatMul).op == MatMul(not flag)
    assert_same_outputs(before, after)


def test_heads_are_copied_with_their_innermost_dimension_in_place() -> None:
    net = Net()
    keys = net.do("kt", Transpose((0, 2, 3, 1)), net.input("k", 1, 6, 2, 5))
    before = net.graph(net.do("y", MatMul(), net.input("q", 1, 2, 6, 5), keys))
    after = simplify(before).graph
    assert node_of(after, Transpose).op == Transpose((0, 2, 1, 3))
    assert node_of(after, MatMul).op == MatMul(True)
    assert_same_outputs(before, after)


def test_a_transpose_that_leaves_columns_in_place_stays() -> None:
    net = Net()
    b = net.do("bt", Transpose((1, 0, 2)), net.input("b", 4, 3, 5))
    rewritten = simplify(net.graph(net.do("y", MatMul(), net.input("a", 3, 7, 4), b)))
    assert operators(rewritten.graph) == ["Transpose", "MatMul"]
    assert refusals(rewritten, "absorb-matrix-transpose") == [
        "bt (Transpose) does not move the innermost dimension to the one before it"
    ]


def test_a_transpose_that_changes_the_scale_stays() -> None:
    net = Net(Contract.ONNX)
    b = net.do("bt", Transpose((1, 0)), net.input("b", 4, 5, dtype=DType.S8, q=HALVES), q=OTHER)
    a = net.input("a", 7, 5, dtype=DType.S8, q=HALVES)
    graph = net.graph(net.do("y", MatMul(), a, b, q=HALVES), b)
    rewritten = simplify(graph)
    assert "Transpose" in operators(rewritten.graph)
    assert "bt (Transpose) also changes the scale" in refusals(rewritten, "absorb-matrix-transpose")
