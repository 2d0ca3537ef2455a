"""Small models after public bug reports: each compiles, runs and gives the right outputs."""

from pathlib import Path

import numpy as np
import pytest

from tilewright.api import run_model

FIELD = Path(__file__).parents[3] / "shared" / "models" / "field"
FOLDERS = sorted(path for path in FIELD.glob("*") if path.is_dir())

STEPS = {"conv_transpose_qdq": 0.1}
"""Where the reference's own sums are real: one step of the output."""


@pytest.mark.skipif(not FOLDERS, reason=f"needs the models of {FIELD.name}")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_field_case_gives_the_right_outputs(folder: Path) -> None:
    model = next(path for path in folder.iterdir() if path.suffix in (".onnx", ".tflite"))
    inputs = dict(np.load(folder / "inputs.npz"))
    report = run_model(model, inputs=inputs)
    for name, expected in np.load(folder / "outputs.npz").items():
        actual = {str(key): array for key, array in report.outputs.items()}[name]
        actual = actual.reshape(expected.shape).astype(np.float64)
        tolerance = STEPS.get(folder.name, 0.0) * 1.001 + 1e-5
        np.testing.assert_allclose(actual, expected.astype(np.float64), rtol=1e-5, atol=tolerance)
