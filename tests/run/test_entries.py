"""Networks with several entries and arguments: definition, interpreter and C agree everywhere."""

import subprocess
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from fictional import KIB, chip
from stateful import rnn, value
from tied import tied
from tilewright.backend.fit_numbers import fitted
from tilewright.backend.parametric import parametric, points
from tilewright.check.entries import check_entries
from tilewright.check.memory import PlanError
from tilewright.errors import OptionError, UnsupportedError
from tilewright.ir.graph import Contract, Graph, GraphBuilder, State
from tilewright.ir.index import Affine, Argument
from tilewright.ir.network import Network
from tilewright.midend.bounded import ranges_of
from tilewright.midend.states import with_states_in_place
from tilewright.networks import NetworkCompilation, compile_network
from tilewright.ops.state import Put, Valid
from tilewright.pipeline import load_target, with_memory
from tilewright.run.clock import time_program
from tilewright.run.turns import Turn, evaluate_turns, interpret_turns, run_turns
from toy_decoder import CHUNK, CONTEXT, END, ROWS, WORDS, decode, decoder, prompt

MEMORIES = {"one memory": {}, "near and far": {"L2": 4096, "L1": 1200}}
CHIP = "a controller, cores and an NPU, four memories"
WORD = np.random.default_rng(3).integers(0, WORDS, 64).astype(np.int32)


@cache
def compiled(memory: str) -> NetworkCompilation:
    if memory == CHIP:
        return compile_network(decoder(), chip(l1=2 * KIB, l2=16 * KIB))
    return compile_network(decoder(), with_memory(load_target("host"), MEMORIES[memory]))


def step(end: int, text: int = 0) -> Turn:
    """Decode word number ``end`` of a text."""
    return Turn("decode", {"word": WORD[text + end - 1 : text + end]}, {"end": end})


def chunk(rows: int, end: int, text: int = 0) -> Turn:
    """Words end - rows .. end of a text as a prompt."""
    words = WORD[text + end - rows : text + end - rows + CHUNK]
    return Turn("prompt", {"words": words}, {"end": end, "rows": rows})


EVERY_LENGTH = [
    *(step(end) for end in range(1, CONTEXT + 1)),
    Turn(None),
    # Again without a reset: rows of the old text lie behind the new ones, and nobody reads them.
    *(step(end, 20) for end in range(1, CONTEXT + 1)),
    *(step(end, 40) for end in range(1, 4)),
]
EVERY_CHUNK = [
    turn
    for rows in range(1, CHUNK + 1)
    for end in range(rows, CONTEXT + 1)
    for turn in (chunk(rows, end, 10), step(min(end + 1, CONTEXT), 10))
]


@pytest.mark.parametrize("memory", [*MEMORIES, CHIP])
@pytest.mark.parametrize("turns", [EVERY_LENGTH, EVERY_CHUNK], ids=["lengths", "chunks"])
def test_definition_interpreter_and_c_agree_at_every_value(turns: list[Turn], memory: str):
    made = compiled(memory)
    wanted = evaluate_turns(made.callees, turns)
    planned = interpret_turns(made.callees, turns)
    generated = run_turns(made.bundle, made.callees, turns, runs=3)
    assert len(wanted) == sum(turn.entry is not None for turn in turns)
    for ours, theirs, c in zip(wanted, planned, generated, strict=True):
        for name, array in ours.items():
            np.testing.assert_array_equal(theirs[name], array)
            np.testing.assert_array_equal(c[name], array)


def test_a_prompt_in_any_chunks_leaves_what_single_words_leave():
    callees = compiled("one memory").callees
    last = evaluate_turns(callees, [step(end) for end in range(1, 8)])[-1]
    for sizes in ((3, 3), (1, 2, 3), (2, 2, 2), (1, 1, 1, 1, 1, 1)):
        ends = np.cumsum(sizes)
        turns = [chunk(rows, int(end)) for rows, end in zip(sizes, ends, strict=True)]
        np.testing.assert_array_equal(
            evaluate_turns(callees, [*turns, step(7)])[-1]["head.y"], last["head.y"]
        )


def test_an_old_text_behind_the_new_one_changes_nothing():
    callees = compiled("one memory").callees
    again = evaluate_turns(callees, EVERY_LENGTH)
    fresh = evaluate_turns(callees, [step(end, 40) for end in range(1, 4)])
    for ours, theirs in zip(again[-3:], fresh, strict=True):
        np.testing.assert_array_equal(ours["head.y"], theirs["head.y"])


def test_nothing_is_computed_or_moved_for_absent_words():
    made = compiled("near and far")
    costs = []
    for end in range(1, CONTEXT + 1):
        _, _, program = made.callees["decode"].at({"end": end})
        timing = time_program(program)
        costs.append((timing.cycles, timing.moved))
        scores, mix = (c for c in program.calls if c.node.name in ("scores", "mix"))
        assert scores.output.value.type.shape == (1, end)
        assert mix.signature.inputs[1].shape == (end, 8)
    assert [b[1] - a[1] for a, b in pairwise(costs)] == [2 * 8] * 6
    assert all(b[0] > a[0] for a, b in pairwise(costs))


def test_new_rows_are_made_in_the_cache():
    made = compiled("one memory")
    assert "Copy" not in {type(c.node.op).__name__ for c in made.entries["decode"].program.calls}
    text = made.bundle.files["toy_decode.c"]
    assert "base + TOY_DECODE_AT_KEY + (8 * end - 8))" in text
    assert ".columns = end," in text
    assert ".depth = end," in text


def test_entries_share_states_constants_kernels_and_the_arena():
    made = compiled("one memory")
    one, other = (entry.program for entry in made.entries.values())
    assert one.arena_bytes == other.arena_bytes
    sizes = [entry.plan.arena_bytes["ram"] for entry in made.entries.values()]
    assert one.arena_bytes["ram"] == max(sizes) < sum(sizes)
    places = [[(s.name, s.place.offset) for s in p.states] for p in (one, other)]
    assert places == [[("k", 0), ("v", 56)]] * 2
    header, weights = (made.bundle.files[name] for name in ("toy.h", "toy_weights.c"))
    assert "int tw_toy_reset(void *arena);" in header
    assert "int tw_toy_decode(" in header
    assert "int tw_toy_prompt(" in header
    # The embedding once, although two entries read it and the head of one of them, too.
    assert weights.count("s8[12x8]") == 1
    assert len([name for name in made.bundle.files if "dense_s8_half_even.c" in name]) == 1
    assert "toy_dense_s8_half_even" in made.bundle.files["toy_prompt.c"]


def test_arguments_beyond_their_range_are_refused_and_nothing_is_touched(tmp_path):
    made = compiled("one memory")
    made.bundle.write_to(tmp_path / "net")
    (tmp_path / "main.c").write_text(OUT_OF_RANGE)
    sources = [str(tmp_path / "net" / path) for path in made.bundle.sources]
    command = ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path / 'net'}"]
    program = str(tmp_path / "main")
    subprocess.run([*command, str(tmp_path / "main.c"), *sources, "-o", program], check=True)
    subprocess.run([program], check=True)


OUT_OF_RANGE = """
#include <string.h>

#include "toy.h"

static _Alignas(TW_TOY_ARENA_ALIGN) uint8_t arena[TW_TOY_ARENA_BYTES];
static uint8_t before[TW_TOY_ARENA_BYTES];

int main(void) {
  memset(arena, 7, sizeof arena);
  memcpy(before, arena, sizeof arena);
  const tw_toy_decode_inputs word = {.word = tw_toy_decode_word_in(arena)};
  const tw_toy_decode_outputs scores = tw_toy_decode_outputs_in(arena);
  const tw_toy_prompt_inputs words = {.words = tw_toy_prompt_words_in(arena)};
  const tw_toy_prompt_outputs out = tw_toy_prompt_outputs_in(arena);
  const int32_t ends[] = {0, -1, 8, INT32_MAX, INT32_MIN};
  for (int i = 0; i < 5; ++i) {
    if (tw_toy_decode(arena, &word, &scores, ends[i]) != 4 ||
        tw_toy_prompt(arena, &words, &out, ends[i], 1) != 4) {
      return 1;
    }
  }
  if (tw_toy_prompt(arena, &words, &out, 2, 3) != 4 || // three words that end as the second
      tw_toy_prompt(arena, &words, &out, 5, 0) != 4 ||
      tw_toy_prompt(arena, &words, &out, 5, 4) != 4 || tw_toy_decode(0, &word, &scores, 1) != 1) {
    return 2;
  }
  return memcmp(before, arena, sizeof arena) != 0 || tw_toy_decode(arena, &word, &scores, 1) != 0;
}
"""


def refused(turn: Turn) -> str:
    with pytest.raises(OptionError) as caught:
        evaluate_turns(compiled("one memory").callees, [turn])
    return str(caught.value)


def test_calls_that_make_no_sense_are_refused_in_words():
    assert refused(Turn("decod")) == "turn 0: no entry decod; there are prompt, decode"
    assert refused(step(8)) == "turn 0, decode: end is 8, it must be 1 .. 7"
    wrong = Turn("decode", {"word": WORD[:1]}, {"n": 3})
    assert refused(wrong) == "turn 0, decode: arguments n are given, it takes end"
    assert refused(Turn("decode", {}, {"end": 1})) == "turn 0, decode: no array for word"
    assert refused(replace(chunk(3, 4), arguments={"end": 2, "rows": 3})) == (
        "turn 0, prompt: end - rows is -1, it must be 0 .. 6"
    )


def bounded(count: Affine) -> Graph:
    """The toy's decode function with another number of words that it sees."""
    builder = GraphBuilder.of(decode())
    for index, node in enumerate(builder.nodes):
        if isinstance(node.op, Valid):
            builder.nodes[index] = replace(node, op=replace(node.op, count=count))
    return replace(decode(), nodes=tuple(builder.nodes))


def test_a_length_beyond_the_state_is_refused_in_words():
    with pytest.raises(UnsupportedError) as caught:
        ranges_of(bounded(END - 1))
    assert str(caught.value) == (
        "seen (Valid): end - 1 is 0 .. 6 where end is 1 .. 7; it must be 1 .. 7"
    )


def test_states_of_one_name_are_one_state():
    other = rnn()
    wrong = replace(other, states=(replace(other.states[0], name="k"),))
    with pytest.raises(OptionError, match=r"state k is s8\[7x8\] in entry a and s8\[1x16\] in"):
        Network.of("net", a=decode(), b=wrong)
    started = replace(rnn(5), states=tuple(replace(s, name="h") for s in rnn(5).states))
    with pytest.raises(OptionError, match="state h begins as one thing in entry a"):
        Network.of("net", a=rnn(), b=started)


def test_names_are_identifiers_and_there_is_an_entry():
    with pytest.raises(OptionError, match="my-net is no C identifier"):
        Network.of("my-net", a=rnn())
    with pytest.raises(OptionError, match="it has no entry"):
        Network.of("net")


def test_a_network_with_one_entry_has_the_interface_of_a_file():
    made = compile_network(Network.of("rnn", run=rnn()), load_target("host"))
    assert "int tw_rnn_run(void *arena" in made.bundle.files["rnn.h"]
    assert {"rnn.c", "rnn.h"} <= {*made.bundle.files}


def test_networks_that_have_nothing_in_common_share_one_arena():
    pair = Network.of("pair", words=tied(2), steps=rnn(5), other=rnn(5))
    made = compile_network(pair, load_target("host"))
    sizes = {name: entry.plan.arena_bytes["ram"] for name, entry in made.entries.items()}
    assert made.entries["words"].program.arena_bytes["ram"] == max(sizes.values())
    # Every entry leaves room for the state of others; equal layers have one array.
    names = [line for line in made.bundle.files["pair_weights.h"].splitlines() if "extern" in line]
    alone = compile_network(Network.of("rnn", run=rnn(5)), load_target("host"))
    rnn_names = alone.bundle.files["rnn_weights.h"].count("extern")
    words = compile_network(Network.of("w", run=tied(2)), load_target("host"))
    in_words = words.bundle.files["w_weights.h"].count("extern")
    assert len(names) == rnn_names + in_words - 1  # both have a table of 16 equal multipliers
    turns = []
    rng = np.random.default_rng(5)
    for _ in range(3):
        x = rng.integers(-128, 128, (1, 8)).astype(np.int8)
        turns += [
            Turn("steps", {"x": x}),
            Turn("words", {"words": WORD[:1]}),
            Turn("other", {"x": x}),
        ]
    wanted = evaluate_turns(made.callees, turns)
    for ours, c in zip(wanted, run_turns(made.bundle, made.callees, turns), strict=True):
        for name, array in ours.items():
            np.testing.assert_array_equal(c[name], array)


def test_plans_that_do_not_go_together_are_refused():
    made = compiled("one memory")
    plans = {name: (entry.graph, entry.plan) for name, entry in made.entries.items()}
    check_entries(plans)
    graph, plan = plans["decode"]
    names = {state.before: at for state, at in zip(graph.states, (56, 0), strict=True)}
    swapped = tuple(
        replace(b, offset=names.get(b.values[0], b.offset)) if b.values else b for b in plan.buffers
    )
    with pytest.raises(PlanError, match=r"state k lies at .* in entry prompt"):
        check_entries({**plans, "decode": (graph, replace(plan, buffers=swapped))})


def test_numbers_that_do_not_grow_evenly_are_refused_in_words():
    made = compiled("one memory")
    entry = made.entries["decode"]
    at = points([END])
    programs = [entry.at(values, made.target).program for values in at]
    wrong = programs[3].layers[4].calls[0]
    kernel = replace(wrong.kernel, items=lambda op, signature: signature.inputs[1].shape[0] ** 2)
    layers = [
        tuple(
            replace(layer, actions=tuple(replace(a, kernel=kernel) for a in layer.actions))
            if layer.calls[0].node.name == "scores"
            else layer
            for layer in program.layers
        )
        for program in programs
    ]
    changed = [replace(p, layers=of) for p, of in zip(programs, layers, strict=True)]
    with pytest.raises(
        UnsupportedError, match="work items is 49 where end = 7, which does not grow"
    ):
        parametric(changed, at, [END])


def test_affine_numbers_are_found_from_their_values():
    values = {(m, n): 3 + 2 * m + 5 * n + m * n for m in (1, 2, 3) for n in range(1, 8)}
    found = fitted([ROWS, END], values)
    assert str(found) == "end * rows + 5 * end + 2 * rows + 3"
    assert all(found.at({"rows": m, "end": n}) == value for (m, n), value in values.items())
    assert str(Argument("n", 5) * 4 - 4 - Argument("m", 2)) == "-m + 4 * n - 4"


def test_many_values_are_looked_at_where_something_may_change():
    large = points([Argument("a", 512), Argument("b", 36)])
    assert {tuple(p.values()) for p in large} >= {(512, 36), (1, 1), (511, 36), (256, 32)}
    assert len(points([Argument("a", 512)])) == 512


def test_a_growing_dimension_inside_others_is_refused_in_words():
    builder = GraphBuilder("inner", Contract.ONNX)
    x, cache = builder.input(value("x", 2, 1)), builder.input(value("cache", 2, 4))
    after = builder.node("put", Put(1, 3), (cache, x), value("after", 2, 4))
    builder.outputs.append(after)
    builder.states = [State("cache", cache, after)]
    with pytest.raises(UnsupportedError, match=r"axis 1\) before all others"):
        with_states_in_place(builder.build())


def test_both_entries_are_what_they_were_given_as():
    assert [a.name for a in prompt().arguments] == ["end", "rows"]
    assert [a.name for a in decode().arguments] == ["end"]
