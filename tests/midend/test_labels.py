"""Every tensor has a label that leads back to it, whatever its name."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from random_networks import graphs
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.plan import BufferName
from tilewright.ir.types import DType, TensorType
from tilewright.midend.assign import assign
from tilewright.midend.labels import Labels
from tilewright.ops.dense import Dense
from tilewright.pipeline import load_target


def two_layers(names: tuple[str, str, str], nodes: tuple[str, str]) -> Graph:
    """names of the input and of what the two nodes make"""
    builder = GraphBuilder("net", Contract.FLOAT32)
    name = builder.input(Value(ValueName(names[0]), TensorType(DType.F32, (1, 4))))
    for i, node in enumerate(nodes):
        constants = (np.ones((4, 4), np.float32), np.ones(4, np.float32))
        inputs = (
            name,
            *(builder.constant(f"{names[0]}{i}{j}", c) for j, c in enumerate(constants)),
        )
        made = Value(ValueName(names[i + 1]), TensorType(DType.F32, (1, 4)))
        name = builder.node(node, Dense(), inputs, made)
    builder.outputs.append(name)
    return builder.build()


def labels_of(graph: Graph) -> Labels:
    return Labels.of(graph, assign(graph, load_target("host")).steps)


def test_tensors_are_named_after_nodes_and_operands():
    labels = labels_of(two_layers(("x", "a;b;c", "d;e:0"), ("first", "second")))
    assert labels.label[ValueName("a;b;c")] == "first"
    assert labels.label[ValueName("x11")] == "second.bias"
    assert labels.of_buffer(BufferName("d;e:0:tile1")) == "second:tile1"
    assert labels.buffer("second:tile1") == "d;e:0:tile1"


NAMES = st.sampled_from(["a", "b", "a:tile0", "a.w", "b:scratch", "=a"])


@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    st.lists(NAMES, min_size=3, max_size=3, unique=True),
    st.lists(NAMES, min_size=2, max_size=2, unique=True),
)
def test_labels_lead_back_even_where_names_are_each_others(names: list[str], nodes: list[str]):
    graph = two_layers((names[0], names[1], names[2]), (nodes[0], nodes[1]))
    labels = labels_of(graph)
    assert len(labels.value) == len(graph.values)
    for name in graph.values:
        assert labels.value[labels.label[name]] == name
        for suffix in ("", ":tile0", ":scratch", ":tile0:tile0"):
            buffer = BufferName(name + suffix)
            assert labels.buffer(labels.of_buffer(buffer)) == buffer


@settings(derandomize=True, deadline=None, max_examples=30)
@given(graphs())
def test_every_tensor_of_a_network_has_a_label(graph: Graph):
    labels = Labels.of(graph, ())
    assert {labels.value[label] for label in labels.label.values()} == graph.values.keys()
