"""Small .tflite files made on the spot, and LiteRT's reference kernels as their judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest

from evaluate import evaluate_graph
from tilewright.frontend.lower import lower
from tilewright.frontend.tflite_import import import_tflite
from tilewright.ir.graph import Graph
from tilewright.ir.types import Array, Shape

schema: Any = pytest.importorskip(
    "ai_edge_litert.schema_py_generated", reason="needs ai-edge-litert (pip install .[verify])"
)
litert: Any = pytest.importorskip("ai_edge_litert.interpreter")

TYPES = {
    "float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "resource": 13,
    "int16": 7, "int8": 9,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """A tensor to be written; ``data`` makes it a constant."""

    name: str
    dtype: str
    shape: Shape
    scales: Sequence[float] = ()
    zeros: Sequence[int] = ()
    axis: int = 0
    data: Array | None = None
    signature: Shape | None = None


def constant(name: str, data: Array, scales: Sequence[float] = (), axis: int = 0) -> Tensor:
    zeros = (0,) * len(scales)
    return Tensor(name, data.dtype.name, data.shape, scales, zeros, axis, data)


@dataclass(frozen=True)
class Operator:
    """One operator: schema name, operand names ("" for one that is left out), option fields.

    more  names of results after the first
    """

    kind: str
    inputs: Sequence[str]
    output: str
    options: str = ""
    fields: Mapping[str, Any] | None = None
    custom: str = ""
    more: Sequence[str] = ()
    version: int = 1


def build(
    tensors: Sequence[Tensor],
    operators: Sequence[Operator],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> bytes:
    """A .tflite file."""
    place = {t.name: i for i, t in enumerate(tensors)} | {"": -1}
    graph = schema.SubGraphT()
    graph.name = "main"
    graph.tensors = [_tensor(t, i + 1) for i, t in enumerate(tensors)]
    graph.inputs = np.array([place[n] for n in inputs], np.int32)
    graph.outputs = np.array([place[n] for n in outputs], np.int32)
    graph.operators = []
    model = schema.ModelT()
    model.version = 3
    model.operatorCodes = []
    for index, operator in enumerate(operators):
        model.operatorCodes.append(_code(operator))
        written = schema.OperatorT()
        written.opcodeIndex = index
        written.inputs = np.array([place[n] for n in operator.inputs], np.int32)
        written.outputs = np.array(
            [place[n] for n in (operator.output, *operator.more) if n], np.int32
        )
        if operator.options:
            options = getattr(schema, f"{operator.options}T")()
            for field, value in (operator.fields or {}).items():
                assert hasattr(options, field), field
                setattr(options, field, value)
            written.builtinOptions = options
            written.builtinOptionsType = getattr(schema.BuiltinOptions, operator.options)
        graph.operators.append(written)
    model.subgraphs = [graph]
    model.buffers = [schema.BufferT() for _ in range(len(tensors) + 1)]
    for t, buffer in zip(tensors, model.buffers[1:], strict=True):
        if t.data is not None:
            buffer.data = np.frombuffer(np.ascontiguousarray(t.data).tobytes(), np.uint8)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def joined(*models: bytes) -> bytes:
    """One file with the networks of several as its subgraphs."""
    first, *others = (schema.ModelT.InitFromObj(schema.Model.GetRootAs(m, 0)) for m in models)
    for other in others:
        (subgraph,) = other.subgraphs
        for tensor in subgraph.tensors:
            tensor.buffer += len(first.buffers)
        for operator in subgraph.operators:
            operator.opcodeIndex += len(first.operatorCodes)
        first.buffers += other.buffers
        first.operatorCodes += other.operatorCodes
        first.subgraphs.append(subgraph)
    builder = flatbuffers.Builder(1024)
    builder.Finish(first.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(operator: Operator) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, operator.kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = operator.version
    if operator.custom:
        code.customCode = operator.custom
    return code


def _tensor(t: Tensor, buffer: int) -> Any:
    written = schema.TensorT()
    written.name = t.name
    written.type = TYPES[t.dtype]
    written.shape = np.array(t.shape, np.int32)
    if t.signature is not None:
        written.shapeSignature = np.array(t.signature, np.int32)
    written.buffer = buffer
    if t.scales:
        quantisation = schema.QuantizationParametersT()
        quantisation.scale = np.array(t.scales, np.float32)
        quantisation.zeroPoint = np.array(t.zeros, np.int64)
        quantisation.quantizedDimension = t.axis
        written.quantization = quantisation
    return written


def reference(model: bytes, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Every tensor of one inference by LiteRT's reference kernels, by name."""
    interpreter = litert.Interpreter(
        model_content=model,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], inputs[detail["name"]])
    interpreter.invoke()
    found: dict[str, Array] = {}
    for detail in interpreter.get_tensor_details():
        if detail["name"] not in found and detail["name"]:
            found[detail["name"]] = interpreter.get_tensor(detail["index"])
    return found


def lowered(
    model: bytes,
    folder: Path,
    shapes: Mapping[str, Shape] | None = None,
    *,
    allow_float: bool = False,
) -> Graph:
    """The file imported and lowered under its own contract."""
    path = folder / "model.tflite"
    path.write_bytes(model)
    source = import_tflite(path, shapes or {})
    return lower(source, source.contract, allow_float=allow_float)


def differences(graph: Graph, model: bytes, inputs: Mapping[str, Array]) -> dict[str, int]:
    """Nodes whose results are not LiteRT's, with the number of elements that differ.

    Real results differ where |d| > 1e-4 + 1e-4 * |reference|.
    """
    ours, theirs = evaluate_graph(graph, inputs), reference(model, inputs)
    found: dict[str, int] = {}
    compared = 0
    for node in graph.nodes:
        value = graph.values[node.output]
        if value.origin is None or value.name.endswith(".s8"):
            continue
        compared += 1
        mine, judge = ours[node.output], theirs[value.origin.name]
        assert mine.shape == judge.shape, f"{node}: {mine.shape}, LiteRT {judge.shape}"
        assert mine.dtype == judge.dtype, f"{node}: {mine.dtype}, LiteRT {judge.dtype}"
        wrong = mine != judge
        if value.type.dtype.is_float:
            wrong = ~np.isclose(mine, judge, rtol=1e-4, atol=1e-4, equal_nan=True)
        if wrong.any():
            found[str(node)] = int(wrong.sum())
    assert compared, "no result of the file was compared"
    return found
