"""Plans as text: what is written comes back, and what does not fit is refused in words."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from random_networks import Largest, Network, fake_kernel, fake_target, graphs
from tilewright.errors import OptionError
from tilewright.ir.graph import Graph
from tilewright.ir.target import Streaming
from tilewright.midend.assign import assign
from tilewright.midend.lockfile import plan_text, read_plan
from tilewright.midend.plan_memory import plan_memory

TARGET = fake_target(fake_kernel(streaming=Streaming((0, 1, 2), 1)), tiles=True)


def one_node(name: str = "t") -> Graph:
    net = Network()
    return net.build(net.node(Largest(), net.input(1, 4, 4, 4), name=name))


def text_of(graph: Graph) -> str:
    return plan_text(plan_memory(graph, assign(graph, TARGET), TARGET), graph)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(graphs())
def test_a_plan_comes_back_as_it_was(graph: Graph):
    plan = plan_memory(graph, assign(graph, TARGET), TARGET)
    again = read_plan(plan_text(plan, graph), "plan.json", graph, TARGET)
    assert again == plan
    assert plan_text(again, graph) == plan_text(plan, graph)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.data())
def test_damaged_text_is_refused_or_read(data: st.DataObject):
    text = text_of(one_node())
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:at] + data.draw(st.sampled_from(["", "x", '"', "1", "["])) + text[at + 1 :]
    with suppress(OptionError):
        read_plan(damaged, "plan.json", one_node(), TARGET)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"target": "fake"', '"target": "other"'), "a plan for other, not for fake"),
        (('"format": 2', '"format": 9'), "format 9, this version reads 2"),
        (('"make_t"', '"gone"'), "this network has no node gone; make a new plan"),
        (('"anything"', '"gone"'), "runs gone on core, which target fake does not have"),
        (('"steps": [', '"leaps": ['), "not a plan that tilewright wrote"),
    ],
)
def test_a_plan_for_something_else_is_refused(change: tuple[str, str], said: str):
    text = text_of(one_node())
    assert change[0] in text
    with pytest.raises(OptionError, match=rf"^plan.json: .*{said}"):
        read_plan(text.replace(*change), "plan.json", one_node(), TARGET)


@pytest.mark.parametrize("section", ["arena_bytes", "activation_bytes", "proof", "groups", "pins"])
@pytest.mark.parametrize("wrong", [None, [], 3, "x", [3], [None], {"a": None}])
def test_a_section_of_another_kind_is_refused_or_read(section: str, wrong: object):
    text = json.dumps({**json.loads(text_of(one_node())), section: wrong})
    with suppress(OptionError):
        read_plan(text, "plan.json", one_node(), TARGET)


def test_the_text_has_one_line_per_fact():
    lines = text_of(one_node()).splitlines()
    assert sum('"node":' in line for line in lines) == 1
    assert sum('"offset":' in line for line in lines) == 2
