"""An output on bytes of its own input: judged call by call and block by block, and computed so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mutant_runs import Case, are_right
from mutants import BESIDE, CLIPPED, SAME, Drawn
from random_networks import evaluate_graph, places_of, random_inputs
from tilewright.backend.stage import stage
from tilewright.check.judge import PlanError, check_program
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.plan import Plan
from tilewright.ir.program import Call, Program
from tilewright.ir.target import Engine, Target
from tilewright.ir.types import DType, TensorType
from tilewright.midend.assign import assign
from tilewright.midend.memory.allocate import place
from tilewright.midend.tiling.runs import Run
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.window2d import Window2d
from tilewright.pipeline import Options, plan_network
from tilewright.run.interpret import interpret
from tilewright.targets.host.target import HIERARCHY, HOST

NPU = Engine("npu", "npu", HOST.engines[0].reaches, BESIDE, is_asynchronous=True)
BOTH = replace(HOST, engines=(NPU, *HOST.engines), runtime=HIERARCHY.runtime, alternatives=())


def convolutions(window: Window2d, *counts: int, height: int = 8, width: int = 4) -> Graph:
    """One after the other; ``counts``: channels of the input, then of every output."""
    rng, builder = np.random.default_rng(1), GraphBuilder("net", Contract.TFLITE)
    shape = (1, height, width, counts[0])
    name = builder.input(Value(ValueName("x"), TensorType(DType.S8, shape)))
    for number, count in enumerate(counts[1:]):
        channels = builder.values[name].type.shape[3]
        arrays = (
            rng.integers(-128, 128, (count, *window.kernel, channels)).astype(np.int8),
            rng.integers(-99, 99, count).astype(np.int32),
            np.full(count, 1 << 30, np.int32), np.full(count, -7, np.int8),
        )  # fmt: skip
        inputs = (name, *(builder.constant("c", array) for array in arrays))
        op = QConv2d(window, output=CLIPPED)
        type_ = op.infer(*(builder.values[n].type for n in inputs))
        name = builder.node(f"n{number}", op, inputs, Value(ValueName(f"y{number}"), type_))
    builder.outputs.append(name)
    return builder.build()


def is_right(program: Program, graph: Graph) -> bool:
    """Whether the interpreter computes the network's definition."""
    inputs = random_inputs(graph, 3)
    (name,) = graph.outputs
    made = interpret(program, graph, inputs).outputs[name]
    return bool((made == evaluate_graph(graph, inputs)[name]).all())


def is_accepted(program: Program, graph: Graph, target: Target) -> bool:
    try:
        check_program(program, graph, target)
    except PlanError:
        return False
    return True


def at_distance(plan: Plan, distance: int) -> Plan:
    """The input so many bytes above the output, everything else out of the way."""
    writer = next(b for b in plan.buffers if b.name == "y0")
    moved = tuple(
        replace(b, offset=writer.offset + distance if b.name == "x" else 4096)
        if b is not writer else b
        for b in plan.buffers
    )  # fmt: skip
    end = max(b.offset + b.size for b in moved)
    return replace(plan, buffers=moved, arena_bytes={"ram": end})


def test_every_distance_of_a_layer_in_two_tiles_is_judged_as_it_computes(tmp_path: Path) -> None:
    graph = convolutions(Window2d((1, 1)), 8, 32)
    cut = Run(graph, assign(graph, HOST).steps, 0).cut(4, HOST)
    plan = place(graph, (cut,), places_of(graph, cut.steps, HOST))
    enough = plan.overlaps[0].distance
    distances = [*range(0, enough, 40), enough - 8, enough - 4, enough]
    programs = [stage(graph, at_distance(plan, d), HOST, "net") for d in distances]
    assert all(any(isinstance(a, Call) for a in p.layers[0].flat()) for p in programs)
    accepted = [is_accepted(program, graph, HOST) for program in programs]
    assert accepted == [False] * (len(distances) - 1) + [True]
    interpreted = [is_right(program, graph) for program in programs]
    drawn = [Drawn(graph, HOST, at_distance(plan, d), p)
             for d, p in zip(distances, programs, strict=True)]  # fmt: skip
    compiled = are_right([Case(one, one.program) for one in drawn], tmp_path)
    assert interpreted == accepted
    assert compiled[-1]
    assert compiled.count(False) > len(distances) // 2


def offloaded() -> Drawn:
    """A chain whose layers an engine beside the core computes forward and backward in turns."""
    graph = convolutions(SAME, 8, 8, 8, 8, 8, height=8, width=8)
    made = plan_network(graph, BOTH, Options(name="net"))
    return Drawn(made.graph, BOTH, made.plan, made.program)


def test_a_call_on_another_engine_keeps_the_order_that_its_plan_relies_on(tmp_path: Path) -> None:
    drawn = offloaded()
    pieces = [call.piece_items for call in drawn.program.calls if call.engine.is_asynchronous]
    assert any(pieces)
    assert is_right(drawn.program, drawn.graph)
    assert are_right([Case(drawn, drawn.program)], tmp_path) == [True]


def test_a_call_on_another_engine_without_its_pieces_is_refused_and_wrong() -> None:
    drawn = offloaded()
    overlaps = tuple(replace(leave, piece_items=0) for leave in drawn.plan.overlaps)
    program = stage(drawn.graph, replace(drawn.plan, overlaps=overlaps), BOTH, "net")
    assert not is_accepted(program, drawn.graph, BOTH)
    assert not is_right(program, drawn.graph)


def test_no_order_is_promised_on_several_cores() -> None:
    """A plan for one core is refused for three."""
    graph = convolutions(Window2d((1, 1)), 8, 8)
    made = plan_network(graph, HOST, Options(name="net"))
    assert made.plan.overlaps
    (core,) = HOST.engines
    three = replace(HOST, engines=(replace(core, cores=3),))
    steps = tuple(replace(step, engine=three.engines[0]) for step in made.plan.steps)
    with pytest.raises(PlanError, match=r"makes no promise|lacks \d+ bytes of scratch"):
        check_program(stage(graph, replace(made.plan, steps=steps), three, "net"), graph, three)
