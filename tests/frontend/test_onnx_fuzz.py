"""Damaged files: whatever they claim, only a TilewrightError may come out."""

from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import Model, compiled, random_integers
from tilewright.errors import TilewrightError

MUTATIONS = 400


def small_file() -> bytes:
    """Every kind of field that the importer reads: attributes, raw data, shapes, names."""
    model = Model()
    x = model.dequantise(model.input("x", ("N", 3, 8, 8), np.uint8), 0.02, 128, np.uint8)
    model.constant("w", random_integers(1, (4, 3, 3, 3), np.int8))
    w = model.dequantise("w", [0.01, 0.02, 0.03, 0.04], [0] * 4, np.int8, axis=0)
    bias = model.constant("b", np.ones(4, np.float32))
    y = model.node("Conv", (x, w, bias), "conv", pads=[1, 1, 1, 1], strides=[2, 2], group=1)
    model.quantise(model.node("Relu", (y,), "relu"), 0.05, 0, np.uint8, "q")
    pooled = model.node("AveragePool", (model.dequantise("q", 0.05, 0, np.uint8),), "pool",
                        kernel_shape=[2, 2], auto_pad="SAME_UPPER")  # fmt: skip
    model.quantise(pooled, 0.05, 0, np.uint8, "p")
    parts = (model.constant("one", np.array([1])), model.constant("rest", np.array([-1])))
    shape = model.node("Concat", parts, "shape", axis=0)
    flat = model.node("Reshape", (model.dequantise("p", 0.05, 0, np.uint8), shape), "flat")
    model.quantise(model.node("Softmax", (flat,), "s", axis=-1), 1 / 256, 0, np.uint8, "y")
    return model.proto({"y": np.uint8}).SerializeToString()


def token_file() -> bytes:
    """Rows of a table, normalised in pieces, multiplied with one another."""
    model = Model()
    model.constant("table", random_integers(2, (9, 6), np.int8))
    ids = model.input("ids", (1, 5), np.int64)
    x = model.node("Gather", (model.dequantise("table", 0.02, 1, np.int8), ids), "x")
    square = model.node("Pow", (x, model.constant("two", np.float32([2]))), "square")
    mean = model.node("ReduceMean", (square,), "mean", axes=[-1])
    total = model.node("Add", (mean, model.constant("epsilon", np.float32([1e-5]))), "total")
    model.quantise(model.node("Div", (x, model.node("Sqrt", (total,), "root")), "n"), 0.02, 0,
                   np.int8, "q")  # fmt: skip
    row = model.dequantise("q", 0.02, 0, np.int8)
    column = model.node("Transpose", (row,), "column", perm=[0, 2, 1])
    model.quantise(model.node("MatMul", (row, column), "scores"), 0.05, 0, np.int8, "y")
    return model.proto({"y": np.int8}).SerializeToString()


def damaged(whole: bytes, seed: int) -> bytes:
    """Some bytes changed, cut out, or all that follows cut off."""
    rng = np.random.default_rng(seed)
    data = bytearray(whole)
    match rng.integers(0, 4):
        case 0:
            del data[int(rng.integers(1, len(data))) :]
        case 1:
            start = int(rng.integers(0, len(data)))
            del data[start : start + int(rng.integers(1, 40))]
        case _:
            for at in rng.integers(0, len(data), int(rng.integers(1, 6))):
                data[at] = int(rng.integers(0, 256))
    return bytes(data)


KINDS = (
    "Conv", "Gemm", "MatMul", "Add", "Mul", "Sub", "Div", "AveragePool", "MaxPool", "Relu", "Clip",
    "GlobalAveragePool", "ReduceMean", "Softmax", "HardSigmoid", "Reshape", "Flatten", "Squeeze",
    "Unsqueeze", "Transpose", "Concat", "Pad", "BatchNormalization", "Identity", "Dropout", "Cast",
    "Shape", "Gather", "Slice", "QuantizeLinear", "DequantizeLinear", "QLinearConv", "QGemm",
    "QLinearAdd", "QLinearMatMul", "QLinearConcat", "QLinearSoftmax", "ConstantOfShape", "Constant",
    "LayerNormalization", "RMSNormalization", "Sqrt", "Pow", "Reciprocal", "Sigmoid",
)  # fmt: skip


def rewired(whole: bytes, seed: int) -> bytes:
    """A well-formed file with a few nodes, numbers and shapes that are wrong."""
    rng = np.random.default_rng(seed)
    model = onnx.load_from_string(whole)
    graph = model.graph
    names = [name for node in graph.node for name in (*node.input, *node.output)]
    for _ in range(int(rng.integers(1, 4))):
        node = graph.node[int(rng.integers(0, len(graph.node)))]
        tensor = graph.initializer[int(rng.integers(0, len(graph.initializer)))]
        number = int(rng.choice([-(2**62), -2, -1, 0, 1, 2, 3, 7, 2**16, 2**31, 2**62]))
        match rng.integers(0, 8):
            case 0:
                node.op_type = KINDS[int(rng.integers(0, len(KINDS)))]
            case 1 if node.input:
                node.input[int(rng.integers(0, len(node.input)))] = str(rng.choice([*names, ""]))
            case 2 if node.input:
                del node.input[-1]
            case 3:
                node.input.append(str(rng.choice(names)))
            case 4 if node.attribute:
                attribute = node.attribute[int(rng.integers(0, len(node.attribute)))]
                attribute.i = number
                if attribute.ints:
                    attribute.ints[int(rng.integers(0, len(attribute.ints)))] = number
            case 5 if tensor.dims:
                tensor.dims[int(rng.integers(0, len(tensor.dims)))] = number
            case 6:
                tensor.data_type = int(rng.integers(0, 24))
            case _:
                dims = graph.input[0].type.tensor_type.shape.dim
                dims[int(rng.integers(0, len(dims)))].dim_value = number
    return model.SerializeToString()


@pytest.mark.parametrize("file", [small_file, token_file], ids=lambda f: f.__name__)
def test_the_undamaged_file_compiles(tmp_path: Path, file):
    path = tmp_path / "whole.onnx"
    path.write_bytes(file())
    assert compiled(path).macs > 0


@pytest.mark.slow
@pytest.mark.parametrize("damage", [damaged, rewired], ids=lambda f: f.__name__)
@pytest.mark.parametrize("file", [small_file, token_file], ids=lambda f: f.__name__)
def test_damaged_files_end_in_a_message(tmp_path: Path, file, damage):
    whole, path, refused = file(), tmp_path / "damaged.onnx", 0
    for seed in range(MUTATIONS):
        path.write_bytes(damage(whole, seed))
        try:
            compiled(path)
        except TilewrightError:
            refused += 1
    assert refused > MUTATIONS // 2
