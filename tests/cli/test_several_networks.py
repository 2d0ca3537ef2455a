"""compile A B: several networks, one bundle, one arena."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx")

from onnx_models import Model, random_integers
from tilewright import Network, compile_network, write_network
from tilewright.cli.main import main
from tilewright.pipeline import load_target
from toy_decoder import decoder


def written(folder: Path, name: str, outputs: int) -> Path:
    """A dense layer over 16 inputs with seeded weights."""
    made = Model()
    made.input("x", (1, 16), np.int8)
    made.constant("w", random_integers(0, (16, outputs), np.int8))
    operands = made.dequantise("x", 0.02, 3, np.int8), made.dequantise("w", 0.01, 0, np.int8)
    made.quantise(made.node("MatMul", operands, "real"), 0.1, 0, np.int8, "y")
    path = folder / name
    path.write_bytes(made.proto({"y": np.int8}).SerializeToString())
    return path


def test_two_files_become_one_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    models = [str(written(tmp_path, "wake.onnx", 2)), str(written(tmp_path, "words.onnx", 9))]
    out = tmp_path / "out"
    assert main(["compile", *models, "--name", "speech", "-o", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [entry["function"] for entry in report["entries"]] == [
        "tw_speech_wake", "tw_speech_words",
    ]  # fmt: skip
    sizes = [entry["arena"]["ram"] for entry in report["entries"]]
    assert report["arena"]["ram"] == max(sizes)
    header = (out / "speech.h").read_text()
    assert "int tw_speech_wake(void *arena" in header
    assert "int tw_speech_words(void *arena" in header
    assert main(["compile", *models, "-o", str(out)]) == 0
    assert "tw_wake_wake, tw_wake_words" in capsys.readouterr().out.replace("\n", " ")


def test_files_of_one_name_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    models = [str(written(tmp_path / name, "net.onnx", 2)) for name in "ab"]
    assert main(["compile", *models, "-o", str(tmp_path / "out")]) == 2
    assert "net: two model files have this name" in capsys.readouterr().err


def test_what_is_for_one_network_is_refused_for_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    models = [str(written(tmp_path, name, 2)) for name in ("a.onnx", "b.onnx")]
    assert main(["compile", *models, "--project", str(tmp_path / "p")]) == 2
    assert "--project and --save-plan are for one network" in capsys.readouterr().err


def test_memory_that_all_entries_exceed_together_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    models = [str(written(tmp_path, name, n)) for name, n in (("a.onnx", 20), ("b.onnx", 30))]
    sizes = ["--target", "cortex-m4", "--memory", "flash=900", "-o", str(tmp_path / "out")]
    assert main(["compile", *models, *sizes]) == 2
    said = capsys.readouterr().err
    assert "flash of target 'cortex-m4': a needs" in said
    assert "leave an entry out, or give --memory flash=" in said


def test_costs_are_told_as_they_grow_with_an_argument(tmp_path: Path):
    report = write_network(compile_network(decoder(), load_target("host")), tmp_path / "toy")
    rows = {row.name: row for row in report.entries}
    assert rows["decode"].arguments == {"end": 7}
    assert rows["decode"].cycles[0] < rows["decode"].cycles[1]
    assert report.states == {"k": 56, "v": 56}
    assert (tmp_path / "toy" / "toy_decode.c").exists()
    assert isinstance(decoder(), Network)
