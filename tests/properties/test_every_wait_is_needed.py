"""A compiled program has no wait too many: without any one of them it is wrong, and that shows."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from digits import MODEL, some_digits
from tilewright.ir.graph import ValueName
from tilewright.ir.program import Action, Layer, Loop, Program, Wait
from tilewright.ir.types import Array
from tilewright.pipeline import Compilation, Options, compile_model, load_target
from tilewright.run.hazards import HazardError
from tilewright.run.inputs import match_inputs
from tilewright.run.interpret import interpret

SMALL, LARGER = 1536, 4096
"""Bytes of L1: the digits network cut into many tiles, and into a few."""


@cache
def compiled(size: int) -> Compilation:
    return compile_model(MODEL, load_target("host"), Options(memory={"L1": size}))


@cache
def one_digit(size: int) -> dict[ValueName, Array]:
    c = compiled(size)
    batch = match_inputs(c.graph, {c.graph.inputs[0]: some_digits(1)})
    return dict(batch.one(0))


def waits(program: Program) -> Iterator[tuple[int, int]]:
    """(layer, position in the layer's flat list)."""
    for number, layer in enumerate(program.layers):
        for position, action in enumerate(layer.flat()):
            if isinstance(action, Wait):
                yield number, position


def without(layer: Layer, position: int) -> Layer:
    """The layer without the action at a position of its flat list."""
    actions: list[Action] = []
    seen = 0
    for action in layer.actions:
        if isinstance(action, Loop):
            body = action.body
            inside = position - seen
            kept = body[:inside] + body[inside + 1 :] if 0 <= inside < len(body) else body
            actions.append(replace(action, body=kept))
            seen += len(body)
        else:
            actions += [action] if seen != position else []
            seen += 1
    return replace(layer, actions=tuple(actions))


def computes_the_network(program: Program, size: int) -> bool:
    """Whether no hazard is found, and the outputs are those of the complete program."""
    c = compiled(size)
    try:
        made = interpret(program, c.graph, one_digit(size)).outputs
    except HazardError:
        return False
    wanted = interpret(c.program, c.graph, one_digit(size)).outputs
    return all(np.array_equal(made[name], wanted[name]) for name in c.graph.outputs)


@pytest.mark.parametrize("size", [SMALL, LARGER])
def test_without_any_single_wait_the_program_is_wrong(size: int) -> None:
    program = compiled(size).program
    assert computes_the_network(program, size)
    found = list(waits(program))
    assert len(found) > 20
    needless: list[str] = []
    for number, position in found:
        layers = list(program.layers)
        layers[number] = without(layers[number], position)
        assert len(list(layers[number].flat())) == len(list(program.layers[number].flat())) - 1
        if computes_the_network(replace(program, layers=tuple(layers)), size):
            wait = list(program.layers[number].flat())[position]
            needless.append(f"layer {number}, action {position}: {wait}")
    assert needless == []
