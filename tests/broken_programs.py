"""Programs from which one wait has been taken, and whether anybody notices."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.program import Action, Join, Layer, Loop, Program, Wait
from tilewright.ir.types import Array
from tilewright.run.hazards import HazardError
from tilewright.run.interpret import interpret

Values = Mapping[ValueName, Array]


def waits(program: Program) -> Iterator[tuple[int, int]]:
    """(layer, position in the layer's flat list) of all waits for transfers and for engines."""
    for number, layer in enumerate(program.layers):
        for position, action in enumerate(layer.flat()):
            if isinstance(action, Wait | Join):
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


def needless_waits(program: Program, graph: Graph, inputs: Values) -> list[str]:
    """Waits without which no hazard is found and the outputs are the same."""
    wanted = interpret(program, graph, inputs).outputs
    needless: list[str] = []
    for number, position in waits(program):
        layers = list(program.layers)
        layers[number] = without(layers[number], position)
        assert len(list(layers[number].flat())) == len(list(program.layers[number].flat())) - 1
        try:
            made = interpret(replace(program, layers=tuple(layers)), graph, inputs).outputs
        except HazardError:
            continue
        if all(np.array_equal(made[name], wanted[name]) for name in graph.outputs):
            wait = list(program.layers[number].flat())[position]
            needless.append(f"layer {number}, action {position}: {wait}")
    return needless
