import numpy as np
import pytest
from hypothesis import given, settings

from dead_channels import Writer, sparse_networks
from evaluate import evaluate_graph
from rewriting import Net, assert_same_outputs, drawn_inputs, shape_of
from tilewright.frontend.rewrites.prune_channels import prune_channels
from tilewright.frontend.rewrites.rules import optimise
from tilewright.ir.graph import Graph
from tilewright.ir.types import DType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.ops.window2d import Window2d


def assert_kept_channels_equal(before: Graph, after: Graph, seed: int) -> None:
    """Every value that is left equals the channels of the unpruned one that its origin names."""
    inputs = drawn_inputs(before, np.random.default_rng(seed))
    full, pruned = (evaluate_graph(graph, inputs) for graph in (before, after))
    for node in after.nodes:
        origin = after.values[node.output].origin
        assert origin is not None
        expected = full[node.output]
        if origin.kept is not None:
            expected = expected[..., list(origin.kept)]
        np.testing.assert_array_equal(pruned[node.output], expected)


@settings(derandomize=True, deadline=None, max_examples=120)
@given(sparse_networks())
def test_pruning_changes_no_output_and_no_channel_that_stays(before) -> None:
    after, report = prune_channels(before)
    for seed in range(2):
        assert_same_outputs(before, after, seed)
        assert_kept_channels_equal(before, after, seed)
    assert (report.macs_before, report.macs_after) == (before.macs, after.macs)
    assert report.macs_after <= report.macs_before
    assert prune_channels(after)[0] is after


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=2000)
@given(sparse_networks())
def test_pruning_changes_nothing_over_many_networks(before) -> None:
    after = optimise(before, prune=True).graph
    assert_same_outputs(before, after)


def two_layers(padded: bool, dead_number: int, x_zero: int) -> Graph:
    """A 1x1 convolution whose channel 1 is constant, then a 3x3 one that reads it."""
    net = Net()
    x = net.input("x", 1, 5, 5, 2, dtype=DType.S8)
    output = Requantise(Rounding.HALF_EVEN)
    scale = np.array([1], np.int32), np.array([0], np.int8)
    w = np.array([[1, 2], [0, 0], [3, -1]], np.int8).reshape(3, 1, 1, 2)
    bias = np.array([0, dead_number, 0], np.int32)
    inner = net.do("inner", QConv2d(Window2d((1, 1)), output=output), x, w, bias, *scale)
    window = Window2d((3, 3), pads=(1, 1, 1, 1) if padded else (0, 0, 0, 0))
    second = QConv2d(window, output=output, x_zero=x_zero)
    weights = np.arange(-27, 27).reshape(2, 3, 3, 3).astype(np.int8)
    return net.graph(net.do("y", second, inner, weights, np.array([5, -5], np.int32), *scale))


@pytest.mark.parametrize(
    ("padded", "number", "x_zero", "left"),
    [(False, 9, 0, 2), (True, 9, 9, 2), (True, 9, 0, 3), (True, 0, 0, 2), (True, 200, 127, 2)],
)
def test_a_constant_channel_goes_unless_padding_differs_from_it(
    padded, number, x_zero, left
) -> None:
    before = two_layers(padded, number, x_zero)
    after, report = prune_channels(before)
    assert shape_of(after, "inner")[-1] == left
    assert len(report.removed) == (2 if left == 2 else 0)
    assert_same_outputs(before, after)


def test_a_channel_that_nobody_reads_goes_through_depthwise_and_its_producer() -> None:
    writer = Writer(Net(), Rounding.DOUBLE, np.random.default_rng(3), is_sparse=False)
    x = writer.net.input("x", 1, 5, 5, 2, dtype=DType.S8)
    wide = writer.conv("wide", x, Window2d((1, 1)), 4)
    deep = writer.depthwise("deep", wide, Window2d((3, 3), pads=(1, 1, 1, 1)), 2)
    w = writer.rng.integers(1, 20, (3, 1, 1, 8)).astype(np.int8)
    # Both products of channel 1 are unread; of channel 2 only one is, so channel 2 stays.
    w[..., [2, 3, 4]] = 0
    last = QConv2d(Window2d((1, 1)), output=Requantise(Rounding.DOUBLE))
    before = writer.net.graph(writer.net.do("y", last, deep, w, *writer.tables(3)))
    after, report = prune_channels(before)
    assert shape_of(after, "wide")[-1] == 3
    assert shape_of(after, "deep")[-1] == 6
    assert [layer.channels for layer in report.removed] == [(4, 3), (8, 6), (3, 3)]
    assert_same_outputs(before, after)


def test_a_layer_that_is_all_dead_keeps_one_channel() -> None:
    writer = Writer(Net(), Rounding.HALF_EVEN, np.random.default_rng(4), is_sparse=False)
    x = writer.net.input("x", 1, 4, 4, 2, dtype=DType.S8)
    dead = np.zeros((5, 1, 1, 2), np.int8)
    op = QConv2d(Window2d((1, 1)), output=Requantise(Rounding.HALF_EVEN))
    inner = writer.net.do("inner", op, x, dead, *writer.tables(5))
    before = writer.net.graph(writer.conv("y", inner, Window2d((1, 1)), 3))
    after, _ = prune_channels(before)
    assert shape_of(after, "inner")[-1] == 1
    assert_same_outputs(before, after)


def test_outputs_keep_their_dead_channels() -> None:
    net = Net()
    x = net.input("x", 1, 4, 4, 3, dtype=DType.S8)
    op = QDepthwiseConv2d(Window2d((1, 1)), Requantise(Rounding.HALF_EVEN))
    tables = np.array([0, 7, 0], np.int32), np.array([1], np.int32), np.array([0], np.int8)
    before = net.graph(net.do("y", op, x, np.array([[[1, 0, 2]]], np.int8), *tables))
    after, report = prune_channels(before)
    assert after is before
    assert report.removed == ()


def test_folding_that_would_leave_int32_is_not_done() -> None:
    net = Net()
    x = net.input("x", 1, 3, 3, 1, dtype=DType.S8)
    output = Requantise(Rounding.HALF_EVEN)
    scale = np.array([1], np.int32), np.array([20], np.int8)
    one = QConv2d(Window2d((1, 1)), output=output)
    bias = np.array([0, 120 << 20], np.int32)
    inner = net.do("inner", one, x, np.array([[[[1]]], [[[0]]]], np.int8), bias, *scale)
    near = np.array([2**31 - 100], np.int32)
    y = net.do("y", one, inner, np.array([[[[1, 1]]]], np.int8), near, *scale)
    before = net.graph(y)
    assert prune_channels(before)[0] is before


def test_the_report_counts_weights_and_multiplications() -> None:
    _, report = prune_channels(two_layers(padded=False, dead_number=9, x_zero=0))
    assert (report.weight_bytes_before, report.weight_bytes_after) == (6 + 54, 4 + 36)
    assert (report.macs_before, report.macs_after) == (25 * 6 + 9 * 54, 25 * 4 + 9 * 36)
    assert [layer.node for layer in report.removed] == ["inner", "y"]
