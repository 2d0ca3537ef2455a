"""Loops over tiles of an engine that fetches ahead: the next call starts before the wait for the
last one, and the judge knows what that allows."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tilewright.builders.tile_network import TileNetwork
from tilewright.check.judge import PlanError, check_program
from tilewright.ir.index import at
from tilewright.ir.program import InConstant, Join, Load, Loop, Offload, Program, Shifted, Store
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.run.clock import time_program
from tilewright.run.interpret import interpret
from tilewright.targets.snitch.target import SNITCH_ITA


@cache
def made() -> Compilation:
    """Products of ten blocks of tokens: more than L1 holds."""
    net = TileNetwork("rows", np.random.default_rng(0))
    x = net.input("x", 640, 384)
    return written(net, net.product(x, net.weights(net.drawn(384, 384, 16)), "y"))


@cache
def pair() -> Compilation:
    """Two products, one behind the other."""
    net = TileNetwork("pair", np.random.default_rng(0))
    x = net.input("x", 128, 128)
    y = net.product(x, net.weights(net.drawn(128, 128, 16)), "y")
    return written(net, net.product(y, net.weights(net.drawn(128, 128, 16)), "z"))


def written(net: TileNetwork, output: str) -> Compilation:
    """Compiled."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        net.write(str(path), output)
        return compile_model(path, SNITCH_ITA, Options(effort="quick"))


def loop() -> Loop:
    """The only one."""
    found = (a for layer in made().program.layers for a in layer.actions if isinstance(a, Loop))
    return next(found)


def changed(edit: Callable[[Shifted], Shifted]) -> Program:
    """The program with another loop."""
    body = tuple(edit(item) for item in loop().body)
    layers = tuple(
        replace(
            layer,
            actions=tuple(replace(a, body=body) if a is loop() else a for a in layer.actions),
        )
        for layer in made().program.layers
    )
    return replace(made().program, layers=layers)


def test_the_next_call_starts_before_the_wait_for_the_last_one() -> None:
    kinds = [(type(item.action), item.shift) for item in loop().body]
    order = [(Offload, 0), (Join, -1), (Store, -1), (Load, 1)]
    assert [kinds.index(kind) for kind in order] == sorted(kinds.index(kind) for kind in order)
    (join,) = (item.action for item in loop().body if isinstance(item.action, Join))
    left = [at(join.left, tile) for tile in range(loop().tiles)]
    assert left == [1] * (loop().tiles - 1) + [0]


def test_what_it_computes_is_the_definition_and_takes_less_time() -> None:
    compiled = made()
    x = np.random.default_rng(1).integers(-99, 99, (10, 6, 64, 64)).astype(np.int8)
    (name,) = compiled.graph.inputs
    found = interpret(compiled.program, compiled.graph, {name: x}).outputs
    (node,) = compiled.graph.nodes
    operands = {**compiled.graph.constants, name: x}
    wanted = node.op.evaluate(*(operands[operand] for operand in node.inputs))
    assert np.array_equal(found[node.output], wanted)
    patient = changed(
        lambda item: (
            Shifted(item.shift, replace(item.action, left=0))
            if isinstance(item.action, Join)
            else item
        )
    )
    assert time_program(compiled.program).cycles < time_program(patient).cycles


@pytest.mark.parametrize("kind", [Store, Load])
def test_bytes_of_a_call_under_way_are_left_alone(kind: type[Store | Load]) -> None:
    """A store of this tile's result, a load into what this tile's call reads."""
    early = changed(
        lambda item: Shifted(item.shift + 1, item.action) if isinstance(item.action, kind) else item
    )
    with pytest.raises(PlanError):
        check_program(early, made().graph, SNITCH_ITA)


def test_scratch_of_the_next_call_is_not_where_this_one_works() -> None:
    """Two products that follow one another: the second one fetches while the first one works."""
    compiled = pair()
    check_program(compiled.program, compiled.graph, SNITCH_ITA)
    first, second = compiled.program.calls
    assert second.scratch is not None
    read = first.inputs[0].place
    assert not isinstance(read, InConstant)
    place = replace(second.scratch, offset=read.offset)
    moved = replace(second, scratch=place)
    layers = tuple(
        replace(
            layer,
            actions=tuple(
                replace(a, call=moved) if isinstance(a, Offload) and a.call is second else a
                for a in layer.actions
            ),
        )
        for layer in compiled.program.layers
    )
    with pytest.raises(PlanError, match="its scratch is where y"):
        check_program(replace(compiled.program, layers=layers), compiled.graph, SNITCH_ITA)
