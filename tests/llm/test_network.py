"""The network that a language model becomes: two entries, one cache, one meaning."""

import numpy as np
import pytest

from tilewright.ir.graph import Contract, Graph
from tilewright.ir.types import Array
from tilewright.llm.build import built_network, text_graph
from tilewright.llm.calibrate import measured_on_itself, sampled_texts
from tilewright.llm.integers import IntegerLlama
from tilewright.llm.quantise import quantised_llama
from tilewright.llm.score import evaluated, layer_losses, scored
from tiny_llama import TINY, UNTIED, tiny_llama

MODELS = {"tied": TINY, "untied": UNTIED}


def quantised(shape) -> IntegerLlama:
    llama = tiny_llama(shape)
    return quantised_llama(llama, measured_on_itself(llama, 4, 32))


def called(graph: Graph, values: dict[str, int], cache: dict[str, Array], given: Array) -> Array:
    """One run of an entry by definition; the cache goes on."""
    at = graph.at(values)
    known = {**at.constants, graph.given[0]: given}
    known |= {state.before: cache[state.name] for state in at.states}
    for node in at.nodes:
        known[node.output] = node.op.evaluate(*(known[name] for name in node.inputs))
    cache |= {state.name: known[state.after] for state in at.states}
    return known[at.results[0]][0]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("sizes", [(8, 1, 5, 8, 2), (1,) * 24, (3, 8, 8, 5)], ids=str)
def test_every_chunking_makes_the_same_bits(name: str, sizes: tuple[int, ...]):
    llama = quantised(MODELS[name])
    network = built_network(llama, chunk=8)
    text = np.random.default_rng(5).integers(0, llama.shape.vocabulary, 24).astype(np.int32)
    whole = evaluated(text_graph(llama, len(text)), text)
    decode = network.entries["decode"]
    cache = {state.name: decode.initial(state) for state in decode.states}
    end = 0
    for size in sizes:
        part, end = text[end : end + size], end + size
        if size == 1:
            logits = called(decode, {"end": end}, cache, part)
        else:
            padded = np.concatenate([part, np.full(8 - size, 7, np.int32)])
            prompt = network.entries["prompt"]
            logits = called(prompt, {"end": end, "rows": size}, cache, padded)
        np.testing.assert_array_equal(logits, whole[end - 1])


def test_entries_share_tables_and_say_their_contract():
    network = built_network(quantised(TINY), chunk=8)
    prompt, decode = network.entries["prompt"], network.entries["decode"]
    assert {graph.contract for graph in (prompt, decode)} == {Contract.LLM}
    assert prompt.constants.keys() == decode.constants.keys()
    assert [*decode.constants].count("embedding") == 1
    assert "logits.w" not in decode.constants  # the head is the embedding
    assert "logits.w" in built_network(quantised(UNTIED)).entries["decode"].constants
    assert network.states == ("k0", "k1", "v0", "v1")


def test_a_tiny_model_in_integers_stays_close_to_float():
    llama, integers = tiny_llama(), quantised(TINY)
    texts = sampled_texts(llama, 4, 32, seed=2024)
    score = scored(llama, integers, texts)
    assert abs(score.increase) < 0.02
    assert score.top1 > 0.9
    losses = layer_losses(llama, integers, texts[0])
    assert [loss.layer for loss in losses] == [0, 1]
    assert all(0 < loss.error < 0.03 for loss in losses)
