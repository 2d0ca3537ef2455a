"""Layer by layer against ONNX Runtime: the same integers in, how many integers out differ?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx.utils import Extractor

from evaluate import evaluate_graph
from tilewright.frontend.lower import lower
from tilewright.frontend.onnx_import import import_onnx
from tilewright.frontend.rewrites.rules import optimise, simplify
from tilewright.ir.graph import Contract, Graph, Node, Value, ValueName
from tilewright.ir.types import Array
from tilewright.run.judges.onnxruntime import OnnxRuntime


@dataclass(frozen=True)
class LayerAgreement:
    """One node on equal inputs: ``differing`` of ``elements`` bytes, by at most ``largest``."""

    node: str
    operator: str
    elements: int
    differing: int
    largest: int


def run_onnx(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> list[Array]:
    """ONNX Runtime as the file is written, in its exact form on every processor."""
    return list(OnnxRuntime(model).outputs(inputs).values())


def lowered(path: Path, contract: Contract = Contract.ONNX) -> Graph:
    """What would be compiled, dead channels included."""
    graph = lower(simplify(import_onnx(path, {})).graph, contract)
    return optimise(graph, prune=False).graph


def random_inputs(graph: Graph, seed: int) -> dict[ValueName, Array]:
    """Every stored value equally likely; real inputs are normally distributed."""
    rng = np.random.default_rng(seed)
    inputs: dict[ValueName, Array] = {}
    for name in graph.inputs:
        type_ = graph.type(name)
        if type_.dtype.is_float:
            inputs[name] = rng.standard_normal(type_.shape).astype(np.float32)
        else:
            whole = rng.integers(type_.dtype.low, type_.dtype.high + 1, type_.shape)
            inputs[name] = whole.astype(type_.dtype.numpy)
    return inputs


def layer_agreement(path: Path, seeds: Sequence[int]) -> list[LayerAgreement]:
    """One row per node of the compiled graph that makes a tensor of the file."""
    graph = lowered(path)
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    runs = [evaluate_graph(graph, random_inputs(graph, seed)) for seed in seeds]
    extractor = Extractor(model)
    rows: list[LayerAgreement] = []
    for node in graph.nodes:
        output = graph.values[node.output]
        if output.origin is None:
            continue
        tensors = {graph.values[n].origin.name: graph.values[n] for n in _sources(graph, node)}
        if output.origin.name in tensors:  # a change of layout
            continue
        layer = extractor.extract_model(list(tensors), [output.origin.name])
        differing = largest = elements = 0
        for run in runs:
            feed = {name: _as_in_file(layer, run[v.name], v) for name, v in tensors.items()}
            (reference,) = run_onnx(layer, feed)
            ours = _as_in_file(layer, run[output.name], output)
            distance = np.abs(_stored(ours, output) - _stored(reference, output))
            differing += int((distance > 0).sum())
            largest = max(largest, int(distance.max()))
            elements += distance.size
        kind = type(node.op).__name__
        rows.append(LayerAgreement(node.name, kind, elements, differing, largest))
    return rows


def _sources(graph: Graph, node: Node) -> list[ValueName]:
    """The nearest values before ``node`` that are tensors of the file."""
    found: list[ValueName] = []
    for name in node.inputs:
        if name in graph.constants:
            continue
        producer = graph.producer(name)
        if graph.values[name].origin is not None or producer is None:
            found.append(name)
        else:
            found += _sources(graph, producer)
    return found


def _as_in_file(model: onnx.ModelProto, array: Array, value: Value) -> Array:
    """Our value in the file's order of dimensions, element type included."""
    name, perm = value.origin.name, value.origin.perm
    if perm is not None:
        array = array.transpose(np.argsort(perm))
    if _element_type(model, name) == onnx.TensorProto.FLOAT and not value.type.dtype.is_float:
        q = value.quantisation
        return ((array.astype(np.int32) - q.zero_point) * np.float32(q.scale)).astype(np.float32)
    if _element_type(model, name) == onnx.TensorProto.UINT8 and array.dtype == np.int8:
        return (array.astype(np.int16) + 128).astype(np.uint8)
    return np.ascontiguousarray(array)


def _element_type(model: onnx.ModelProto, name: str) -> int:
    known = (*model.graph.input, *model.graph.output)
    return next(v.type.tensor_type.elem_type for v in known if v.name == name)


def _stored(array: Array, value: Value) -> Array:
    """Integers, whichever way they are written."""
    if array.dtype == np.float32 and value.quantisation is not None:
        return np.rint(array / np.float32(value.quantisation.scale)).astype(np.int64)
    if array.dtype == np.float32:  # real numbers: count those beyond the float32 tolerance
        return np.rint(array * 1e4).astype(np.int64)
    return array.astype(np.int64)
