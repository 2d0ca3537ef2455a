"""inspect names everything that stands in the way of a network, each with its reason."""

from dataclasses import replace

from digits import compiled_digits
from tilewright.ir.graph import Contract, Graph
from tilewright.ir.target import Target
from tilewright.report.problems import find_problems


def problems(graph: Graph, target: Target) -> dict[str, str]:
    found = find_problems(graph, Contract.ONNX, target, allow_float=False)
    return {problem.node.partition(" (")[0]: problem.reason for problem in found}


def test_a_network_that_compiles_has_none() -> None:
    compiled = compiled_digits()
    assert problems(compiled.simplified.graph, compiled.target) == {}


def test_every_node_without_a_kernel_is_named() -> None:
    compiled = compiled_digits()
    (engine,) = compiled.target.engines
    kept = tuple(k for k in engine.kernels if "conv2d" in k.symbol or "dense" in k.symbol)
    poor = replace(compiled.target, engines=(replace(engine, kernels=kept),))
    found = problems(compiled.simplified.graph, poor)
    assert found.keys() == {"depthwise", "join", "pool", "softmax"}
    for name, reason in found.items():
        assert reason.startswith("no kernel of target host computes"), name


def test_every_tensor_without_a_scale_is_named() -> None:
    compiled = compiled_digits()
    graph = compiled.simplified.graph
    bare = {
        name: replace(value, quantisation=None)
        if graph.producer(name) and graph.producer(name).name in ("stem", "down")
        else value
        for name, value in graph.values.items()
    }
    found = problems(replace(graph, values=bare), compiled.target)
    assert {"stem", "down"} <= found.keys()
    assert all("has no quantisation parameters" in reason for reason in found.values())


def test_the_kernels_that_are_close_say_why_not() -> None:
    compiled = compiled_digits()
    (engine,) = compiled.target.engines
    stubborn = tuple(
        replace(k, refuse=lambda op, signature: "has 3 taps, at most 2")
        if "dense" in k.symbol
        else k
        for k in engine.kernels
    )
    target = replace(compiled.target, engines=(replace(engine, kernels=stubborn),))
    (reason,) = problems(compiled.simplified.graph, target).values()
    assert reason.startswith("no kernel of target host takes QDense(")
    assert "\n  dense_s8_half_even: has 3 taps, at most 2" in reason
    assert "conv2d" not in reason.partition("\n")[2]


def test_kernels_that_round_otherwise_are_not_asked_why() -> None:
    compiled = compiled_digits()
    (engine,) = compiled.target.engines
    kept = tuple(k for k in engine.kernels if k.symbol != "dense_s8_half_even")
    poor = replace(compiled.target, engines=(replace(engine, kernels=kept),))
    (reason,) = problems(compiled.simplified.graph, poor).values()
    assert reason.startswith("no kernel of target host computes QDense(")
    assert "rounds as" not in reason
