"""What quantisation costs, on a seeded model and on public ones."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import llm_files
from llm_files import SHARED
from tilewright.api_evaluate import Texts, evaluate_model
from tilewright.cli.main import main
from tilewright.errors import CapacityError, OptionError
from tilewright.ir.types import Array
from tilewright.llm.balance import balanced
from tilewright.llm.budget import widths_within
from tilewright.llm.build import decode_graph
from tilewright.llm.calibrate import measured_on_itself, sampled_texts
from tilewright.llm.formats.checkpoint import read_checkpoint
from tilewright.llm.forward import Cache, forward
from tilewright.llm.quantise import quantised_llama
from tilewright.llm.rounding import compensated_groups, compensated_rows
from tilewright.llm.score import scored, surprise
from tilewright.llm.widths import constant_bytes, same_widths
from tiny_llama import UNTIED, tiny_llama

needs_stories = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/models is not there")


def test_balancing_moves_factors_and_changes_no_logit():
    for llama in (tiny_llama(), tiny_llama(UNTIED)):
        seen = measured_on_itself(llama, 4, 32)
        text = sampled_texts(llama, 1, 32, seed=3)
        other, moved = balanced(llama, seen)
        np.testing.assert_allclose(forward(other, text)[0], forward(llama, text)[0], atol=2e-5)
        again = measured_on_itself(other, 4, 32)
        for at, peaks in again.peaks.items():
            np.testing.assert_allclose(moved.peaks[at], peaks, rtol=1e-3, atol=1e-4)
        for centre, known in zip(moved.centres, again.centres, strict=True):
            np.testing.assert_allclose(centre, known, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("bits", [8, 6, 4])
def test_compensated_rounding_loses_less_than_nearest_on_inputs_that_depend_on_each_other(bits):
    rng = np.random.default_rng(bits)
    inputs = rng.standard_normal((400, 6)) @ rng.standard_normal((6, 24))
    inputs += 0.1 * rng.standard_normal(inputs.shape)
    weights = rng.standard_normal((9, 24)).astype(np.float32)
    rows = compensated_rows(weights, inputs.T @ inputs / 400, bits)
    most = 2 ** (bits - 1) - 1
    assert np.abs(rows.w.astype(int)).max() <= most

    def error(w: Array) -> float:
        return float(((inputs @ (w * rows.scale[:, None] - weights).T) ** 2).mean())

    nearest = np.clip(np.rint(weights / rows.scale[:, None]), -most, most)
    assert error(rows.w) < 0.6 * error(nearest)


def test_groups_of_weights_lie_on_grids_of_their_own_and_lose_less_than_rows():
    rng = np.random.default_rng(8)
    inputs = rng.standard_normal((400, 70))
    moments = inputs.T @ inputs / 400
    spread = np.exp(rng.standard_normal((9, 3))).repeat([32, 32, 6], axis=1)
    weights = (rng.standard_normal((9, 70)) * spread).astype(np.float32)
    rows, groups = compensated_rows(weights, moments, 4), compensated_groups(weights, moments, 4)
    for w in groups.w[0, :32], groups.w[4, 32:64], groups.w[8, 64:]:
        step = np.gcd.reduce(w.astype(int))
        assert np.abs(w // step).max() <= 7

    def error(w: Array, scale: Array) -> float:
        return float(((inputs @ (w * scale[:, None] - weights).T) ** 2).mean())

    assert error(groups.w, groups.scale) < 0.7 * error(rows.w, rows.scale)


def test_the_command_prints_what_integers_lose(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    llama, model, tokens = tiny_llama(), tmp_path / "tiny.bin", tmp_path / "tokens.npz"
    model.write_bytes(llm_files.llama2c_v0(llama))
    np.savez(tokens, tokens=sampled_texts(llama, 3, 32, seed=11))
    command = ["evaluate", str(model), "--tokens", str(tokens)]
    assert main([*command, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [*said] == ["perplexity_float", "perplexity", "top1", "layers"]
    assert abs(said["perplexity"] / said["perplexity_float"] - 1) < 0.03
    assert [layer["layer"] for layer in said["layers"]] == [0, 1]
    assert main([*command, "--weights", "W4"]) == 0
    assert "weights of 4 bits" in capsys.readouterr().out
    coarse = evaluate_model(model, Texts(tokens=tokens), bits=3)
    assert coarse.score.perplexity > said["perplexity"]
    assert min(loss.error for loss in coarse.losses) > said["layers"][0]["error"]


def test_a_budget_is_kept_where_it_costs_least():
    llama = tiny_llama()
    seen = measured_on_itself(llama, 4, 32)
    shape = llama.shape
    sizes = [constant_bytes(shape, same_widths(shape.layers, bits)) for bits in (8, 6, 4)]
    for bits, size in zip((8, 6, 4), sizes, strict=True):
        constants = decode_graph(quantised_llama(llama, seen, bits)).constants.values()
        assert sum(array.nbytes for array in constants) == size
    budgets = np.linspace(sizes[0], sizes[2], 6).astype(int).tolist()
    choices = [widths_within(llama, seen, budget) for budget in budgets]
    assert choices[0].widths == same_widths(2, 8)
    assert choices[-1].widths == same_widths(2, 4)
    for budget, choice in zip(budgets, choices, strict=True):
        constants = decode_graph(quantised_llama(llama, seen, choice.widths)).constants.values()
        assert sum(array.nbytes for array in constants) == choice.size <= budget
    losses = [choice.loss for choice in choices[1:]]
    assert losses == sorted(losses)
    middle = widths_within(llama, seen, sizes[1])
    text = sampled_texts(llama, 4, 32, seed=5)
    mixed, coarse = (
        scored(llama, quantised_llama(llama, seen, widths), [*text]).increase
        for widths in (middle.widths, choices[-1].widths)
    )
    assert mixed < coarse
    with pytest.raises(CapacityError, match="with 4 bits everywhere"):
        widths_within(llama, seen, sizes[2] - 1)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (np.zeros((2, 49), np.int32), "texts of 49 tokens; tiny takes 2 to 48"),
        (np.zeros((2, 1), np.int32), "texts of 1 tokens"),
        (np.full((2, 9), 50), "from 50 to 50; the vocabulary of tiny has 0 to 49"),
        (np.zeros((2, 9), np.float32), "float32[2, 9]; integers [texts, length] are wanted"),
        (np.zeros(9, np.int32), "int32[9]; integers [texts, length] are wanted"),
        (None, "no array 'tokens' in it, but other"),
    ],
)
def test_tokens_that_do_not_fit_are_refused_in_words(tmp_path: Path, tokens: Array, message: str):
    model, file = tmp_path / "tiny.bin", tmp_path / "tokens.npz"
    model.write_bytes(llm_files.llama2c_v0(tiny_llama()))
    np.savez(file, **({"other": np.zeros(3)} if tokens is None else {"tokens": tokens}))
    with pytest.raises(OptionError) as error:
        evaluate_model(model, Texts(tokens=file))
    assert message in str(error.value)


def test_tokens_or_a_text_are_wanted(tmp_path: Path):
    model = tmp_path / "tiny.bin"
    model.write_bytes(llm_files.llama2c_v0(tiny_llama()))
    with pytest.raises(OptionError, match=r"--tokens FILE.npz or --text FILE, one of the two"):
        evaluate_model(model, Texts())


@needs_stories
def test_the_float_model_says_what_the_reference_says():
    llama = read_checkpoint(SHARED / "stories260K.bin")
    stored = np.load(SHARED / "eval_260K.npz")
    greedy, cache = stored["greedy"], Cache.empty(llama.shape, 1)
    for token, following in pairwise(greedy):
        logits, cache = forward(llama, np.array([[token]]), cache)
        assert int(logits[0, 0].argmax()) == following
    text = stored["tokens"][0]
    logits = forward(llama, text[None])[0][0]
    assert abs(surprise(logits, text) - float(stored["float_nll"][0].sum())) < 1e-4 * len(text)


@needs_stories
@pytest.mark.parametrize(("bits", "most"), [(8, 0.010), (6, 0.018), (4, 0.09)])
def test_a_public_model_loses_little(tmp_path: Path, bits: int, most: float):
    tokens = np.load(SHARED / "eval_260K.npz")["tokens"][:6]
    np.savez(tmp_path / "tokens.npz", tokens=tokens)
    said = evaluate_model(SHARED / "stories260K.bin", Texts(tmp_path / "tokens.npz"), bits)
    assert said.score.increase < most
    assert said.score.top1 > {8: 0.95, 6: 0.93, 4: 0.8}[bits]
