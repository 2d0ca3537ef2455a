"""``evaluate`` of a network: what it says is what happened, and wrong data are named."""

import json
from pathlib import Path

import numpy as np
import pytest

from digits import FOLDER, MODEL
from tilewright.api_accuracy import Judged, evaluate_network
from tilewright.cli import main
from tilewright.errors import OptionError
from tilewright.pipeline import import_graph
from tilewright.report.text import json_text
from tilewright.run.accuracy import noise_of
from tilewright.run.reals import in_reals, real_values

DATA = FOLDER / "digits_test.npz"
FLOAT = FOLDER / "digits_float.onnx"


def arrays() -> dict[str, np.ndarray]:
    with np.load(DATA) as archive:
        return {name: archive[name] for name in archive.files}


def test_the_shipped_network_is_as_right_as_its_record_says():
    known = json.loads((FOLDER / "accuracy.json").read_text())
    report = evaluate_network(MODEL, arrays())
    said = json.loads(json_text(report))
    assert said["inferences"] == known["held_out_images"]
    assert said["correct"] == known["onnxruntime_int8_correct"]
    assert sum(one["samples"] for one in said["classes"]) == said["inferences"]
    assert said["against"] == "float"
    assert said["compared"] == 16
    assert {layer["op"] for layer in said["layers"]} >= {"Conv2d", "Softmax"}
    assert all(layer["sqnr_db"] is None or layer["sqnr_db"] > 20 for layer in said["layers"])


def test_a_second_model_is_the_reference_and_labels_may_be_wrong():
    data = arrays()
    data["wrong"] = (data["label"] + 1) % 10
    judged = Judged(labels="wrong", reference=FLOAT, inferences=40)
    report = evaluate_network(MODEL, data, judged=judged)
    assert report.inferences == 40
    assert report.correct <= 2
    assert report.same_top >= 15
    assert report.against == str(FLOAT)
    (output,) = report.outputs
    assert 30 < output.sqnr_db < 90


def test_reals_are_the_float_network():
    """The same network, trained in float32: quantised weights are all that differs."""
    quantised, real = import_graph(MODEL), import_graph(FLOAT)
    for stored in arrays()["image"][:4]:
        image = in_reals(quantised.values[quantised.inputs[0]], stored)
        values = [real_values(g, {g.inputs[0]: image}) for g in (quantised, real)]
        outputs = [v[g.outputs[0]] for v, g in zip(values, (quantised, real), strict=True)]
        assert noise_of("y", "", [(outputs[0], outputs[1])]).sqnr_db > 25
        assert outputs[0].argmax() == outputs[1].argmax()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": np.zeros(3, np.int64)}, r"int64\[3\] for 450 inferences"),
        ({"label": np.full(450, 10)}, "labels from 10 to 10; the output has 10 elements"),
        ({"label": np.zeros(450)}, "one integer for each is wanted"),
    ],
)
def test_labels_that_do_not_fit_are_named(change: dict[str, np.ndarray], words: str):
    with pytest.raises(OptionError, match=words):
        evaluate_network(MODEL, arrays() | change)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["evaluate", *words]) == 2
    return capsys.readouterr().err


def test_options_of_the_other_kind_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert "no data; give an .npz file" in refused(capsys, str(MODEL))
    assert "--text is for a language model" in refused(capsys, str(MODEL), "--text", "a.txt")
    assert "DATA.npz is for a .tflite or .onnx file" in refused(capsys, "m.bin", str(DATA))
    said = refused(capsys, str(MODEL), str(DATA), "--labels", "digit")
    assert "--labels digit: the file has image, label" in said


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", str(MODEL), str(DATA), "--inferences", "20"]) == 0
    said = capsys.readouterr().out
    assert "Layers against float, the noisiest first" in said
    assert "of 16 as float" in said
