"""Generated C of tiled layers: with an emulated near memory, under sanitizers, equals the whole."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from case import Case
from strategies import STRATEGIES
from tiled import COMPUTED, Tiled, assert_outputs, draw_tiled, evaluate, steps_of, tiled
from tiled_chain import chain, chain_input, tiled_chains
from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import c_names
from tilewright.backend.print_layer import tile_tables
from tilewright.backend.stage import stage
from tilewright.errors import MismatchError
from tilewright.ir.graph import ValueName
from tilewright.ir.op import Op
from tilewright.ir.program import Load
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, Span
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.embedding import LastRow
from tilewright.ops.llm.heads import CentredHeadRows, TurnedHeadRows
from tilewright.ops.lstm import LstmSequence
from tilewright.ops.window2d import Window2d
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import Batch
from tilewright.targets.host.target import HIERARCHY

QUICK = (QConv2d, QDepthwiseConv2d, QDense)


def run_sanitized(net: Tiled, inputs: dict[ValueName, Array]) -> None:
    """Two inferences in a row, arenas poisoned between them; twice."""
    arrays = {name: np.stack([array, array]) for name, array in inputs.items()}
    options = HostOptions(observes=True, sanitizes=True)
    batch = Batch(arrays, 2, is_batched=True)
    result = run_on_host(net.bundle, net.program, HIERARCHY.toolchain, batch, options)
    assert "warning" not in result.log, result.log
    assert result.runs_identical
    for index in range(2):
        outputs = {name: array[index] for name, array in result.outputs.items()}
        assert_outputs(net.graph, inputs, outputs)


def few(examples: int) -> settings:
    return settings(
        derandomize=True, deadline=None, max_examples=examples, database=None,
        phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def check_operator(op: type[Op], examples: int) -> None:
    @few(examples)
    @given(case=STRATEGIES[op], data=st.data())
    def check(case: Case, data: st.DataObject) -> None:
        net, inputs = draw_tiled(data, case, (Hold.SINGLE, Hold.DOUBLE))
        assume(net.program.layers[0].tiles > 2)
        run_sanitized(net, inputs)

    check()


@pytest.mark.parametrize("op", QUICK, ids=lambda op: op.__name__)
def test_tiled_c_equals_the_whole(op: type[Op]) -> None:
    check_operator(op, 2)


WHOLE = (LastRow, TurnedHeadRows, CentredHeadRows, CachedAttention, LstmSequence)
"""Operators that are never cut."""


@pytest.mark.parametrize("op", WHOLE, ids=lambda op: op.__name__)
@few(5)
@given(data=st.data())
def test_what_is_never_cut_says_so(op: type[Op], data: st.DataObject) -> None:
    case = data.draw(STRATEGIES[op])
    axes = range(len(case.signature.output.shape))
    assert case.op.whole_axes(*case.signature.inputs) >= {*axes}


@pytest.mark.slow
@pytest.mark.parametrize(
    "op", [op for op in COMPUTED if op not in WHOLE], ids=lambda op: op.__name__
)
def test_tiled_c_of_every_operator_equals_the_whole(op: type[Op]) -> None:
    check_operator(op, 4)


def check_chains(*, is_far: bool, examples: int) -> None:
    @few(examples)
    @given(net=tiled_chains(is_far=is_far))
    def check(net: Tiled) -> None:
        assume(any(layer.tiles > 2 and len(layer.calls) > 1 for layer in net.program.layers))
        run_sanitized(net, chain_input(net.graph))

    check()


@pytest.mark.parametrize("is_far", [True, False])
def test_c_of_fused_groups_equals_the_whole(is_far: bool) -> None:
    check_chains(is_far=is_far, examples=2)


@pytest.mark.slow
@pytest.mark.parametrize("is_far", [True, False])
def test_c_of_many_fused_groups_equals_the_whole(is_far: bool) -> None:
    check_chains(is_far=is_far, examples=25)


def test_code_does_not_grow_with_the_number_of_tiles() -> None:
    few_tiles, many_tiles = (rows_of_one_layer(height) for height in (24, 240))
    assert many_tiles.program.layers[0].tiles == 10 * few_tiles.program.layers[0].tiles
    assert len(function_of(few_tiles)) == len(function_of(many_tiles))


def function_of(net: Tiled) -> list[str]:
    _, text = net.bundle.files["net.c"].split("static TW_LAYER")
    return text.split("\n}\n")[0].splitlines()


def rows_of_one_layer(height: int) -> Tiled:
    """One layer, four rows at a time."""
    graph = chain([Window2d((3, 3), (1, 1), (1, 1, 1, 1))], height, is_residual=False)
    steps = steps_of(graph, HIERARCHY)
    assert steps is not None
    output = steps[0].signature.output.shape
    holds = dict.fromkeys(graph.values, Hold.DOUBLE)
    return tiled(graph, steps, [Group(Span(0, 1), (1, 4, *output[2:]), (1,), holds)], HIERARCHY)


def test_tables_of_tiles_are_linked_constants() -> None:
    net = rows_of_one_layer(120)
    tables = {n: size for n, size in net.bundle.symbols.items() if "_layer_00_" in n}
    assert tables == tile_tables(net.program, c_names(net.program)) != {}
    width = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "int32_t": 4}
    for name, size in tables.items():
        found = re.findall(rf"const (\w+) {name}\[(\d+)\]", net.bundle.files["net.c"])
        assert [width[c] * int(length) for c, length in found] == [size]


def test_a_wait_that_is_missing_in_the_c_shows() -> None:
    """The emulated DMA moves bytes only at the wait, or stops the program."""
    net = rows_of_one_layer(24)
    inputs = chain_input(net.graph)
    run_sanitized(net, inputs)
    text = net.bundle.files["net.c"]
    waits = [line for line in text.splitlines() if "tw_wait(" in line]
    assert len(waits) == 4
    for line in waits:
        files = {**net.bundle.files, "net.c": text.replace(line, "")}
        broken = replace(net.bundle, files=files)
        assert not computes_the_network(net, broken, inputs), line


def computes_the_network(net: Tiled, bundle: Bundle, inputs: dict[ValueName, Array]) -> bool:
    batch = Batch({n: a[None] for n, a in inputs.items()}, 1, is_batched=True)
    options = HostOptions(sanitizes=True)
    try:
        result = run_on_host(bundle, net.program, HIERARCHY.toolchain, batch, options)
    except MismatchError:  # the emulated DMA stopped the program
        return False
    wanted = evaluate(net.graph, inputs)
    return all(np.array_equal(result.outputs[n][0], wanted[n]) for n in net.graph.outputs)


def test_kernels_never_see_far_memory() -> None:
    """Staging stops at a plan that keeps a tensor far and lets a kernel read it in place."""
    net = rows_of_one_layer(24)
    (group,) = net.plan.groups
    in_place = replace(group, holds={**group.holds, ValueName("x"): Hold.DIRECT})
    plan = replace(net.plan, groups=(in_place,))
    with pytest.raises(AssertionError, match="x lies in L2, which cpu does not reach"):
        stage(net.graph, plan, HIERARCHY, "net")


def test_a_layer_may_only_wait_for_what_the_one_before_has_started() -> None:
    """Its constants came early, its tensors stay near: it starts no transfer itself."""
    graph = chain([Window2d((3, 3), (1, 1), (1, 1, 1, 1))] * 2, 12, is_residual=False)
    steps = steps_of(graph, HIERARCHY)
    assert steps is not None
    shape = steps[0].signature.output.shape
    groups = [
        Group(
            Span(time, 1), shape, (),
            {n: Hold.SINGLE if n in graph.constants else Hold.DIRECT for n in (
                *step.node.inputs, step.node.output
            )},
            frozenset(n for n in step.node.inputs if n in graph.constants and time),
        )
        for time, step in enumerate(steps)
    ]  # fmt: skip
    net = tiled(graph, steps, groups, HIERARCHY)
    assert not any(isinstance(a, Load) for a in net.program.layers[1].flat())
    run_sanitized(net, chain_input(graph))
