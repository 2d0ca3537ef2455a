"""The interpreter computes what the definitions say, in the arena, and a wrong plan shows."""

from dataclasses import replace

import numpy as np
import pytest

from digits import compiled_digits, some_digits
from evaluate import evaluate_graph
from tilewright.ir.graph import ValueName
from tilewright.ir.program import Call, InArena, Program
from tilewright.ir.types import Array
from tilewright.run.hazards import HazardError
from tilewright.run.interpret import interpret


def an_input() -> dict[ValueName, Array]:
    return {compiled_digits().graph.inputs[0]: some_digits(1)[0]}


def test_every_value_in_the_arena_is_what_the_definitions_say() -> None:
    compiled = compiled_digits()
    wanted = evaluate_graph(compiled.graph, dict(an_input()))
    got = interpret(compiled.program, compiled.graph, an_input())
    assert got.values.keys() == {call.output.value.name for call in compiled.program.calls}
    for name, array in {**got.values, **got.outputs}.items():
        assert np.array_equal(array, wanted[name]), name


def moved(call: Call, offset: int) -> Call:
    assert isinstance(call.output.place, InArena)
    place = replace(call.output.place, offset=offset)
    return replace(call, output=replace(call.output, place=place))


def with_action(program: Program, index: int, call: Call) -> Program:
    layer = replace(program.layers[index], actions=(call,), observed=(call,))
    return replace(program, layers=(*program.layers[:index], layer, *program.layers[index + 1 :]))


def test_a_result_that_its_reader_does_not_find_shows() -> None:
    compiled = compiled_digits()
    program, last = compiled.program, len(compiled.program.calls) - 1
    call = program.calls[last - 1]
    assert isinstance(call.output.place, InArena)
    free = sum(program.arena_bytes.values())
    arenas = {memory: size + 4096 for memory, size in program.arena_bytes.items()}
    lost = replace(with_action(program, last - 1, moved(call, free)), arena_bytes=arenas)
    right = interpret(program, compiled.graph, an_input()).outputs
    wrong = interpret(lost, compiled.graph, an_input()).outputs
    assert any(not np.array_equal(right[name], wrong[name]) for name in right)


def test_a_result_that_lands_on_a_live_tensor_shows() -> None:
    """The residual sum reads a tensor that outlives the layers between: overwrite it."""
    compiled = compiled_digits()
    program = compiled.program
    reader = next(
        index for index, call in enumerate(program.calls)
        if sum(isinstance(o.place, InArena) for o in call.inputs) == 2
    )  # fmt: skip
    oldest = min(
        (o for o in program.calls[reader].inputs if isinstance(o.place, InArena)),
        key=lambda o: [c.output.value.name for c in program.calls].index(o.value.name),
    )
    between = program.calls[reader - 1]
    assert between.output.value.name != oldest.value.name
    assert isinstance(oldest.place, InArena)
    clash = with_action(program, reader - 1, moved(between, oldest.place.offset))
    right = interpret(program, compiled.graph, an_input()).values
    wrong = interpret(clash, compiled.graph, an_input()).values
    name = program.calls[reader].output.value.name
    assert not np.array_equal(right[name], wrong[name])


def test_a_tensor_outside_of_the_arena_is_a_fault() -> None:
    compiled = compiled_digits()
    call = compiled.program.calls[0]
    outside = with_action(compiled.program, 0, moved(call, 1 << 20))
    with pytest.raises(HazardError, match="ends at"):
        interpret(outside, compiled.graph, an_input())
