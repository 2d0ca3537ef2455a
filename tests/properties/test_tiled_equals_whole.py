"""Drawn networks in drawn sizes of near memory: what does not fit as it is computes the same."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from judged import check_plan
from layout_networks import networks
from random_networks import Largest, Network, evaluate_graph, fake_kernel, graphs, random_inputs
from tilewright.backend.print_bundle import print_bundle
from tilewright.backend.stage import stage
from tilewright.errors import CapacityError, QuantisationError, UnsupportedError
from tilewright.frontend.lower import lower
from tilewright.frontend.rewrites.rules import optimise, simplify
from tilewright.ir.graph import Contract, Graph, ValueName
from tilewright.ir.op import Op
from tilewright.ir.plan import Plan
from tilewright.ir.program import Program
from tilewright.ir.target import Target
from tilewright.ir.types import Array
from tilewright.midend.assign import assign
from tilewright.midend.plan_memory import plan_memory
from tilewright.ops.layout import Pad, Transpose
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d
from tilewright.pipeline import load_target, with_memory
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import Batch
from tilewright.run.interpret import interpret

FAR = 1 << 20

relaxed = settings(
    derandomize=True, deadline=None, database=None, phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def host(size: int) -> Target:
    """This machine with a near memory of ``size`` bytes."""
    return with_memory(load_target("host"), {"L2": FAR, "L1": size})


def with_largest(target: Target) -> Target:
    """The same with a kernel for the operator that only tests have."""
    (engine,) = target.engines
    largest = replace(fake_kernel("largest", op=Largest), pointers=("a", "b", "c", "y"))
    return replace(target, engines=(replace(engine, kernels=(*engine.kernels, largest)),))


def planned(graph: Graph, target: Target) -> Plan:
    plan = plan_memory(graph, assign(graph, target), target)
    check_plan(plan, graph, target)
    size = target.memory("L1").size
    assert size is not None
    assert plan.arena_bytes.get("L1", 0) <= size
    return plan


def fitting(graph: Graph, target: Target) -> tuple[Plan, Target]:
    """The plan; where the size is refused, that for the size that the refusal names."""
    try:
        return planned(graph, target), target
    except CapacityError as refusal:
        larger = with_memory(target, {"L1": named_size(str(refusal), target)})
    return planned(graph, larger), larger


def named_size(refusal: str, target: Target) -> int:
    """The size of L1 that a refusal says would do."""
    named = re.search(r"--memory L1=(\d+)\)", refusal)
    assert named is not None, f"no size in: {refusal}"
    size = target.memory("L1").size
    assert size is not None
    assert int(named[1]) > size
    return int(named[1])


def assert_bits(
    graph: Graph, made: Mapping[ValueName, Array], wanted: Mapping[ValueName, Array]
) -> None:
    for name in graph.outputs:
        assert made[name].dtype == wanted[name].dtype
        assert made[name].tobytes() == wanted[name].tobytes(), f"{name} differs"


def compiled_in(graph: Graph, target: Target) -> tuple[Program, Plan, Target]:
    plan, fits = fitting(graph, target)
    return stage(graph, plan, fits, "net"), plan, fits


def lowered(graph: Graph) -> Graph:
    """As the compiler makes it; a drawn network that has no kernels or scales is not drawn."""
    try:
        exact = lower(simplify(graph).graph, Contract.ONNX, allow_float=False)
        made = optimise(exact, prune=True).graph
        assign(made, host(FAR))
    except (QuantisationError, UnsupportedError):
        assume(False)
        raise
    assume(made.nodes)
    return made


@settings(relaxed, max_examples=120)
@given(graphs(max_nodes=8), st.integers(1, 600), st.integers(0, 99))
def test_networks_of_any_form_compute_the_definition_in_any_size(
    graph: Graph, size: int, seed: int
) -> None:
    program, _, _ = compiled_in(graph, with_largest(host(size)))
    inputs = random_inputs(graph, seed)
    assert_bits(graph, interpret(program, graph, inputs).outputs, evaluate_graph(graph, inputs))


@settings(relaxed, max_examples=60)
@given(networks(is_stored=True), st.integers(1, 1500), st.integers(0, 99))
def test_quantised_networks_compute_the_definition_in_any_size(
    source: Graph, size: int, seed: int
) -> None:
    graph = lowered(source)
    program, _, _ = compiled_in(graph, host(size))
    inputs = random_inputs(graph, seed)
    assert_bits(graph, interpret(program, graph, inputs).outputs, evaluate_graph(graph, inputs))


@pytest.mark.slow
@settings(relaxed, max_examples=12, phases=(Phase.generate,))
@given(networks(is_stored=True), st.integers(1, 1500), st.integers(0, 99))
def test_c_of_quantised_networks_computes_the_definition_twice_in_a_row(
    source: Graph, size: int, seed: int
) -> None:
    """Under sanitizers; the arenas are poisoned between the two inferences."""
    graph = lowered(source)
    program, plan, target = compiled_in(graph, host(size))
    assume(any(layer.tiles > 1 for layer in program.layers))
    each = [random_inputs(graph, seed), random_inputs(graph, seed + 1)]
    batch = Batch({n: np.stack([i[n] for i in each]) for n in graph.inputs}, 2, is_batched=True)
    bundle = print_bundle(program, plan, graph, "0")
    options = HostOptions(sanitizes=True)
    result = run_on_host(bundle, program, target.toolchain, batch, options)
    assert "warning" not in result.log, result.log
    assert result.runs_identical
    for index, inputs in enumerate(each):
        made = {name: array[index] for name, array in result.outputs.items()}
        assert_bits(graph, made, evaluate_graph(graph, inputs))


@pytest.mark.parametrize("op", [Transpose((0, 1, 2, 3)), MaxPool2d(Window2d((1, 1)))])
def test_a_tile_may_lie_wholly_in_padding(op: Op) -> None:
    """The step before has nothing to compute for it."""
    net = Network()
    made = net.node(op, net.input(1, 4, 1, 1))
    graph = net.build(net.node(Pad((0, 1, 0, 0), (0, 0, 0, 0)), made))
    program, _, _ = compiled_in(graph, host(64))
    inputs = random_inputs(graph, 0)
    assert_bits(graph, interpret(program, graph, inputs).outputs, evaluate_graph(graph, inputs))
