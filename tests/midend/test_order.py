"""Issue order: never worse than the file's, and the best where that can be enumerated."""

from itertools import pairwise, permutations

from hypothesis import given, settings

from random_networks import Largest, Network, fake_kernel, fake_target, graphs
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Assignment, Step
from tilewright.ir.target import Streaming
from tilewright.midend.assign import assign
from tilewright.midend.plan_memory import plan_memory
from tilewright.ops.layout import Concat
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d
from work import counted

PLAIN = fake_target()


def live_bytes(graph: Graph, order: tuple[Step, ...]) -> int:
    """Most bytes alive during any step; nothing shared, no views."""
    end = {name: len(order) for name in graph.outputs}
    for t, step in enumerate(order):
        for name in step.node.inputs:
            end[name] = max(end.get(name, 0), t)
    born = dict.fromkeys(graph.inputs, 0) | {s.node.output: t for t, s in enumerate(order)}
    return max(
        sum(graph.type(n).nbytes for n in born if born[n] <= t <= end.get(n, born[n] - 1))
        + (graph.type(step.node.output).nbytes if step.node.output not in end else 0)
        for t, step in enumerate(order)
    )


def respects_data_flow(graph: Graph, order: tuple[Step, ...]) -> bool:
    known: set[ValueName] = {*graph.inputs}
    for step in order:
        if not known.issuperset(step.node.inputs):
            return False
        known.add(step.node.output)
    return True


def two_branches(width: int) -> Graph:
    """The file computes the large halves of all branches before it makes any of them small."""
    net = Network()
    x = net.input(1, 8, 8, 1)
    large = [net.node(Largest(), x) for _ in range(width)]
    small = [net.node(MaxPool2d(Window2d((8, 8))), branch) for branch in large]
    return net.build(*small)


def test_branches_are_finished_one_after_another():
    steps = assign(two_branches(4), PLAIN).steps
    kinds = [type(step.node.op).__name__ for step in steps]
    assert kinds == ["Largest", "MaxPool2d"] * 4


def test_the_file_s_order_stays_where_no_other_needs_less():
    net = Network()
    x = net.input(1, 8, 8, 1)
    left, right = net.node(Largest(), x), net.node(Largest(), x)
    graph = net.build(net.node(Largest(), left, right))
    assert tuple(s.node for s in assign(graph, PLAIN).steps) == graph.nodes


SHARING = fake_target(fake_kernel(streaming=Streaming((0, 1, 2), 1)))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(graphs(max_nodes=6))
def test_a_plan_with_sharing_needs_no_more_than_in_the_file_s_order(graph: Graph):
    chosen = assign(graph, SHARING)
    assert respects_data_flow(graph, chosen.steps)
    steps = {s.node: s for s in chosen.steps}
    as_in_file = Assignment(tuple(steps[node] for node in graph.nodes))
    best = plan_memory(graph, chosen, SHARING).lower_bound["ram"]
    assert best <= plan_memory(graph, as_in_file, SHARING).arena_bytes["ram"]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(graphs(max_nodes=6))
def test_no_order_of_a_small_network_needs_less(graph: Graph):
    steps = assign(graph, PLAIN).steps
    if any(step.kernel is None for step in steps):
        return
    orders = (o for o in permutations(steps) if respects_data_flow(graph, o))
    assert live_bytes(graph, steps) == min(live_bytes(graph, order) for order in orders)


def test_five_hundred_residual_nodes_are_ordered_with_little_work():
    net = Network()
    x = net.input(1, 8, 8, 4)
    for _ in range(125):
        window = MaxPool2d(Window2d((3, 3), pads=(1, 1, 1, 1)))
        a, b = net.node(window, x), net.node(window, x)
        x = net.node(Largest(), net.node(window, a), b)
    graph = net.build(x)
    with counted() as work:
        assign(graph, fake_target(fake_kernel(streaming=Streaming((0, 1, 2), 1))))
    assert work.calls < 500_000  # 214,776


def test_a_network_with_too_many_orders_is_given_up():
    net = Network()
    inputs = [net.input(1, 8, 8, n) for n in range(1, 15)]
    left = [net.node(Concat(3), x, y) for x, y in pairwise(inputs)]
    right = [net.node(MaxPool2d(Window2d((2, 2))), x) for x in left]
    graph = net.build(net.node(Concat(3), *right))
    with counted() as work:
        steps = assign(graph, PLAIN).steps
    assert work.calls < 6_000  # 2,452, of 14! orders
    assert respects_data_flow(graph, steps)
