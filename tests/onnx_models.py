"""Small .onnx files made on the spot, in float32, QDQ and QOperator form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from evaluate import evaluate_graph
from layer_agreement import run_onnx
from tilewright.frontend.lower import lower
from tilewright.frontend.onnx_import import import_onnx
from tilewright.frontend.rewrites.rules import simplify
from tilewright.ir.graph import Contract, Graph, ValueName
from tilewright.ir.types import Array, Shape

ELEMENT = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int8): TensorProto.INT8,
           np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int32): TensorProto.INT32,
           np.dtype(np.int64): TensorProto.INT64}  # fmt: skip


@dataclass
class Model:
    """A file being written: nodes and constants, then ``proto``."""

    opset: int = 17
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    inputs: dict[str, tuple[np.dtype, Sequence[int | str]]] = field(default_factory=dict)

    def constant(self, name: str, array: Array) -> str:
        self.constants[name] = np.asarray(array)
        return name

    def input(self, name: str, shape: Sequence[int | str], dtype=np.float32) -> str:
        self.inputs[name] = (np.dtype(dtype), shape)
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes) -> str:
        domain = "com.microsoft" if kind in MICROSOFT else ""
        made = helper.make_node(kind, inputs, [output], output, domain=domain, **attributes)
        self.nodes.append(made)
        return output

    def scale(self, name: str, scale: float | Array, zero: int | Array, dtype) -> tuple[str, str]:
        return (
            self.constant(f"{name}.scale", np.asarray(scale, np.float32)),
            self.constant(f"{name}.zero", np.asarray(zero, dtype)),
        )

    def quantise(self, x: str, scale: float, zero: int, dtype, output: str) -> str:
        parameters = self.scale(output, scale, zero, dtype)
        return self.node("QuantizeLinear", (x, *parameters), output)

    def dequantise(self, x: str, scale, zero, dtype, **attributes) -> str:
        parameters = self.scale(x, scale, zero, dtype)
        return self.node("DequantizeLinear", (x, *parameters), f"{x}.real", **attributes)

    def proto(self, outputs: Mapping[str, np.dtype]) -> onnx.ModelProto:
        made = outputs.items()
        graph = helper.make_graph(
            self.nodes, "drawn",
            [helper.make_tensor_value_info(n, ELEMENT[d], s) for n, (d, s) in self.inputs.items()],
            [helper.make_tensor_value_info(n, ELEMENT[np.dtype(d)], None) for n, d in made],
            [numpy_helper.from_array(a, n) for n, a in self.constants.items()],
        )  # fmt: skip
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


MICROSOFT = frozenset({
    "QGemm", "QLinearAdd", "QLinearMul", "QLinearAveragePool", "QLinearGlobalAveragePool",
    "QLinearSigmoid", "QLinearSoftmax", "QLinearLeakyRelu", "QLinearConcat",
})  # fmt: skip


def saved(folder: Path, proto: onnx.ModelProto) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def compiled(path: Path, contract: Contract | None = None, *, allow_float: bool = False) -> Graph:
    source = import_onnx(path, {})
    return lower(simplify(source).graph, contract or source.contract, allow_float=allow_float)


def both(
    folder: Path, proto: onnx.ModelProto, inputs: Mapping[str, Array], *, reference=run_onnx,
    **options,
) -> list[tuple[Array, Array]]:  # fmt: skip
    """Each output as (ours, the reference's, which is ONNX Runtime)."""
    graph = compiled(saved(folder, proto), **options)
    held = {n: graph.type(ValueName(n)).dtype.numpy for n in inputs}
    ours = evaluate_graph(graph, {n: a.astype(held[n]) for n, a in inputs.items()})
    references = reference(proto, inputs)
    return [(ours[name], r) for name, r in zip(graph.outputs, references, strict=True)]


def assert_close(pairs: Sequence[tuple[Array, Array]]) -> None:
    """Integers within 1; real numbers within 1e-4 + 1e-4 |reference|."""
    for ours, reference in pairs:
        assert ours.dtype == reference.dtype
        assert ours.shape == reference.shape
        distance = np.abs(ours.astype(np.float64) - reference.astype(np.float64))
        allowed = 1 if ours.dtype.kind in "iu" else 1e-4 + 1e-4 * np.abs(reference)
        assert np.all(distance <= allowed), f"off by {distance.max()}"


def random_integers(seed: int, shape: Shape, dtype) -> Array:
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max + 1, shape).astype(dtype)


def output_parameters(
    model: Model, real: str, inputs: Mapping[str, Array], dtype
) -> tuple[float, int]:
    """A scale and zero point that cover what ``real`` takes on these inputs."""
    (values,) = run_onnx(model.proto({real: np.float32}), inputs)
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    info = np.iinfo(dtype)
    scale = float(np.float32(max(high - low, 1e-3) / 255))
    return scale, int(np.clip(round(info.min - low / scale), info.min, info.max))
