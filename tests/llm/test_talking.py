"""Firmware that talks says what the definitions say, token by token, on every target."""

import json
import shutil
import subprocess
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import llm_files
from tilewright.api_language import GenerateSettings, generate, inspect_checkpoint
from tilewright.errors import CapacityError, CompileError, OptionError
from tilewright.ir.network import Network
from tilewright.ir.target import Target
from tilewright.llm.build import decode_graph, text_graph
from tilewright.llm.calibrate import measured_on_itself
from tilewright.llm.formats.tokenizer_files import read_tokenizer
from tilewright.llm.quantise import quantised_llama
from tilewright.llm.sampler import sample, seeded
from tilewright.llm.score import evaluated
from tilewright.networks import NetworkCompilation, compile_network
from tilewright.pipeline import Options, load_target
from tilewright.report.text import json_text
from tilewright.run.compiler import BASE_FLAGS, SANITIZE_FLAGS, build, find_compiler
from tilewright.run.glue import print_arenas
from tilewright.run.talk import TalkRequest, read_answer, talk_on_host, write_talk
from tilewright.talking import Talker, cache_bytes_per_token, compile_talker, read_model
from tiny_llama import TINY, tiny_llama

PIECES = llm_files.byte_vocabulary([" a", "in", " ain", "er", " er"])
QUICK = Options(effort="quick")


def tiny_talker(folder: Path, target: str = "host", drafts: int = 0, context: int = 24) -> Talker:
    (folder / "tokenizer.bin").write_bytes(llm_files.tokenizer_bin(PIECES))
    tokenizer = read_tokenizer(folder / "tokenizer.bin")
    llama = tiny_llama(replace(TINY, vocabulary=len(PIECES), context=context))
    return compile_talker(llama, tokenizer, load_target(target), QUICK, drafts=drafts)


def defined(talker: Talker, request: TalkRequest) -> tuple[int, ...]:
    """Tokens by the operators' definitions, one whole text after the other."""
    integers, tokenizer = talker.integers, talker.tokenizer
    text = tokenizer.encode(request.prompt)
    made: list[int] = []
    state = request.state
    while len(made) < request.tokens and len(text) <= integers.shape.context:
        graph = text_graph(integers, len(text))
        logits = evaluated(graph, np.array(text, np.int32))[-1]
        token, state = sample(logits, request.sampling, state)
        if token in (tokenizer.begin, tokenizer.end):
            break
        made.append(token)
        text.append(token)
    return tuple(made)


def requests(talker: Talker) -> list[TalkRequest]:
    return [
        TalkRequest(b"", 5, talker.sampling(0), seeded(0)),
        TalkRequest(b"rain in", 30, talker.sampling(0.8, 0.9, 40), seeded(7)),
        TalkRequest("né  a".encode(), 3, talker.sampling(2.0), seeded(5)),
    ]


def test_generated_c_says_what_the_definitions_say(tmp_path):
    find_compiler()
    talker = tiny_talker(tmp_path)
    programs = [entry.program for entry in talker.made.entries.values()]
    for request in requests(talker):
        said = talk_on_host(
            talker.bundle, programs, talker.target.toolchain, request, sanitizes=True
        )
        assert said.tokens == defined(talker, request)
        assert len(said.tokens) > 0
        assert len(said.ticks) == len(said.tokens)


def test_a_prompt_is_read_token_by_token_where_two_layouts_of_weights_do_not_fit(
    monkeypatch, tmp_path
):
    def compiled(network: Network, target: Target, options: Options) -> NetworkCompilation:
        if "prompt" in network.entries:
            raise CapacityError("too many constants")
        return compile_network(network, target, options)

    monkeypatch.setattr("tilewright.talking.compile_network", compiled)
    monkeypatch.setattr("tilewright.talking._sums_from", lambda target: 1 << 30)
    talker = tiny_talker(tmp_path)
    programs = [entry.program for entry in talker.made.entries.values()]
    assert [*talker.made.entries] == ["decode"]
    request = requests(talker)[1]
    said = talk_on_host(talker.bundle, programs, talker.target.toolchain, request, sanitizes=True)
    assert said.tokens == defined(talker, request)


def test_stories_in_a_row_know_nothing_of_each_other(tmp_path):
    talker = tiny_talker(tmp_path)
    programs = [entry.program for entry in talker.made.entries.values()]
    folder, several = tmp_path / "build", [*requests(talker), *requests(talker)]
    sources = write_talk(folder, talker.bundle, programs[0], print_arenas(programs[0], ""))
    main = files("tilewright.run").joinpath("harness", "talk_host.c").read_text()
    talks = " || ".join(["talk()"] * len(several))
    (folder / "main.c").write_text(main.replace("return talk()", f"return {talks}"))
    flags = [*BASE_FLAGS, *SANITIZE_FLAGS]
    build(find_compiler(), flags, folder, [*sources, folder / "main.c"], folder / "talk")
    packed = b"".join(request.packed() for request in several)
    done = subprocess.run(
        [folder / "talk"], input=packed, capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    raw = done.stdout
    for request in several:
        wanted = defined(talker, request)
        size = 12 * len(wanted) + 12  # token and ticks of each, then the end
        assert read_answer("tiny", raw[:size], "ns").tokens == wanted
        raw = raw[size:]
    assert not raw


def test_drafts_change_no_token_and_save_calls(tmp_path):
    talker = tiny_talker(tmp_path, drafts=3, context=48)
    programs = [entry.program for entry in talker.made.entries.values()]
    wanted = [
        TalkRequest(b"rain", 48, talker.sampling(0), seeded(0)),
        *requests(talker),
    ]
    calls, tokens = 0, 0
    for request in wanted:
        said = talk_on_host(
            talker.bundle, programs, talker.target.toolchain, request, sanitizes=True
        )
        assert said.tokens == defined(talker, request)
        assert said.calls <= len(said.tokens)  # one more than needed where the model ends a text
        calls, tokens = calls + said.calls, tokens + len(said.tokens)
    assert calls < tokens - len(wanted)  # some candidate was right


def test_a_prompt_longer_than_the_context_is_refused(tmp_path):
    talker = tiny_talker(tmp_path)
    with pytest.raises(OptionError, match="more tokens than the context"):
        talker.say(TalkRequest(b"x" * 100, 5, talker.sampling(0), 1))
    with pytest.raises(OptionError, match="5000 bytes, at most 4096"):
        talker.say(TalkRequest(b"x" * 5000, 5, talker.sampling(0), 1))


def test_models_and_tokenizers_that_do_not_fit_are_refused(tmp_path):
    rng = np.random.default_rng(1)
    llama = llm_files.drawn_llama(rng, llm_files.drawn_shape(rng, tied=True))
    (tmp_path / "m.bin").write_bytes(llm_files.llama2c_v1(llama))
    with pytest.raises(CompileError, match="name the model's tokenizer with --tokenizer"):
        read_model(tmp_path / "m.bin", None, None)
    (tmp_path / "tokenizer.bin").write_bytes(llm_files.tokenizer_bin(PIECES))
    with pytest.raises(OptionError, match=f"{len(PIECES)} tokens"):
        read_model(tmp_path / "m.bin", None, None)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m7", "siracusa"])
def test_every_target_says_the_same(tmp_path, target):
    needed = {"siracusa": ("riscv64-unknown-elf-gcc",)}
    for tool in needed.get(target, ("arm-none-eabi-gcc", "qemu-system-arm")):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    talker = tiny_talker(tmp_path, target, drafts=2)
    request = requests(talker)[1]
    said = talker.say(request)
    assert said.tokens == defined(talker, request)
    assert min(said.ticks) > 0


@pytest.mark.slow
@pytest.mark.skipif(not llm_files.SHARED.is_dir(), reason="../shared/models is not there")
def test_stories_go_on_as_the_reference_does(tmp_path):
    """Greedy text of the float model: the first words of 8-bit weights are the same."""
    golden = (llm_files.SHARED / "golden_greedy_200.txt").read_text()
    settings = GenerateSettings(golden[:16], 12, temperature=0.0)
    report = generate(
        llm_files.SHARED / "stories260K.bin", "host", settings, QUICK,
        tokenizer=llm_files.SHARED / "tok512.bin", context=64,
    )  # fmt: skip
    assert golden.startswith(report.text)
    assert len(report.tokens) == 12
    assert json.loads(json_text(report))["cycles"]["unit"] == "nanoseconds"


def test_inspect_counts_what_a_model_has(tmp_path):
    rng = np.random.default_rng(2)
    llama = llm_files.drawn_llama(rng, llm_files.drawn_shape(rng, tied=False))
    (tmp_path / "m.bin").write_bytes(llm_files.llama2c_v1(llama))
    report = inspect_checkpoint(tmp_path / "m.bin")
    arrays = [array for layer in llama.layers for _, array in layer.tensors()]
    arrays += [llama.embedding, llama.head, llama.final_norm]
    assert report.parameters == sum(array.size for array in arrays)
    matrices = sum(array.size for array in arrays if array.ndim == 2)
    constants = decode_graph(quantised_llama(llama, measured_on_itself(llama, 2, 8))).constants
    assert report.weight_bytes[8] == sum(array.nbytes for array in constants.values())
    assert report.token_macs == matrices - llama.embedding.size
    talker = tiny_talker(tmp_path)
    states = talker.made.entries["decode"].program.states
    kept = sum(state.operand.value.type.nbytes for state in states)
    assert kept == 24 * cache_bytes_per_token(talker.integers.shape)
    assert {row.target for row in report.fits} >= {"host", "cortex-m55", "siracusa"}
