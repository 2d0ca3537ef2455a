import numpy as np

from rewriting import Net, assert_same_outputs, node_of, operators, random_reals, refusals
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.graph import Graph
from tilewright.ops.conv2d import Conv2d
from tilewright.ops.layout import Pad, Transpose
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.softmax import Softmax
from tilewright.ops.window2d import Window2d

RNG = np.random.default_rng(6)
TO_LAST = Transpose((0, 2, 3, 1))


def convolution(net: Net, name: str, x: str, groups: int = 1) -> str:
    conv = Conv2d(Window2d((3, 3), (2, 1), (1, 0, 1, 0)), groups)
    return net.do(name, conv, x, random_reals(RNG, 4, 3, 3, 2 // groups), random_reals(RNG, 4))


def first_layers(other: bool = False, groups: int = 1) -> Graph:
    net = Net()
    last = net.do("last", TO_LAST, net.input("x", 1, 2, 6, 5))
    outputs = [convolution(net, "a", last, groups), convolution(net, "b", last, groups)]
    if other:
        outputs.append(net.do("pool", MaxPool2d(Window2d((2, 2))), last))
    return net.graph(*outputs)


def test_convolutions_read_the_input_as_the_file_stores_it() -> None:
    before = first_layers()
    after = simplify(before).graph
    assert operators(after) == ["Conv2d", "Conv2d"]
    assert all(n.op.is_channels_first for n in after.nodes if isinstance(n.op, Conv2d))
    assert_same_outputs(before, after)


def test_a_padded_input_is_read_as_the_file_stores_it_too() -> None:
    net = Net()
    padded = net.do("padded", Pad((0, 0, 1, 0), (0, 0, 0, 2)), net.input("x", 1, 2, 6, 5))
    before = net.graph(convolution(net, "a", net.do("last", TO_LAST, padded)))
    after = simplify(before).graph
    assert operators(after) == ["Conv2d"]
    assert_same_outputs(before, after)


def test_another_reader_of_the_transposed_input_is_named() -> None:
    rewritten = simplify(first_layers(other=True))
    assert "Transpose" in operators(rewritten.graph)
    assert set(refusals(rewritten, "absorb-input-transpose")) == {
        "pool (MaxPool2d) reads the transposed input as well"
    }


def test_grouped_convolutions_keep_channels_last() -> None:
    rewritten = simplify(first_layers(groups=2))
    assert set(refusals(rewritten, "absorb-input-transpose")) == {
        "a grouped convolution reads its input channels last"
    }


def test_a_transpose_inside_the_network_is_not_absorbed() -> None:
    net = Net()
    inner = net.do("inner", Softmax(), net.input("x", 1, 2, 6, 5))
    rewritten = simplify(net.graph(convolution(net, "a", net.do("last", TO_LAST, inner))))
    assert not node_of(rewritten.graph, Conv2d).op.is_channels_first
    assert refusals(rewritten, "absorb-input-transpose") == ["inner is no input of the network"]
