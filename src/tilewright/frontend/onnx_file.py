"""An ONNX file as plain Python data: nodes with typed attributes, arrays, declared inputs.

Nothing behind this module touches a protobuf. What cannot be read raises ModelError with the
place in the file; what is read but means nothing to this compiler is left to the importer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper

from tilewright.errors import ModelError, UnsupportedError
from tilewright.ir.types import Array

OLDEST_OPSET, NEWEST_OPSET = 7, 28
CONVERTED_OPSET = 11
"""What models of older opsets are converted to."""

OTHER_DOMAINS = frozenset({"ai.onnx.ml", "ai.onnx.preview.training"})
"""Domains of models that may go without an opset of the standard's own."""

LARGEST_TENSOR = 2**31 - 1
"""Elements; what an int32_t can count. A larger claim in a file is damage, not a network."""


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The body of an If, a Loop or a Scan."""

    nodes: "tuple[OnnxNode, ...]"
    initialisers: Mapping[str, Array]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def own(self) -> frozenset[str]:
        """Names that mean something inside only."""
        made = (name for node in self.nodes for name in node.outputs)
        return frozenset({*self.inputs, *self.initialisers, *made})

    @property
    def captures(self) -> tuple[str, ...]:
        """Names of the surrounding graph."""
        read = [name for node in self.nodes for name in (*node.inputs, *node.captures)]
        return tuple(n for n in dict.fromkeys((*read, *self.outputs)) if n and n not in self.own)


Attribute = (
    int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | Array | Subgraph
)


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One node of the file. ``kind`` is its operator type, ``domain`` whose operator it is ("": the
    standard's); an absent optional input is ""."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    domain: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"

    @property
    def output(self) -> str:
        """The first output that there is."""
        return next(filter(None, self.outputs))

    def input(self, index: int) -> str:
        """An input that the operator needs. Raises ModelError where it is absent."""
        if not self.has(index):
            raise ModelError(f"{self}: input {index} is missing, the file lists {self.inputs}")
        return self.inputs[index]

    def has(self, index: int) -> bool:
        """Whether an optional input is present."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise ModelError(f"{self}: attribute {name} is {value!r}, not an integer")
        return value

    def number(self, name: str, default: float) -> float:
        """A float attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, float) or not np.isfinite(value):
            raise ModelError(f"{self}: attribute {name} is {value!r}, not a finite number")
        return value

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, str):
            raise ModelError(f"{self}: attribute {name} is {value!r}, not a string")
        return value

    def integers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """A list of integers."""
        value = self.attributes.get(name, default)
        if not isinstance(value, tuple):
            raise ModelError(f"{self}: attribute {name} is {value!r}, not a list of integers")
        return tuple(int(v) for v in value)

    @property
    def captures(self) -> tuple[str, ...]:
        """Tensors of the surrounding graph that its subgraphs read."""
        graphs = [a for a in self.attributes.values() if isinstance(a, Subgraph)]
        return tuple(dict.fromkeys(name for graph in graphs for name in graph.captures))


@dataclass(frozen=True, slots=True)
class OnnxInput:
    """A graph input: ``dims`` holds extents, names of symbolic dimensions, or None (unknown)."""

    name: str
    dtype: np.dtype[np.generic]
    dims: tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """The parts of a file that mean something here; nodes stand in the file's order."""

    name: str
    opset: int
    nodes: tuple[OnnxNode, ...]
    initialisers: Mapping[str, Array]
    inputs: tuple[OnnxInput, ...]
    outputs: tuple[str, ...]
    elements: Mapping[str, str] = field(default_factory=dict[str, str])
    """Element types that the file gives initialisers and outputs, as numpy calls them."""


def read_onnx(path: Path) -> OnnxModel:
    """The model in ``path``.

    Raises ModelError where the file, or external data that it refers to, cannot be read, and
    UnsupportedError for opsets that are older or newer than those known.
    """
    proto = _modern(_load(path))
    graph = proto.graph
    if not graph.node or not graph.output:
        raise ModelError(f"{path.name}: holds no ONNX graph (no nodes or no outputs)")
    initialisers = {
        _text(t.name): read_tensor(t, f"initialiser {_text(t.name)}") for t in graph.initializer
    }
    if graph.sparse_initializer:
        raise UnsupportedError(f"{path.name}: sparse initialisers are not supported")
    return OnnxModel(
        path.stem,
        _opset(path, proto),
        tuple(read_node(node, index) for index, node in enumerate(graph.node)),
        initialisers,
        _inputs(graph, initialisers),
        tuple(_text(value.name) for value in graph.output),
        _elements(graph),
    )


def _elements(graph: onnx.GraphProto) -> dict[str, str]:
    given = {_text(t.name): t.data_type for t in graph.initializer}
    given |= {_text(v.name): v.type.tensor_type.elem_type for v in graph.output}
    found: dict[str, str] = {}
    for name, number in given.items():
        try:
            found[name] = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(number)).name
        except (KeyError, ValueError, TypeError):
            continue
    return found


def read_tensor(tensor: TensorProto, where: str) -> Array:
    """The elements; int4 and uint4 are unpacked to int8, double becomes float32."""
    if any(d < 0 for d in tensor.dims) or prod(tensor.dims) > LARGEST_TENSOR:
        raise ModelError(f"{where}: has shape {list(tensor.dims)}")
    try:
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, AttributeError, UnicodeDecodeError) as error:
        raise ModelError(f"{where}: its elements cannot be read: {error}") from None
    if tensor.data_type in (TensorProto.INT4, TensorProto.UINT4):
        return array.astype(np.int8)
    is_real = array.dtype.kind == "f" or array.dtype.name.startswith(("bfloat", "float"))
    return array.astype(np.float32) if is_real else array


def _load(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load(path)
    except DecodeError as error:
        raise ModelError(f"{path}: is no ONNX file, or is damaged: {error}") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (onnx.checker.ValidationError, ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"{path}: its external data cannot be read: {error}") from None


def _modern(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A model of an old opset, by the package's converter; as it is where that cannot do it."""
    versions = [o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")]
    if not versions or not 0 < versions[0] < OLDEST_OPSET:
        return proto
    from onnx.shape_inference import InferenceError
    from onnx.version_converter import ConvertError, convert_version

    try:
        return convert_version(proto, CONVERTED_OPSET)
    except (ConvertError, InferenceError, RuntimeError, ValueError):
        return proto


def _opset(path: Path, proto: onnx.ModelProto) -> int:
    versions = [o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")]
    if not versions and {o.domain for o in proto.opset_import} & OTHER_DOMAINS:
        return NEWEST_OPSET
    if not versions:
        raise ModelError(f"{path.name}: does not say which ONNX opset it uses")
    if not OLDEST_OPSET <= versions[0] <= NEWEST_OPSET:
        raise UnsupportedError(
            f"{path.name}: uses ONNX opset {versions[0]}; {OLDEST_OPSET} to {NEWEST_OPSET} are "
            "supported\n  try      convert it with onnx.version_converter"
        )
    return versions[0]


def read_node(proto: NodeProto, index: int) -> OnnxNode:
    """One node; ``index`` names it where the file does not."""
    kind = _text(proto.op_type)
    outputs = tuple(map(_text, proto.output))
    name = _text(proto.name) or f"{kind}_{index}"
    if not any(outputs):
        raise ModelError(f"{name} ({kind}): has no output")
    attributes = {
        _text(a.name): value for a in proto.attribute if (value := _attribute(a)) is not None
    }
    inputs = tuple(map(_text, proto.input))
    return OnnxNode(name, kind, inputs, outputs, attributes, _text(proto.domain))


def _attribute(proto: AttributeProto) -> Attribute | None:
    """The value; None for kinds (sparse tensors, types) that no supported operator has."""
    value: Attribute | None = None
    match proto.type:
        case AttributeProto.INT:
            value = int(proto.i)
        case AttributeProto.FLOAT:
            value = float(proto.f)
        case AttributeProto.STRING:
            value = _text(proto.s)
        case AttributeProto.INTS:
            value = tuple(int(i) for i in proto.ints)
        case AttributeProto.STRINGS:
            value = tuple(map(_text, proto.strings))
        case AttributeProto.FLOATS:
            value = tuple(float(f) for f in proto.floats)
        case AttributeProto.GRAPH:
            value = _subgraph(proto.g)
        case AttributeProto.TENSOR:
            value = read_tensor(proto.t, f"attribute {_text(proto.name)}")
        case _:
            pass
    return value


def _subgraph(graph: onnx.GraphProto) -> Subgraph:
    return Subgraph(
        tuple(read_node(node, index) for index, node in enumerate(graph.node)),
        {_text(t.name): read_tensor(t, f"initialiser {_text(t.name)}") for t in graph.initializer},
        tuple(_text(value.name) for value in graph.input),
        tuple(_text(value.name) for value in graph.output),
    )


def _text(raw: str | bytes) -> str:
    """A string of the file. Damaged ones, which are no UTF-8, come from protobuf as bytes."""
    return raw if isinstance(raw, str) else raw.decode("utf-8", "backslashreplace")


def _inputs(graph: onnx.GraphProto, initialisers: Mapping[str, Array]) -> tuple[OnnxInput, ...]:
    """What the caller gives. Raises ModelError for one that is listed twice."""
    found = [_input(value) for value in graph.input if _text(value.name) not in initialisers]
    names = [item.name for item in found]
    for name in names:
        if names.count(name) > 1:
            raise ModelError(f"input {name} is listed {names.count(name)} times")
    return tuple(found)


def _input(value: ValueInfoProto) -> OnnxInput:
    name = _text(value.name)
    if not value.type.HasField("tensor_type"):
        raise UnsupportedError(f"input {name}: is not a tensor")
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise ModelError(f"input {name}: the file does not say how many dimensions it has")
    dims = tuple(
        d.dim_value if d.HasField("dim_value") else (_text(d.dim_param) or None)
        for d in tensor.shape.dim
    )
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    except (KeyError, ValueError, TypeError):
        raise ModelError(f"input {name}: unknown element type {tensor.elem_type}") from None
    return OnnxInput(name, dtype, dims)


def sorted_nodes(
    nodes: Iterable[OnnxNode], known: Iterable[str], where: str
) -> tuple[OnnxNode, ...]:
    """Nodes in an order that respects data flow; the file's order wherever it does already.

    Raises ModelError naming tensors that are made twice, never, or from themselves.
    """
    made = {*known, ""}
    waiting = list(nodes)
    seen = set(made)
    for node in waiting:
        for output in filter(None, node.outputs):
            if output in seen:
                raise ModelError(f"{where}: tensor {output} is made twice, last by {node}")
            seen.add(output)
    order: list[OnnxNode] = []
    while waiting:
        ready: list[OnnxNode] = []
        later: list[OnnxNode] = []
        for node in waiting:
            if made.issuperset((*node.inputs, *node.captures)):
                ready.append(node)
                made.update(node.outputs)
            else:
                later.append(node)
        if not ready:
            raise ModelError(_why_stuck(later, seen, made, where))
        order += ready
        waiting = later
    return tuple(order)


def _why_stuck(waiting: list[OnnxNode], seen: set[str], made: set[str], where: str) -> str:
    for node in waiting:
        lost = [name for name in (*node.inputs, *node.captures) if name not in seen]
        if lost:
            return f"{where}: {node} reads {', '.join(lost)}, which nothing in the file makes"
    node = waiting[0]
    cycle = [name for name in node.inputs if name not in made]
    return f"{where}: {node} reads {', '.join(cycle)}, which depends on its own output (a cycle)"
