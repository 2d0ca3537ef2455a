import re

import numpy as np
import pytest

from rewriting import HALVES, Net, assert_same_outputs, operators
from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, Rule, apply_rules, bypass
from tilewright.ir.graph import Graph, Node
from tilewright.ops.elementwise import Add, Clip, Mul
from tilewright.ops.layout import Reshape


def drop_wide_clip(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    if not isinstance(node.op, Clip):
        return None
    if node.op != Clip():
        return NoMatch(f"{node.op} clips")
    return bypass(draft, node, node.inputs[0])


DROP = Rule("drop", "Drop clips without bounds.", drop_wide_clip)


def chain(*ops: Clip) -> Graph:
    net = Net()
    name = net.input("x", 2, 3)
    for i, op in enumerate(ops):
        name = net.do(f"y{i}", op, name)
    return net.graph(name)


def test_matches_are_applied_until_none_is_left() -> None:
    before = chain(Clip(), Clip(0), Clip(), Clip(), Clip(1))
    after = apply_rules(before, (DROP,))
    assert operators(after.graph) == ["Clip", "Clip"]
    assert [note.node for note in after.applied] == ["y0", "y2", "y3"]
    assert_same_outputs(before, after.graph)


def test_refusals_are_those_of_the_final_graph() -> None:
    after = apply_rules(chain(Clip(), Clip(0)), (DROP,))
    assert [(n.rule, n.node, n.text) for n in after.refused] == [
        ("drop", "y1", "Clip(low=0) clips")
    ]


def test_a_graph_without_matches_is_returned_itself() -> None:
    before = chain(Clip(0))
    assert apply_rules(before, (DROP,)).graph is before


def test_bypassing_an_output_keeps_its_name_for_all_readers() -> None:
    net = Net()
    x = net.input("x", 2)
    doubled = net.do("doubled", Add(), x, x)
    out = net.do("out", Clip(), doubled)
    squared = net.do("squared", Mul(), doubled, doubled)
    before = net.graph(out, squared)
    after = apply_rules(before, (DROP,)).graph
    assert operators(after) == ["Add", "Mul"]
    assert_same_outputs(before, after)


def test_bypass_names_why_an_output_must_stay() -> None:
    after = apply_rules(chain(Clip()), (DROP,))
    (note,) = after.refused
    assert re.fullmatch(r"y0 is an output of the network and x is an input or constant", note.text)


def test_bypass_refuses_to_change_a_scale() -> None:
    net = Net()
    x = net.input("x", 4)
    a = net.do("a", Add(), x, x, q=HALVES)
    before = net.graph(net.do("b", Add(), net.do("c", Clip(), a), x))
    (note,) = apply_rules(before, (DROP,)).refused
    assert note.text == "a is s8[4], c is f32[4]"


def test_rules_that_undo_each_other_are_caught() -> None:
    def flip(draft: Draft, node: Node) -> Rewrite | None:
        other = {Add: Mul(), Mul: Add()}
        return Rewrite(draft, node).finish(other[type(node.op)], node.inputs)

    net = Net()
    x = net.input("x", 2)
    graph = net.graph(net.do("y", Add(), x, x))
    with pytest.raises(AssertionError, match="undo each other"):
        apply_rules(graph, (Rule("flip", "Flip.", flip),))


def test_operators_that_nobody_reads_are_dropped_with_what_only_they_read() -> None:
    net = Net()
    x = net.input("x", 2)
    lost = net.do("lost", Add(), x, np.ones(2, np.float32))
    net.do("lost too", Mul(), lost, lost)
    graph = net.graph(net.do("y", Clip(), net.do("z", Clip(0), x)))
    after = apply_rules(graph, (DROP,)).graph
    assert operators(after) == ["Clip"]
    assert not after.constants


def test_rewriting_a_long_chain_takes_linear_time() -> None:
    net = Net()
    name = net.input("x", 2)
    for i in range(2000):
        name = net.do(f"y{i}", Clip() if i % 2 else Reshape((2,)), name)
    after = apply_rules(net.graph(net.do("end", Clip(0), name)), (DROP,))
    assert len(after.applied) == 1000
