"""A constant that two kernels want in two layouts is two constants; otherwise it stays one."""

import numpy as np
import pytest

from bare_metal import needs_board
from random_networks import evaluate_graph, random_inputs
from tied import tied
from tilewright.backend.print_bundle import print_bundle
from tilewright.backend.stage import stage
from tilewright.ir.graph import ValueName
from tilewright.ir.target import Target
from tilewright.midend.layouts import one_constant_per_layout
from tilewright.midend.lockfile import plan_text
from tilewright.pipeline import Options, load_target, plan_network, with_memory
from tilewright.run.host import HostOptions
from tilewright.run.inputs import random_batch
from tilewright.run.interpret import interpret
from tilewright.run.runners import run_bundle

TARGETS = {
    "host": load_target("host"),
    "near and far": with_memory(load_target("host"), {"L2": 4096, "L1": 1024}),
    "cortex-m4": load_target("cortex-m4"),
    "cortex-m55": load_target("cortex-m55"),
}


def tables(target: Target, heads: int = 1) -> list[str]:
    graph = one_constant_per_layout(tied(heads), target)
    return [name for name in graph.constants if name.startswith("table")]


@pytest.mark.parametrize("name", TARGETS)
def test_the_plan_computes_what_the_definitions_say(name: str):
    graph, target = tied(2), TARGETS[name]
    computed, _, plan, _ = plan_network(graph, target, Options())
    program = stage(computed, plan, target, "net")
    inputs = random_inputs(graph, 3)
    wanted = evaluate_graph(graph, inputs)
    for output, array in interpret(program, computed, inputs).outputs.items():
        np.testing.assert_array_equal(array, wanted[output])


def test_readers_that_agree_share_one_table():
    assert tables(TARGETS["host"]) == ["table"]
    assert one_constant_per_layout(graph := tied(), TARGETS["host"]) is graph


def test_every_layout_is_counted_once():
    # Rows as the file has them for the embedding, packed rows for both heads together.
    graph, _, plan, _ = plan_network(tied(2), TARGETS["cortex-m55"], Options())
    program = stage(graph, plan, TARGETS["cortex-m55"], "net")
    assert len(tables(TARGETS["cortex-m55"], heads=2)) == 3
    assert [n for n in program.constants if n.startswith("table")] == ["table", "table.2"]
    assert program.constants["table"].tobytes() != program.constants["table.2"].tobytes()
    assert program.constant(ValueName("table.3")) is program.constants[ValueName("table.2")]
    symbols = print_bundle(program, plan, graph, "0" * 64).symbols
    assert len(symbols) == len(program.constants) == 6  # two biases, one multiplier, one shift


def test_a_stored_plan_finds_both_layouts_again(tmp_path):
    target = TARGETS["cortex-m55"]
    graph, _, plan, _ = plan_network(tied(2), target, Options())
    stored = tmp_path / "plan.json"
    stored.write_text(plan_text(plan, graph))
    again, _, read, _ = plan_network(tied(2), target, Options(plan=stored))
    bundles = [
        print_bundle(stage(net, made, target, "net"), made, net, "0" * 64)
        for net, made in ((graph, plan), (again, read))
    ]
    assert bundles[0] == bundles[1]


@needs_board
@pytest.mark.parametrize("name", ["cortex-m4", "cortex-m55"])
def test_boards_compute_what_the_definitions_say(name: str):
    graph, target = tied(2), TARGETS[name]
    computed, _, plan, _ = plan_network(graph, target, Options())
    program = stage(computed, plan, target, "net")
    bundle = print_bundle(program, plan, computed, "0" * 64)
    batch = random_batch(graph, 3, seed=1)
    result = run_bundle(bundle, program, target.toolchain, batch, HostOptions(1))
    for index in range(3):
        wanted = evaluate_graph(graph, batch.one(index))
        for output, arrays in result.outputs.items():
            np.testing.assert_array_equal(arrays[index], wanted[output])
