"""LiteRT's reference kernels: every tensor by name, inputs by name or in order."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert.interpreter")

from tflite_models import Operator, Tensor, build
from tilewright.run.judges.litert import LiteRt


def a_file(folder: Path, middle: str = "middle") -> Path:
    """middle = relu(x), y = x + middle; all with scale 1 and zero point 0."""
    tensors = [Tensor(name, "int8", (1, 4), (1.0,), (0,)) for name in ("x", middle, "y")]
    operators = [
        Operator("RELU", ("x",), middle),
        Operator("ADD", ("x", middle), "y", "AddOptions", {}),
    ]
    path = folder / "model.tflite"
    path.write_bytes(build(tensors, operators, ["x"], ["y"]))
    return path


X = np.int8([[-3, 0, 5, 100]])


@pytest.mark.parametrize("name", ["x", "what_the_user_calls_it"])
def test_every_tensor_is_there_by_name(tmp_path: Path, name: str) -> None:
    found = LiteRt(a_file(tmp_path)).tensors({name: X})
    assert found["x"].tolist() == [[-3, 0, 5, 100]]
    assert found["middle"].tolist() == [[0, 0, 5, 100]]
    assert found["y"].tolist() == [[-3, 0, 10, 127]]


def test_a_name_that_stands_for_two_tensors_is_left_out(tmp_path: Path) -> None:
    path = a_file(tmp_path, middle="z")
    path.write_bytes(path.read_bytes().replace(b"\1\0\0\0z\0", b"\1\0\0\0y\0"))
    assert LiteRt(path).tensors({"x": X}).keys() == {"x"}
