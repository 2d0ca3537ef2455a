"""Commands as a user types them: what they print, what they write, how they fail."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from digits import MODEL, compiled_digits, some_digits
from tilewright.cli import main
from tilewright.run import compiler

DIGITS = str(MODEL)

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, compiler.CANDIDATES)), reason="no C compiler: apt-get install gcc"
)

Capture = pytest.CaptureFixture[str]


def refused(capsys: Capture, *arguments: str) -> str:
    """The message of a command that ends with 2: no traceback, nothing on stdout."""
    try:
        code = main(arguments)
    except SystemExit as wrong_usage:
        code = wrong_usage.code
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


@needs_compiler
def test_run_prints_the_machine_interface_and_writes_outputs(
    capsys: Capture, tmp_path: Path
) -> None:
    np.savez(tmp_path / "in.npz", image=some_digits(3))
    arguments = ["--input", str(tmp_path / "in.npz"), "--output", str(tmp_path / "out.npz")]
    assert main(["run", DIGITS, "--target", "host", *arguments, "--repeat", "4", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1
    said = json.loads(captured.out)
    assert said.keys() == {
        "model", "target", "contract", "runs", "runs_identical", "macs", "memory", "count",
        "plan",
    }  # fmt: skip
    assert (said["model"], said["target"], said["contract"]) == (DIGITS, "host", "onnx")
    assert (said["runs"], said["runs_identical"]) == (4, True)
    assert said["macs"] == {
        "source": compiled_digits().source.macs,
        "compiled": compiled_digits().graph.macs,
    }
    assert said["memory"].keys() == {"ram", "flash"}
    for memory in said["memory"].values():
        assert memory.keys() == {"used", "size", "parts"}
        assert memory["size"] is None
        parts = {name: size for name, size in memory["parts"].items() if name != "stack"}
        assert memory["used"] == sum(parts.values()), "the host's stack is the process's"
        assert min(memory["parts"].values()) > 0
    assert {"arena"} <= said["memory"]["ram"]["parts"].keys() <= {"arena", "scratch", "stack"}
    assert {"weights"} <= said["memory"]["flash"]["parts"].keys() <= {"weights", "tables", "code"}
    assert main(["check", DIGITS, "--json"]) == 0
    for name, memory in json.loads(capsys.readouterr().out)["memory"].items():
        assert memory["parts"].items() <= said["memory"][name]["parts"].items()
    assert (said["count"]["unit"], said["count"]["total"]) == ("none", None)
    assert [layer.keys() for layer in said["count"]["layers"]] == [
        {"name", "op", "engine", "count", "planned", "macs"}
    ] * len(compiled_digits().program.calls)
    assert said["plan"] == {"cycles": said["count"]["planned"]}
    assert "energy_uj" not in said, "the host has no model of energy"
    with np.load(tmp_path / "out.npz") as written:
        assert written.files == ["probabilities"]
        assert written["probabilities"].shape == (3, 1, 10)
        assert written["probabilities"].dtype == np.int8


@needs_compiler
def test_run_without_input_takes_a_random_one_and_writes_the_graphs_own_shape(
    capsys: Capture, tmp_path: Path
) -> None:
    assert main(["run", DIGITS, "--output", str(tmp_path / "out.npz")]) == 0
    with np.load(tmp_path / "out.npz") as archive:
        assert archive["probabilities"].shape == (1, 10)
    said = capsys.readouterr().out
    assert "Output probabilities: int8[1, 10]" in said
    assert "All 2 runs gave the same bytes." in said
    assert os.listdir(tmp_path) == ["out.npz"]


def test_check_needs_no_compiler_and_says_how_many_bytes_are_missing(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["check", DIGITS, "--memory", "ram=256,flash=1MiB"]) == 2
    said = capsys.readouterr().out
    arena = sum(compiled_digits().plan.arena_bytes.values())
    assert "more than the 256 B that there are" in said
    assert f"with every step computed at once, {arena:,} B" in said
    assert "Alive in ram while" in said
    assert "no placement of these tensors needs less than" in said
    assert main(["check", DIGITS, "--memory", "ram=32KiB"]) == 0
    assert "It fits." in capsys.readouterr().out


@pytest.mark.parametrize("memory", ["ram=64", "flash=64"])
def test_a_memory_that_is_too_small_stops_a_compilation(
    capsys: Capture, tmp_path: Path, memory: str
) -> None:
    said = refused(capsys, "compile", DIGITS, "-o", str(tmp_path / "out"), "--memory", memory)
    name = memory.partition("=")[0]
    assert f"{name} of target" in said
    assert "more than" in said
    assert f"--memory {name}=" in said
    assert os.listdir(tmp_path) == []


def test_compile_writes_a_folder_and_says_what_is_in_it(capsys: Capture, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    assert main(["compile", DIGITS, "-o", str(folder), "--name", "net", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert sorted(said["files"]) == sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )
    assert "tw_net_run" in (folder / "net.h").read_text()
    assert main(["compile", DIGITS, "-o", str(folder), "--name", "net"]) == 0
    table = capsys.readouterr().out
    assert said["digest"][:16] in table
    assert "tw_net_run" in table


def test_compiling_twice_gives_the_same_digest(capsys: Capture, tmp_path: Path) -> None:
    digests = set[str]()
    for folder in ("a", "b"):
        assert main(["compile", DIGITS, "-o", str(tmp_path / folder), "--json"]) == 0
        digests.add(json.loads(capsys.readouterr().out)["digest"])
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("phase", "start"),
    [
        ("import", "graph "), ("simplify", "graph "), ("lower", "graph "), ("optimise", "graph "),
        ("plan", "plan for host"), ("program", "program digits_int8"),
    ],
)  # fmt: skip
def test_every_phase_can_be_dumped(capsys: Capture, phase: str, start: str) -> None:
    assert main(["compile", DIGITS, "--stop-after", phase, "--dump"]) == 0
    assert capsys.readouterr().out.startswith(start)


def test_inspect_lists_operators_totals_and_quantisation(capsys: Capture) -> None:
    assert main(["inspect", DIGITS]) == 0
    said = capsys.readouterr().out
    for word in ("stem", "DepthwiseConv2d", "image: s8[1x1x8x8], scale", "Every operator is"):
        assert word in said
    assert main(["inspect", DIGITS, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["macs"]["source"] == sum(row["macs"] for row in report["operators"])
    assert report["macs"]["compiled"] == compiled_digits().graph.macs
    assert report["unsupported"] == []


def test_explain_says_which_rules_applied_and_can_be_narrowed(capsys: Capture) -> None:
    assert main(["explain", DIGITS, "--json"]) == 0
    everything = json.loads(capsys.readouterr().out)
    assert everything["applied"]
    assert {choice["node"] for choice in everything["kernels"]} == {
        node.name for node in compiled_digits().graph.nodes
    }
    rule = everything["applied"][0]["rule"]
    assert main(["explain", DIGITS, "--rule", rule, "--json"]) == 0
    narrowed = json.loads(capsys.readouterr().out)
    assert {note["rule"] for note in narrowed["applied"] + narrowed["refused"]} == {rule}
    assert main(["explain", DIGITS, "--node", "down"]) == 0
    said = capsys.readouterr().out
    assert "cycles" in said
    assert "stem" not in said
    assert main(["explain", DIGITS, "--node", "nobody"]) == 0
    assert "no rule or node of that name" in capsys.readouterr().out


@needs_compiler
def test_verify_says_who_agrees_with_whom(capsys: Capture) -> None:
    assert main(["verify", DIGITS, "--samples", "1"]) == 0
    assert "They agree on one inference." in capsys.readouterr().out


def test_targets_and_doctor_print_tables_and_json(capsys: Capture) -> None:
    assert main(["targets"]) == 0
    assert "this machine" in capsys.readouterr().out
    assert main(["targets", "--json"]) == 0
    assert "host" in {t["name"] for t in json.loads(capsys.readouterr().out)["targets"]}
    assert main(["doctor"]) == 0
    assert "numpy" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["healthy"] is True


@pytest.mark.parametrize("text", ["", "\x1c\x00\x00\x00TFL3 and no more"])
def test_a_damaged_model_is_named(capsys: Capture, tmp_path: Path, text: str) -> None:
    for suffix in (".onnx", ".tflite"):
        path = tmp_path / f"broken{suffix}"
        path.write_text(text)
        assert "broken" in refused(capsys, "compile", str(path), "-o", str(tmp_path / "out"))
        assert os.listdir(tmp_path) == [path.name]
        path.unlink()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("inspect", "missing.onnx"), "missing.onnx: no such file"),
        (("inspect", __file__), "give a .tflite or .onnx file"),
        (("run", DIGITS, "--target", "toaster"), "--target toaster: not installed; there are "),
        (("run", DIGITS, "--contract", "decimal"), "--contract decimal: there are tflite, onnx,"),
        (("run", DIGITS, "--input", "missing.npz"), "missing.npz: no such file"),
        (("run", DIGITS, "--output", "/missing/out.npz"), "/missing/out.npz: cannot be written"),
        (("run", DIGITS, "--repeat", "0"), "'0' is no whole number of 1 or more"),
        (("check", DIGITS, "--memory", "ram=lots"), "'lots' is no size; write bytes (4096) or"),
        (("check", DIGITS, "--memory", "rom=4"), "target host has ram, flash, not rom"),
        (("check", DIGITS, "--memory", "L1=2000GB"), "--memory L1: 2,000,000,000,000 B; give 0 to"),
        (("compile", DIGITS), "no output folder; give one with -o FOLDER"),
        (("compile", DIGITS, "-o", "x", "--name", "4you"), "--name 4you: not a C identifier"),
        (("compile", DIGITS, "--stop-after", "lunch"), "--stop-after lunch: there are import,"),
        (("frobnicate",), "invalid choice: 'frobnicate'"),
    ],
)
def test_mistakes_are_explained(capsys: Capture, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(capsys, *arguments)


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(
    capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "out"):
        said = refused(capsys, "compile", DIGITS, "-o", str(folder))
        assert str(folder) in said
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_wrong_array_leaves_an_earlier_output_alone(capsys: Capture, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", image=np.zeros((1, 1, 9, 9), np.int8))
    (tmp_path / "out.npz").write_text("earlier")
    paths = ["--input", str(tmp_path / "in.npz"), "--output", str(tmp_path / "out.npz")]
    assert "has shape [1, 1, 9, 9], wanted [1, 1, 8, 8]" in refused(capsys, "run", DIGITS, *paths)
    assert (tmp_path / "out.npz").read_text() == "earlier"


def test_a_missing_compiler_ends_with_3(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler-here")
    compiler.find_compiler.cache_clear()
    try:
        assert main(["run", DIGITS]) == 3
    finally:
        compiler.find_compiler.cache_clear()
    assert "no-such-compiler-here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyError("layer"), 70, "this is a bug in tilewright"),
        (AssertionError("steps overlap"), 70, "AssertionError: steps overlap"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device", "out/net.c"), 2, "out/net.c: No space left"),
    ],
)
def test_what_nobody_foresaw_ends_in_words(
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    said: str,
) -> None:
    def fail(arguments: object) -> None:
        raise error

    monkeypatch.setattr("tilewright.cli.commands.run_command", fail)
    assert main(["targets"]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_debug_shows_the_traceback(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(arguments: object) -> None:
        raise KeyError("layer")

    monkeypatch.setattr("tilewright.cli.commands.run_command", fail)
    monkeypatch.setenv("TILEWRIGHT_DEBUG", "1")
    assert main(["targets"]) == 70
    assert "Traceback" in capsys.readouterr().err


def tilewright(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tilewright", *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, **variables},
    )  # fmt: skip


def test_help_needs_neither_numpy_nor_rich() -> None:
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tilewright", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "exit codes:" in listed.stdout
    imported = {line.rpartition("|")[2].strip() for line in listed.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"numpy", "rich", "onnx", "ortools", "tflite", "tilewright.pipeline"}


def test_a_pipe_gets_no_colours_and_a_closed_one_no_complaint() -> None:
    assert "\x1b" not in tilewright("targets").stdout
    process = subprocess.Popen(
        [sys.executable, "-m", "tilewright", "inspect", DIGITS],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141
