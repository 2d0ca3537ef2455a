"""Tiled programs compute the whole, and every wait in them is needed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from case import Case
from strategies import STRATEGIES
from tiled import COMPUTED, Tiled, assert_outputs, draw_tiled
from tiled_chain import chain_input, tiled_chains
from tilewright.ir.op import Op
from tilewright.ir.program import Action, Layer, Load, Loop, Program, Shifted, Wait
from tilewright.ir.tiling import Hold
from tilewright.run.hazards import HazardError
from tilewright.run.interpret import interpret

relaxed = settings(
    derandomize=True, deadline=None, max_examples=12, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.parametrize("op", COMPUTED, ids=lambda op: op.__name__)
def test_tiles_of_every_operator_give_the_whole(op: type[Op]) -> None:
    @relaxed
    @given(case=STRATEGIES[op], data=st.data())
    def check(case: Case, data: st.DataObject) -> None:
        net, inputs = draw_tiled(data, case, (Hold.SINGLE, Hold.DOUBLE))
        result = interpret(net.program, net.graph, inputs)
        assert_outputs(net.graph, inputs, result.outputs)

    check()


@settings(relaxed, max_examples=120)
@given(net=tiled_chains(is_far=True))
def test_groups_with_copies_give_the_whole(net: Tiled) -> None:
    inputs = chain_input(net.graph)
    assert_outputs(net.graph, inputs, interpret(net.program, net.graph, inputs).outputs)


@settings(relaxed, max_examples=120)
@given(net=tiled_chains(is_far=False))
def test_fused_groups_in_one_memory_give_the_whole(net: Tiled) -> None:
    inputs = chain_input(net.graph)
    assert not any(isinstance(a, Load) for layer in net.program.layers for a in layer.flat())
    assert_outputs(net.graph, inputs, interpret(net.program, net.graph, inputs).outputs)


def without(layer: Layer, position: int) -> Layer:
    """The layer without the action at a position of its flat list."""
    actions: list[Action] = []
    seen = 0
    for action in layer.actions:
        if isinstance(action, Loop):
            body = [b for i, b in enumerate(action.body, start=seen) if i != position]
            seen += len(action.body)
            actions.append(replace(action, body=tuple(body)))
        else:
            actions += [action] if seen != position else []
            seen += 1
    return replace(layer, actions=tuple(actions))


def programs_without_a_wait(program: Program) -> Iterator[Program]:
    for number, layer in enumerate(program.layers):
        for position, action in enumerate(layer.flat()):
            if isinstance(action, Wait):
                layers = list(program.layers)
                layers[number] = without(layer, position)
                yield replace(program, layers=tuple(layers))


@settings(relaxed, max_examples=40)
@given(net=tiled_chains(is_far=True))
def test_deleting_any_single_wait_is_detected(net: Tiled) -> None:
    inputs = chain_input(net.graph)
    for broken in programs_without_a_wait(net.program):
        with pytest.raises(HazardError):
            interpret(broken, net.graph, inputs)


@settings(relaxed, max_examples=40)
@given(net=tiled_chains(is_far=True), data=st.data())
def test_a_wait_that_comes_one_tile_too_late_is_detected(net: Tiled, data: st.DataObject) -> None:
    """Not only a wait that is missing: the hazard is found where it is, not at the end."""
    late = [
        (n, i, b)
        for n, layer in enumerate(net.program.layers)
        for a in layer.actions
        if isinstance(a, Loop)
        for i, b in enumerate(a.body)
        if isinstance(b.action, Wait)
    ]
    assume(late)
    number, index, item = data.draw(st.sampled_from(late))
    layer = net.program.layers[number]
    loops = [
        replace(a, body=(*a.body[:index], *a.body[index + 1 :], Shifted(item.shift, item.action)))
        if isinstance(a, Loop)
        else a
        for a in layer.actions
    ]
    layers = list(net.program.layers)
    layers[number] = replace(layer, actions=tuple(loops))
    broken = replace(net.program, layers=tuple(layers))
    with pytest.raises(HazardError):
        interpret(broken, net.graph, chain_input(net.graph))
