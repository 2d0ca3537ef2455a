"""Damaged files: compiled or refused in words, within 5 s and 1 GiB, whatever they claim."""

import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

import tilewright
from digits import MODEL
from tflite_models import Operator, Tensor, build, constant
from tilewright.fuzz import hostile
from tilewright.fuzz.damage import BYTES, WIRES, damaged
from tilewright.fuzz.network import draw_network


def test_damage_is_the_same_for_a_seed_and_changes_the_file() -> None:
    whole = draw_network(Random(4)).model.SerializeToString()
    made = [damaged(Random(n), whole, is_onnx=True) for n in range(60)]
    assert made == [damaged(Random(n), whole, is_onnx=True) for n in range(60)]
    assert sum(data == whole for data in made) < 6
    assert len(BYTES) + len(WIRES) > 18


def small_tflite(folder: Path) -> Path:
    """A reshape, a fully connected layer and a softmax."""
    weights = np.arange(-60, 60, dtype=np.int8).reshape(5, 24)
    tensors = [
        Tensor("x", "int8", (1, 2, 3, 4), (0.05,), (3,)),
        constant("shape", np.array([1, -1], np.int32)),
        Tensor("flat", "int8", (1, 24), (0.05,), (3,)),
        constant("w", weights, (0.02,)),
        Tensor("logits", "int8", (1, 5), (0.3,), (0,)),
        Tensor("y", "int8", (1, 5), (1 / 256,), (-128,)),
    ]
    operators = [
        Operator("RESHAPE", ["x", "shape"], "flat", "ReshapeOptions"),
        Operator("FULLY_CONNECTED", ["flat", "w"], "logits", "FullyConnectedOptions"),
        Operator("SOFTMAX", ["logits"], "y", "SoftmaxOptions", {"beta": 1.0}),
    ]
    path = folder / "small.tflite"
    path.write_bytes(build(tensors, operators, ["x"], ["y"]))
    return path


@pytest.mark.slow
def test_damaged_files_are_compiled_or_refused_in_words(tmp_path: Path) -> None:
    report = tilewright.fuzz_files([MODEL, small_tflite(tmp_path)], 400, 3, tmp_path / "findings")
    assert report.json()["findings"] == []
    assert report.counts["refused"] > 200
    assert report.counts["compiled"] > 10


def test_crash_hang_and_memory_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a process that answers like the worker, and ends in each of these ways."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE)
    real = hostile.subprocess.Popen

    def started(command, **options):
        return real([sys.executable, str(script), *command[3:]], **options)

    monkeypatch.setattr(hostile.subprocess, "Popen", started)
    monkeypatch.setattr(hostile, "SLOW_START", 1.0)
    monkeypatch.setattr(hostile, "MOST_SECONDS", 1.0)
    report = tilewright.fuzz_files([], 4, 3, tmp_path / "findings")
    assert [found.kind for found in report.findings] == ["crash", "hang", "memory", "crash"]
    assert all(Path(found.reproducer).is_file() for found in report.findings)
    with pytest.raises(tilewright.TilewrightError, match=r"nothing\.onnx: cannot be read"):
        tilewright.fuzz_files([tmp_path / "nothing.onnx"], 1)


FAKE = """
import json, sys, time
for line in sys.stdin:
    number = int(json.loads(line).rpartition("_")[2].partition(".")[0])
    if number == 0:
        sys.exit(3)
    if number == 1:
        while True: pass
    peak = 1 << 40 if number == 2 else 0
    print(json.dumps({"end": "crash", "text": "KeyError: 7", "peak": peak}), flush=True)
"""
