"""Networks with states: definition, interpreter and generated C agree run after run."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest

from bare_metal import needs_board
from stateful import NETWORKS, rnn
from tilewright.backend.bundle import Bundle
from tilewright.backend.print_bundle import print_bundle
from tilewright.backend.stage import stage
from tilewright.check.judge import check_program
from tilewright.check.memory import PlanError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Plan
from tilewright.ir.program import Program
from tilewright.ir.target import Target
from tilewright.midend.states import with_states_in_place
from tilewright.pipeline import Options, load_target, plan_network, with_memory
from tilewright.run.host import HostOptions
from tilewright.run.inputs import random_batch
from tilewright.run.runners import run_bundle
from tilewright.run.sequences import evaluate_in_turn, interpret_in_turn

TARGETS = {
    "one memory": load_target("host"),
    "near and far": with_memory(load_target("host"), {"L2": 4096, "L1": 320}),
    "tight": with_memory(load_target("host"), {"ram": 192}),
}


def made(graph: Graph, target: Target) -> tuple[Graph, Plan, Program, Bundle]:
    computed, _, plan, _ = plan_network(with_states_in_place(graph), target, Options())
    program = stage(computed, plan, target, graph.name)
    return computed, plan, program, print_bundle(program, plan, computed, "0" * 64)


@pytest.mark.parametrize("memory", TARGETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_interpreter_computes_what_the_definitions_say(name: str, memory: str):
    graph = NETWORKS[name]
    computed, _, program, _ = made(graph, TARGETS[memory])
    batch = random_batch(graph, 6, seed=1)
    wanted = evaluate_in_turn(graph, batch)
    found = interpret_in_turn(program, computed, batch)
    for ours, theirs in zip(wanted, found, strict=True):
        for before, after in zip(graph.outputs, computed.outputs, strict=True):
            np.testing.assert_array_equal(theirs.outputs[after], ours[before])


@pytest.mark.parametrize("memory", ["one memory", "near and far"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_c_computes_the_same_twice_after_a_reset(name: str, memory: str):
    graph, target = NETWORKS[name], TARGETS[memory]
    computed, _, program, bundle = made(graph, target)
    batch = random_batch(graph, 5, seed=2)
    options = HostOptions(3, sanitizes=True)
    result = run_bundle(bundle, program, target.toolchain, batch, options)
    assert result.runs_identical
    for index, values in enumerate(evaluate_in_turn(graph, batch)):
        for before, after in zip(graph.results, computed.results, strict=True):
            np.testing.assert_array_equal(result.outputs[after][index], values[before])


@needs_board
def test_a_board_computes_the_same():
    graph, target = rnn(5), load_target("cortex-m4")
    computed, _, program, bundle = made(graph, target)
    batch = random_batch(graph, 4, seed=3)
    result = run_bundle(bundle, program, target.toolchain, batch, HostOptions(2))
    assert result.runs_identical
    for index, values in enumerate(evaluate_in_turn(graph, batch)):
        (before,), (after,) = graph.results, computed.results
        np.testing.assert_array_equal(result.outputs[after][index], values[before])


def test_runs_differ_where_the_state_does():
    values = evaluate_in_turn(rnn(), random_batch(rnn(), 3, seed=1))
    assert values[0]["h"].tobytes() != values[1]["h"].tobytes()


def test_what_makes_a_state_writes_it_where_nobody_needs_the_old_one():
    computed = with_states_in_place(rnn())
    assert [node.name for node in computed.nodes] == ["join", "cell", "head", "h.keep"]
    copied = with_states_in_place(NETWORKS["accumulator"])
    assert [n.name for n in copied.nodes] == ["cell", "join", "head", "h.keep.copy", "h.keep"]


def test_states_come_first_in_the_arena_and_are_declared():
    _, plan, program, bundle = made(NETWORKS["swapped"], TARGETS["one memory"])
    assert [(s.name, s.place.offset) for s in program.states] == [("a", 0), ("b", 4), ("c", 8)]
    assert plan.arena_bytes["ram"] >= 12
    header = bundle.files["swapped.h"]
    assert "int tw_swapped_reset(void *arena);" in header
    assert "} tw_swapped_states;" in header
    assert "tw_swapped_states_in" in header
    assert "_reset" not in made(replace(rnn(), states=()), TARGETS["one memory"])[3].files["rnn.h"]


def test_the_states_of_a_constant_byte_need_no_constant():
    assert not [n for n in made(rnn(), TARGETS["one memory"])[2].constants if "initial" in n]
    constants = made(rnn(5), TARGETS["one memory"])[2].constants
    np.testing.assert_array_equal(constants["h.initial"], np.arange(5, 21, dtype=np.int8)[None])


def test_a_program_that_reads_an_old_state_too_late_is_refused():
    graph, target = NETWORKS["accumulator"], TARGETS["one memory"]
    computed, _, program, _ = made(graph, target)
    check_program(program, computed, target)
    names = [layer.calls[0].node.name for layer in program.layers]
    copy, join = names.index("h.keep.copy"), names.index("join")
    assert join < copy
    layers = [*program.layers]
    layers.insert(join, layers.pop(copy))
    with pytest.raises(PlanError, match=r"join \(Concat\) reads h at ram"):
        check_program(replace(program, layers=tuple(layers)), computed, target)


def test_a_program_that_leaves_a_state_as_it_was_is_refused():
    computed, _, program, _ = made(rnn(), TARGETS["one memory"])
    (state,) = program.states
    stale = replace(state, after=state.operand.value.name)
    wrong = replace(program, states=(stale,))
    with pytest.raises(PlanError, match="the network ends with state h at ram"):
        check_program(wrong, computed, TARGETS["one memory"])


def test_a_program_may_store_states_and_set_them_again(tmp_path):
    """Two streams take turns on one arena: each finds its own state again."""
    graph, target = rnn(), TARGETS["one memory"]
    _, _, _, bundle = made(graph, target)
    bundle.write_to(tmp_path / "net")
    (tmp_path / "main.c").write_text(TWO_STREAMS)
    sources = [str(tmp_path / "net" / path) for path in bundle.sources]
    command = ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path / 'net'}"]
    program = str(tmp_path / "main")
    subprocess.run([*command, str(tmp_path / "main.c"), *sources, "-o", program], check=True)
    subprocess.run([program], check=True)


TWO_STREAMS = """
#include <string.h>

#include "rnn.h"

static _Alignas(TW_RNN_ARENA_ALIGN) uint8_t arena[TW_RNN_ARENA_BYTES];

static void run(int8_t x, int8_t *y) {
  int8_t *const inside = tw_rnn_x_in(arena);
  memset(inside, x, TW_RNN_X_SIZE);
  const tw_rnn_inputs in = {.x = inside};
  const tw_rnn_outputs out = {.head_y = y};
  tw_rnn_run(arena, &in, &out);
}

int main(void) {
  int8_t alone[2][4][TW_RNN_HEAD_Y_SIZE], mixed[2][4][TW_RNN_HEAD_Y_SIZE], kept[2][16];
  const tw_rnn_states states = tw_rnn_states_in(arena);
  for (int8_t stream = 0; stream < 2; ++stream) {
    tw_rnn_reset(arena);
    memcpy(kept[stream], states.h, sizeof kept[stream]);
    for (int8_t i = 0; i < 4; ++i) {
      run((int8_t)(50 * stream - 9 * i), alone[stream][i]);
    }
  }
  for (int8_t i = 0; i < 4; ++i) {
    for (int8_t stream = 0; stream < 2; ++stream) {
      memcpy(states.h, kept[stream], sizeof kept[stream]);
      run((int8_t)(50 * stream - 9 * i), mixed[stream][i]);
      memcpy(kept[stream], states.h, sizeof kept[stream]);
    }
  }
  return memcmp(alone, mixed, sizeof alone) != 0;
}
"""
