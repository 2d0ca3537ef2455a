"""The example network: what its page claims is what comes out."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tilewright.pipeline import Compilation, compile_model, load_target
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import match_inputs, read_arrays
from tilewright.run.judges.onnxruntime import OnnxRuntime

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples/digits"
STORED = json.loads((DIGITS / "accuracy.json").read_text())


@pytest.fixture(scope="module")
def compiled() -> Compilation:
    return compile_model(DIGITS / "digits_int8.onnx", load_target("host"))


def test_the_page_and_the_stored_accuracy_agree():
    page = (DIGITS / "README.md").read_text()
    images = STORED["held_out_images"]
    assert f"right of {images} held-out images" in page
    for key in ("onnxruntime_float32_correct", "onnxruntime_int8_correct"):
        assert f"| {STORED[key]} | {STORED[key] / images:.1%} |".replace("%", " %") in page


def test_the_page_counts_parameters_and_multiplications_right(compiled: Compilation):
    page = (DIGITS / "README.md").read_text()
    assert f"{compiled.source.macs:,} multiply-accumulates" in page.replace("\n", " ")


def test_onnx_runtime_reproduces_the_stored_accuracy():
    pytest.importorskip("onnxruntime", reason="the judge is not installed")
    judge = OnnxRuntime(DIGITS / "digits_int8.onnx")
    test = np.load(DIGITS / "digits_test.npz")
    found = [judge.outputs({"image": image})["probabilities"].argmax() for image in test["image"]]
    assert int((np.array(found) == test["label"]).sum()) == STORED["onnxruntime_int8_correct"]


def test_the_compiled_c_is_as_accurate_as_the_network_that_it_was_made_from(
    compiled: Compilation,
):
    arrays = read_arrays(DIGITS / "digits_test.npz")
    batch = match_inputs(compiled.source, arrays)
    result = run_on_host(
        compiled.bundle, compiled.program, compiled.target.toolchain, batch, HostOptions()
    )
    assert result.runs_identical
    (probabilities,) = result.outputs.values()
    found = probabilities.reshape(batch.inferences, -1).argmax(axis=1)
    correct = int((found == arrays["label"]).sum())
    assert abs(correct - STORED["onnxruntime_int8_correct"]) <= 2


def test_quantisation_costs_less_than_one_percent():
    lost = STORED["onnxruntime_float32_correct"] - STORED["onnxruntime_int8_correct"]
    assert lost <= 0.01 * STORED["held_out_images"]


@pytest.mark.slow
def test_training_anew_gives_a_network_as_good(tmp_path: Path):
    pytest.importorskip("sklearn", reason="scikit-learn brings the digits")
    for script in ("network.py", "train.py"):
        shutil.copy(DIGITS / script, tmp_path)
    subprocess.run([sys.executable, tmp_path / "train.py"], check=True, capture_output=True)
    again = json.loads((tmp_path / "accuracy.json").read_text())
    assert again["held_out_images"] == STORED["held_out_images"]
    assert again["onnxruntime_float32_correct"] > 0.97 * again["held_out_images"]
    assert again["onnxruntime_int8_correct"] > 0.97 * again["held_out_images"]
    assert (tmp_path / "digits_int8.onnx").stat().st_size < 50_000
