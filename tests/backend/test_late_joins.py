"""Engines with a queue: waits as late as bytes allow, and not later."""

from dataclasses import replace

import pytest

from digits import MODEL
from tilewright.backend.late_joins import with_late_joins
from tilewright.backend.stage import stage
from tilewright.check.judge import PlanError, check_program
from tilewright.ir.graph import Contract
from tilewright.ir.program import Action, Join, Layer, Loop, Offload, Program
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.run.clock import time_program
from tilewright.targets.siracusa.target import SIRACUSA


@pytest.fixture(scope="module")
def made() -> Compilation:
    return compile_model(MODEL, SIRACUSA, Options(contract=Contract.PULP))


def count(program: Program, kind: type[Join | Offload]) -> int:
    return sum(isinstance(a, kind) for layer in program.layers for a in layer.flat())


def without(program: Program, layer: Layer, position: int) -> Program:
    """The same without one action."""
    fewer = (*layer.actions[:position], *layer.actions[position + 1 :])
    changed = replace(layer, actions=fewer)
    return replace(program, layers=tuple(changed if x is layer else x for x in program.layers))


def test_calls_follow_one_another_without_a_wait(made: Compilation) -> None:
    patient = stage(made.graph, made.plan, SIRACUSA, "net")
    check_program(patient, made.graph, SIRACUSA)
    assert count(made.program, Offload) == count(patient, Offload) > 2
    assert count(made.program, Join) < count(patient, Join)
    assert time_program(made.program).cycles < time_program(patient).cycles


def test_every_wait_that_is_left_is_needed(made: Compilation) -> None:
    taken = 0
    for layer in made.program.layers:
        for position, action in enumerate(layer.actions):
            if isinstance(action, Join):
                with pytest.raises(PlanError):
                    check_program(without(made.program, layer, position), made.graph, SIRACUSA)
                taken += 1
    assert taken


def test_waits_come_before_what_touches_the_bytes(made: Compilation) -> None:
    """A wait that comes one action later is refused, too, but behind the calls of the engine."""
    for layer in made.program.layers:
        for position, action in enumerate(layer.actions[:-1]):
            following = layer.actions[position + 1]
            if not isinstance(action, Join) or isinstance(following, Loop | Offload):
                continue
            swapped: list[Action] = [*layer.actions]
            swapped[position : position + 2] = [following, action]
            changed = replace(layer, actions=tuple(swapped))
            layers = tuple(changed if x is layer else x for x in made.program.layers)
            with pytest.raises(PlanError):
                check_program(replace(made.program, layers=layers), made.graph, SIRACUSA)


def test_layers_end_where_the_next_ones_begin(made: Compilation) -> None:
    layers = time_program(made.program).layers
    ends = [0, *(layer.stop for layer in layers)]
    assert [layer.start for layer in layers] == ends[:-1]
    assert ends == sorted(ends)


def test_a_layer_says_which_engine_still_works(made: Compilation) -> None:
    assert any(layer.left_open for layer in made.program.layers)
    assert with_late_joins(made.program) == made.program
