"""Trains, exports and quantises the example network; measures it at every stage.

Data: scikit-learn's bundled handwritten digits (1,797 images of 8x8 pixels, values 0 to 16). The
split is fixed: images whose index is a multiple of 4 are held out. Writes beside this file:

digits_float.onnx  the trained network in float32
digits_int8.onnx   the same, quantised by ONNX Runtime: int8 activations, int8 weights per channel
digits_test.npz    held-out images as the quantised network stores its input, and their labels
accuracy.json      held-out accuracy before and after quantisation
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from network import Floats, Parameters, predictions, train
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from sklearn.datasets import load_digits

SEED = 1
EPOCHS = 60
OPSET, IR_VERSION = 17, 9
"""Old enough that every tool of the last years reads the files."""


def to_onnx(p: Parameters) -> onnx.ModelProto:
    """The network with ONNX's layouts: images [1,1,8,8], convolution weights [O,C,KH,KW]."""
    weights: dict[str, Floats] = {}
    for name in ("stem", "pointwise", "down"):
        weights[f"{name}.weight"] = p[f"{name}.weight"].transpose(3, 2, 0, 1)
    weights["depthwise.weight"] = p["depthwise.weight"].transpose(2, 0, 1)[:, None]
    weights["dense.weight"] = p["dense.weight"].T
    weights |= {name: value for name, value in p.items() if name.endswith(".bias")}

    def convolution(name: str, x: str, y: str, **attributes: object) -> onnx.NodeProto:
        inputs = [x, f"{name}.weight", f"{name}.bias"]
        return helper.make_node("Conv", inputs, [y], name=name, **attributes)

    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        convolution("stem", "image", "stem_sum", **same),
        helper.make_node("Relu", ["stem_sum"], ["stem_out"], name="stem_relu"),
        convolution("depthwise", "stem_out", "depthwise_sum", group=16, **same),
        helper.make_node("Relu", ["depthwise_sum"], ["depthwise_out"], name="depthwise_relu"),
        convolution("pointwise", "depthwise_out", "branch", kernel_shape=[1, 1]),
        helper.make_node("Add", ["stem_out", "branch"], ["joined_sum"], name="join"),
        helper.make_node("Relu", ["joined_sum"], ["joined"], name="join_relu"),
        convolution("down", "joined", "down_sum", strides=[2, 2], **same),
        helper.make_node("Relu", ["down_sum"], ["down_out"], name="down_relu"),
        helper.make_node("GlobalAveragePool", ["down_out"], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["features"], name="flatten"),
        helper.make_node(
            "Gemm", ["features", "dense.weight", "dense.bias"], ["scores"], name="dense", transB=1
        ),
        helper.make_node("Softmax", ["scores"], ["probabilities"], name="softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(np.ascontiguousarray(w), name) for name, w in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return model


class Calibration(CalibrationDataReader):
    """Training images, one at a time, as the quantiser wants them."""

    def __init__(self, images: Floats) -> None:
        self._feeds = iter([{"image": image[None, None, :, :, 0]} for image in images])

    def get_next(self) -> dict[str, Floats] | None:
        """The next image, or None after the last."""
        return next(self._feeds, None)


def quantised(model: onnx.ModelProto, calibration: Floats) -> onnx.ModelProto:
    """QDQ form by ONNX Runtime, with the stored int8 tensors as input and output."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        onnx.save(model, before)
        quantize_static(
            before,
            after,
            Calibration(calibration),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
        return without_float_borders(onnx.load(after))


def without_float_borders(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drops the QuantizeLinear behind the input and the DequantizeLinear before the output."""
    graph = model.graph
    first = next(n for n in graph.node if graph.input[0].name in n.input)
    last = next(n for n in graph.node if graph.output[0].name in n.output)
    assert (first.op_type, last.op_type) == ("QuantizeLinear", "DequantizeLinear")
    renamed = {first.output[0]: "image", last.input[0]: "probabilities"}
    for node in (first, last):
        graph.node.remove(node)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for value in (graph.input[0], graph.output[0]):
        value.type.tensor_type.elem_type = TensorProto.INT8
    del graph.value_info[:]
    onnx.checker.check_model(model)
    return model


def input_quantisation(model: onnx.ModelProto) -> tuple[float, int]:
    """Scale and zero point of the stored input."""
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    reader = next(n for n in model.graph.node if "image" in n.input)
    return float(constants[reader.input[1]]), int(constants[reader.input[2]])


def stored(images: Floats, scale: float, zero_point: int) -> NDArray[np.int8]:
    """Images [N,8,8,1] as the quantised network reads them: [N,1,1,8,8] int8."""
    levels = np.rint(images / np.float32(scale)) + zero_point
    return np.clip(levels, -128, 127).astype(np.int8).transpose(0, 3, 1, 2)[:, None]


def accuracy(model: onnx.ModelProto, inputs: NDArray[np.generic], labels: NDArray[np.int64]) -> int:
    """How many images ONNX Runtime gets right."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    found = [session.run(None, {"image": x})[0].argmax() for x in inputs]
    return int((np.array(found) == labels).sum())


def main() -> None:
    """Train, export, quantise, measure."""
    here = Path(__file__).parent
    digits = load_digits()
    images = (digits.images[..., None] / 16).astype(np.float32)
    labels = digits.target.astype(np.int64)
    held_out = np.arange(len(images)) % 4 == 0

    p = train(images[~held_out], labels[~held_out], SEED, EPOCHS)
    model = to_onnx(p)
    integer = quantised(model, images[~held_out])
    test_labels = labels[held_out]
    test_inputs = stored(images[held_out], *input_quantisation(integer))

    onnx.save(model, here / "digits_float.onnx")
    onnx.save(integer, here / "digits_int8.onnx")
    np.savez_compressed(
        here / "digits_test.npz", image=test_inputs, label=test_labels.astype(np.int8)
    )
    pixels = images[held_out].transpose(0, 3, 1, 2)[:, None]
    result = {
        "held_out_images": len(test_labels),
        "numpy_float32_correct": int((predictions(p, images[held_out]) == test_labels).sum()),
        "onnxruntime_float32_correct": accuracy(model, pixels, test_labels),
        "onnxruntime_int8_correct": accuracy(integer, test_inputs, test_labels),
    }
    (here / "accuracy.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
