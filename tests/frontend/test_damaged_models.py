"""Damaged ONNX files that once ended in a traceback: each kind is turned down in words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tilewright.errors import CompileError
from tilewright.frontend.sizes import need_plannable
from tilewright.ir.types import DType, TensorType
from tilewright.pipeline import compile_model

FLOAT = TensorProto.FLOAT


def model(
    nodes: list[onnx.NodeProto], inputs: dict[str, list[int]], constants: dict[str, np.ndarray],
) -> onnx.ModelProto:  # fmt: skip
    graph = helper.make_graph(
        nodes, "damaged",
        [helper.make_tensor_value_info(name, FLOAT, dims) for name, dims in inputs.items()],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def requantised(source: str) -> list[onnx.NodeProto]:
    """What makes a file one of the integer dialect."""
    attributes = {"div": np.array(256.0, np.float32), "n_levels_out": 256, "signed": 1}
    made = {
        k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v
        for k, v in attributes.items()
    }
    return [helper.make_node("RequantShift", [source, "mul", "add"], ["y"], name="shift", **made)]


SHIFT = {"mul": np.array([1.0], np.float32), "add": np.array([0.0], np.float32)}


def twice() -> onnx.ModelProto:
    made = model(requantised("x"), {"x": [1, 4]}, SHIFT)
    made.graph.input.append(made.graph.input[0])
    return made


def axes_twice() -> onnx.ModelProto:
    nodes = [helper.make_node("Unsqueeze", ["x", "axes"], ["u"], name="u"), *requantised("u")]
    return model(nodes, {"x": [1, 4]}, {**SHIFT, "axes": np.array([0, 0])})


def sixty_dimensions() -> onnx.ModelProto:
    nodes = [helper.make_node("Add", ["x", "c"], ["s"], name="s"), *requantised("s")]
    return model(nodes, {"x": [1, 4]}, {**SHIFT, "c": np.ones([1] * 32, np.float32)})


def no_axes_to_slide_over() -> onnx.ModelProto:
    conv = helper.make_node("Conv", ["x", "w"], ["s"], name="c")
    conv.attribute.append(onnx.AttributeProto(name="pads", type=onnx.AttributeProto.INTS))
    nodes = [conv, *requantised("s")]
    weights = np.ones((2, 2, 3, 3), np.float32)
    return model(nodes, {"x": [1, 2, 5, 5]}, {**SHIFT, "w": weights})


def forty_million() -> onnx.ModelProto:
    return model([helper.make_node("Relu", ["x"], ["y"], name="r")], {"x": [65536, 10, 64]}, {})


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (twice, "input x is listed 2 times"),
        (axes_twice, "name one axis twice"),
        (sixty_dimensions, "has 32 dimensions, at most 16 are known"),
        (no_axes_to_slide_over, "over 2 axes"),
        (forty_million, "41,943,040 elements; tensors of more than 4,194,304 are not planned"),
    ],
)
def test_the_message_says_what_is_wrong(
    tmp_path: Path, damaged: Callable[[], onnx.ModelProto], words: str
):
    (tmp_path / "damaged.onnx").write_bytes(damaged().SerializeToString())
    with pytest.raises(CompileError, match=words):
        compile_model(tmp_path / "damaged.onnx", "host")


def test_what_has_no_elements_is_not_computed():
    with pytest.raises(CompileError, match=r"t is s8\[1x3x0\] and has no elements"):
        need_plannable("m", "t", TensorType(DType.S8, (1, 3, 0)))


def test_an_input_that_is_a_half_precision_output_too_is_one_value(tmp_path: Path):
    half = TensorProto.FLOAT16
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"], name="r")], "half",
        [helper.make_tensor_value_info("x", half, [1, 4])],
        [helper.make_tensor_value_info(name, half, [1, 4]) for name in ("r", "x")],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (tmp_path / "half.onnx").write_bytes(made.SerializeToString())
    compiled = compile_model(tmp_path / "half.onnx", "host")
    assert len(compiled.program.outputs) == 2
