"""The same weights are the same model, whichever format holds them."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

import llm_files
from llm_files import SHARED
from tilewright.errors import CompileError, ModelError, UnsupportedError
from tilewright.llm.formats.checkpoint import read_checkpoint
from tilewright.llm.formats.gguf_blocks import BLOCK_FORMATS
from tilewright.llm.model import Llama

needs_stories = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/models is not there")


def assert_same(found: Llama, expected: Llama, tolerance: float = 0.0) -> None:
    assert found.shape == expected.shape
    pairs = [(found.embedding, expected.embedding), (found.final_norm, expected.final_norm),
             (found.head, expected.head)]  # fmt: skip
    for ours, theirs in zip(found.layers, expected.layers, strict=True):
        pairs += [(getattr(ours, f.name), getattr(theirs, f.name)) for f in fields(ours)]
    for a, b in pairs:
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize("seed", range(6))
def test_every_format_gives_the_weights_that_were_written(tmp_path, seed):
    rng = np.random.default_rng(seed)
    llama = llm_files.drawn_llama(rng, llm_files.drawn_shape(rng, tied=seed % 2 == 0))
    written = {
        "v0.bin": llm_files.llama2c_v0(llama), "v1.bin": llm_files.llama2c_v1(llama),
        "v2.bin": llm_files.llama2c_v2(llama), "f32.gguf": llm_files.gguf(llama),
        "f16.gguf": llm_files.gguf(llama, 1), "bf16.gguf": llm_files.gguf(llama, 30),
    }  # fmt: skip
    for name, raw in written.items():
        (tmp_path / name).write_bytes(raw)
        assert_same(read_checkpoint(tmp_path / name), llama)
    for dtype in ("F32", "F16", "BF16"):
        assert_same(read_checkpoint(llm_files.hugging_face(llama, tmp_path / dtype, dtype)), llama)


def test_a_head_of_any_size_is_read(tmp_path):
    rng = np.random.default_rng(9)
    wide = replace(llm_files.drawn_shape(rng, tied=False), dim=10, heads=6, kv_heads=2, head_dim=6)
    llama = llm_files.drawn_llama(rng, wide)
    (tmp_path / "wide.gguf").write_bytes(llm_files.gguf(llama))
    assert_same(read_checkpoint(tmp_path / "wide.gguf"), llama)
    assert_same(read_checkpoint(llm_files.hugging_face(llama, tmp_path / "hf")), llama)


@needs_stories
def test_real_files_of_one_network_agree():
    """float16 keeps 11 bits, Q8_0 half a step of the largest of 32, Q4_0 half of a step of 16."""
    stories = read_checkpoint(SHARED / "stories260K.bin")
    assert_same(read_checkpoint(SHARED / "hf260K"), stories)
    largest = max(
        float(abs(getattr(layer, field.name)).max())
        for layer in (*stories.layers, stories)
        for field in fields(layer)
        if isinstance(getattr(layer, field.name), np.ndarray)
    )
    assert_same(read_checkpoint(SHARED / "gguf/s260K_F16.gguf"), stories, largest * 2**-11)
    for name in ("gguf/s260K_Q8_0.gguf", "stories260K_q8.bin"):
        assert_same(read_checkpoint(SHARED / name), stories, largest / 127)
    assert_same(read_checkpoint(SHARED / "gguf/s260K_Q4_0.gguf"), stories, largest / 8)
    assert read_checkpoint(SHARED / "stories3M-q80.bin").shape.dim == 192


def half(raw: bytes) -> np.float32:
    return np.float32(np.frombuffer(raw, "<f2")[0])


def expected_values(name: str, raw: bytes) -> list[np.float32]:
    """One value after the other, from the format's description."""
    match name:
        case "Q8_0":
            return [half(raw[:2]) * np.float32(np.int8(b - 256 * (b > 127))) for b in raw[2:]]
        case "Q4_0":
            packed = raw[2:]
            return [
                half(raw[:2]) * np.float32((packed[j % 16] >> (4 * (j >= 16)) & 15) - 8)
                for j in range(32)
            ]
        case "Q4_1":
            packed = raw[4:]
            return [
                half(raw[:2]) * np.float32(packed[j % 16] >> (4 * (j >= 16)) & 15) + half(raw[2:4])
                for j in range(32)
            ]
        case "Q5_0":
            packed, high = raw[6:], int.from_bytes(raw[2:6], "little")
            return [
                half(raw[:2])
                * np.float32((packed[j % 16] >> (4 * (j >= 16)) & 15) + 16 * (high >> j & 1) - 16)
                for j in range(32)
            ]
        case "Q4_K":
            return [q4_k_value(raw, index) for index in range(256)]
        case _:
            return [q6_k_value(raw, index) for index in range(256)]


def q4_k_value(raw: bytes, index: int) -> np.float32:
    j, s = index // 32, raw[4:16]
    if j < 4:
        scale, minimum = s[j] & 63, s[j + 4] & 63
    else:
        scale = (s[j + 4] & 15) + 16 * (s[j - 4] >> 6)
        minimum = (s[j + 4] >> 4) + 16 * (s[j] >> 6)
    q = raw[16 + 32 * (j // 2) + index % 32] >> (4 * (j % 2)) & 15
    slope, offset = half(raw[:2]) * np.float32(scale), half(raw[2:4]) * np.float32(minimum)
    return slope * np.float32(q) - offset


def q6_k_value(raw: bytes, index: int) -> np.float32:
    h, run, i = index // 128, index % 128 // 32, index % 32
    low = raw[64 * h + 32 * (run % 2) + i] >> (4 * (run // 2)) & 15
    high = raw[128 + 32 * h + i] >> (2 * run) & 3
    scale = np.int8(raw[192 + index // 16] - 256 * (raw[192 + index // 16] > 127))
    return half(raw[208:]) * np.float32(scale) * np.float32(low + 16 * high - 32)


@pytest.mark.parametrize("kind", [2, 3, 6, 8, 12, 14])
def test_blocks_of_gguf_are_decoded_as_their_descriptions_say(kind):
    form = BLOCK_FORMATS[kind]
    rng = np.random.default_rng(kind)
    blocks = rng.integers(0, 256, (12, form.size_bytes), np.uint8)
    for at in (0, 2) if form.name != "Q6_K" else (208,):
        scales = rng.normal(size=(12, 1)).astype("<f2")
        if at == 0 or form.name in ("Q4_1", "Q4_K", "Q6_K"):
            blocks[:, at : at + 2] = scales.view(np.uint8)
    found = form.decode(blocks)
    assert found.shape == (12, form.values)
    for block, values in zip(blocks, found, strict=True):
        assert values.tolist() == [float(v) for v in expected_values(form.name, block.tobytes())]


@pytest.fixture
def small():
    rng = np.random.default_rng(1)
    return llm_files.drawn_llama(rng, llm_files.drawn_shape(rng, tied=True))


def refusal(path) -> str:
    with pytest.raises((ModelError, UnsupportedError)) as caught:
        read_checkpoint(path)
    return str(caught.value)


def test_a_wrong_size_is_named_with_the_right_one(tmp_path, small):
    for name, write in (("a.bin", llm_files.llama2c_v1), ("b.bin", llm_files.llama2c_v2)):
        whole = write(small)
        (tmp_path / name).write_bytes(whole[:-3])
        words = refusal(tmp_path / name)
        assert f"{len(whole)} bytes" in words
        assert str(len(whole) - 3) in words
    whole = llm_files.llama2c_v0(small)
    (tmp_path / "c.bin").write_bytes(whole + b"more")
    assert str(len(whole)) in refusal(tmp_path / "c.bin")
    whole = llm_files.gguf(small)
    (tmp_path / "d.gguf").write_bytes(whole[: len(whole) // 2])
    assert f"the file has {len(whole) // 2} bytes" in refusal(tmp_path / "d.gguf")


def test_what_is_not_read_is_named(tmp_path, small):
    changes = {
        "model_type": ("mistral", "mistral"), "attention_bias": (True, "biases"),
        "rope_scaling": ({"type": "yarn", "factor": 2}, "yarn"), "hidden_act": ("gelu", "gelu"),
        "num_key_value_heads": (5, "cannot share"), "head_dim": (3, "even"),
        "vocab_size": (small.shape.vocabulary + 1, str(small.shape.vocabulary + 1)),
    }  # fmt: skip
    for key, (value, word) in changes.items():
        folder = llm_files.hugging_face(small, tmp_path / key)
        config = llm_files.hugging_face_config(small.shape) | {key: value}
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(CompileError) as caught:
            read_checkpoint(folder)
        assert word in str(caught.value)


def test_a_weight_that_is_no_number_is_named(tmp_path, small):
    small.layers[0].gate[1, 1] = np.nan
    (tmp_path / "a.bin").write_bytes(llm_files.llama2c_v1(small))
    assert "layer 0 gate has 1 values" in refusal(tmp_path / "a.bin")


def damaged(whole: bytes, seed: int, header: int) -> bytes:
    """Cut off, cut out, or with changed bytes, most of them in the header."""
    rng = np.random.default_rng(seed)
    data = bytearray(whole)
    match rng.integers(0, 6):
        case 0:
            del data[int(rng.integers(0, len(data))) :]
        case 1:
            start = int(rng.integers(0, len(data)))
            del data[start : start + int(rng.integers(1, 40))]
        case 2:
            at = 4 * int(rng.integers(0, header // 4))
            data[at : at + 4] = bytes([255, 255, 255, int(rng.choice([127, 255]))])
        case _:
            for at in rng.integers(0, header, int(rng.integers(1, 6))):
                data[at] = int(rng.integers(0, 256))
    return bytes(data)


@pytest.mark.parametrize("form", ["v0", "v1", "v2", "gguf", "safetensors", "config"])
def test_300_damaged_files_are_refused_in_words_or_read(tmp_path, small, form):
    """Nothing but a refusal comes out, and it names the file."""
    writers = {
        "v0": (llm_files.llama2c_v0, "m.bin", 28), "v1": (llm_files.llama2c_v1, "m.bin", 256),
        "v2": (llm_files.llama2c_v2, "m.bin", 256), "gguf": (llm_files.gguf, "m.gguf", 1500),
        "safetensors": (llm_files.safetensors, "hf/model.safetensors", 1500),
        "config": (lambda m: (tmp_path / "hf/config.json").read_bytes(), "hf/config.json", 300),
    }  # fmt: skip
    write, name, header = writers[form]
    llm_files.hugging_face(small, tmp_path / "hf")
    whole, path = write(small), tmp_path / name
    said: list[str] = []
    for seed in range(300):
        path.write_bytes(damaged(whole, seed, header))
        try:
            read_checkpoint(path.parent if path.parent.name == "hf" else path)
        except CompileError as error:
            said.append(str(error))
    assert len(said) > 100
    assert all(words.startswith((str(tmp_path), "m:", "hf:")) for words in said)
