"""Constants in a binary file: linked, compared with what the C expects, the same network."""

import hashlib
import subprocess
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from digits import MODEL
from tilewright.backend.print_weights import HEAD, MAGIC, MOST_BYTES_AS_C, VERSION, Where
from tilewright.errors import MismatchError, OptionError
from tilewright.pipeline import Compilation, Options, compile_model, load_target
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import random_batch


@cache
def digits(weights: str) -> Compilation:
    return compile_model(MODEL, load_target("host"), Options(name="digits", weights=weights))


def test_the_c_of_constants_takes_at_most_three_characters_a_byte() -> None:
    compiled = digits("c")
    assert not compiled.bundle.blobs
    size = sum(array.nbytes for array in compiled.program.constants.values())
    printed = compiled.bundle.files["digits_weights.c"]
    comments = sum(len(line) for line in printed.splitlines() if line.startswith(("//", "const")))
    assert len(printed) - comments < 3 * size


def test_the_head_tells_format_size_and_hash_of_what_follows() -> None:
    blob = digits("blob").bundle.blobs["digits_weights.bin"]
    magic, version, size, digest = HEAD.unpack(blob[: HEAD.size])
    data = blob[HEAD.size :]
    assert (magic, version, size) == (MAGIC, VERSION, len(data))
    assert digest == hashlib.sha256(data).digest()


def test_the_c_has_the_hash_of_the_file() -> None:
    bundle = digits("blob").bundle
    head = np.frombuffer(bundle.blobs["digits_weights.bin"][: HEAD.size], "<u4")
    text = bundle.files["digits_weights.c"].replace("\n", "").replace(" ", "")
    assert ",".join(f"0x{word:08x}" for word in head) in text


def test_both_ways_compute_the_same_and_link_the_same_constants() -> None:
    results = {}
    for weights in ("c", "blob"):
        made = digits(weights)
        batch = random_batch(made.graph, 2, 7)
        options = HostOptions()
        results[weights] = run_on_host(
            made.bundle, made.program, made.target.toolchain, batch, options
        )
        assert "warning" not in results[weights].log
    for name, array in results["c"].outputs.items():
        assert np.array_equal(array, results["blob"].outputs[name])
    assert results["c"].linked is not None
    assert results["blob"].linked is not None
    assert results["c"].linked.constants == results["blob"].linked.constants
    assert results["blob"].linked.constants == digits("blob").bundle.symbols


@pytest.mark.parametrize("at", [0, 8, 16, 40])
def test_a_file_of_another_compilation_is_refused_when_the_network_runs(at: int) -> None:
    made = digits("blob")
    blob = bytearray(made.bundle.blobs["digits_weights.bin"])
    blob[at] ^= 1
    bundle = replace(made.bundle, blobs={"digits_weights.bin": bytes(blob)})
    with pytest.raises(MismatchError, match="3"):
        run_on_host(
            bundle, made.program, made.target.toolchain, random_batch(made.graph, 1, 7),
            HostOptions(),
        )  # fmt: skip


def test_the_bundle_names_its_binary_file_in_digest_and_folder(tmp_path) -> None:
    bundle = digits("blob").bundle
    bundle.write_to(tmp_path / "out")
    name, blob = next(iter(bundle.blobs.items()))
    assert (tmp_path / "out" / name).read_bytes() == blob
    other = replace(bundle, blobs={name: blob[:-1] + b"x"})
    assert other.digest() != bundle.digest()


@pytest.mark.parametrize("command", ["gcc", "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"])
def test_every_assembler_includes_it(command: str, tmp_path) -> None:
    try:
        subprocess.run([command, "--version"], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip(f"{command} is not installed")
    digits("blob").bundle.write_to(tmp_path)
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
    done = subprocess.run(
        [command, *strict, "-ffreestanding", "-c", "digits_weights.c", "-o", "w.o"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    blob = digits("blob").bundle.blobs["digits_weights.bin"]
    assert blob[HEAD.size : HEAD.size + 64] in (tmp_path / "w.o").read_bytes()


def test_there_are_three_ways() -> None:
    with pytest.raises(OptionError, match="--weights hex: there are auto, c, blob"):
        compile_model(MODEL, load_target("host"), Options(weights="hex"))


def test_large_networks_have_a_binary_file_without_being_asked() -> None:
    small, large = np.zeros(MOST_BYTES_AS_C, np.int8), np.zeros(1, np.int8)
    assert not Where.AUTO.is_blob([small])
    assert Where.AUTO.is_blob([small, large])
    assert not Where.C.is_blob([small, large])
    assert Where.BLOB.is_blob([large])
    assert not digits("auto").bundle.blobs
