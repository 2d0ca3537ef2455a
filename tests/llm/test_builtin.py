"""Language models that the compiler brings along: known shapes, drawn weights, one file each."""

from pathlib import Path

import numpy as np
import pytest

from tilewright.api_language import inspect_checkpoint
from tilewright.api_models import write_model
from tilewright.builders.llama import LLAMAS, drawn_llama
from tilewright.llm.formats.checkpoint import read_checkpoint
from tilewright.talking import read_model

PARAMETERS = {"tinyllama-v0": 4_621_376, "tw-4.2m": 4_200_240}
MACS = {"tinyllama-v0": 2_703_360, "tw-4.2m": 4_565_760}
"""Per token with 128 in the cache, as counted by hand."""


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_built_in_model_is_read_as_it_was_drawn(tmp_path: Path, name: str):
    path = tmp_path / "model"  # what it is says its content, not its name
    report = write_model(name, path, seed=3)
    assert (report.tokens, report.layers) == (LLAMAS[name].context, LLAMAS[name].layers)
    found, drawn = read_checkpoint(path), drawn_llama(name, LLAMAS[name], np.random.default_rng(3))
    assert found.shape == drawn.shape
    for index, layer in enumerate(found.layers):
        for (_, ours), (_, theirs) in zip(
            layer.tensors(), drawn.layers[index].tensors(), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=2**-11, atol=2**-24)
    np.testing.assert_allclose(found.head, drawn.head, rtol=2**-11, atol=2**-24)
    said = inspect_checkpoint(path)
    assert said.parameters == PARAMETERS[name]
    assert said.token_macs + 128 * said.attention_macs == MACS[name]


def test_it_brings_a_vocabulary_and_any_length(tmp_path: Path):
    first, second, other = (tmp_path / f"{n}.gguf" for n in "abc")
    write_model("tw-4.2m", first, sequence=40, layers=1)
    write_model("tw-4.2m", second, sequence=40, layers=1)
    write_model("tw-4.2m", other, sequence=40, layers=1, seed=1)
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()
    llama, words = read_model(first, None, None)
    assert (llama.shape.context, llama.shape.layers) == (40, 1)
    text = "once upon a time, né 日本\n"
    tokens = words.encode(text)
    assert words.decode(tokens[1:]).decode() == text
    assert len(tokens) < len(text.encode())  # pieces of several letters are in use
