"""Operators as the standard itself writes them: in terms of simpler ones.

The ONNX package has, for many operators, the body of a function: nodes of simpler operators. What
no importer knows is replaced by that, with names of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import numpy as np
import onnx
from onnx import AttributeProto, FunctionProto, NodeProto, helper, numpy_helper
from onnx.defs import OpSchema, SchemaError, get_schema

from tilewright.frontend.onnx_control import CONTROL, renamed
from tilewright.frontend.onnx_file import Attribute, OnnxNode, Subgraph, read_node
from tilewright.frontend.onnx_steps import element_of
from tilewright.frontend.onnx_tensors import Constant, Importing
from tilewright.ir.types import Array

RANDOM = frozenset({
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike", "Dropout",
})  # fmt: skip


class Schema(Protocol):
    """What of an operator's schema is asked for; the package's stubs know less."""

    has_function: bool
    has_context_dependent_function: bool
    function_opset_versions: Sequence[int]
    context_dependent_function_opset_versions: Sequence[int]
    attributes: Mapping[str, OpSchema.Attribute]

    def get_function_with_opset_version(self, version: int) -> bytes:
        """A FunctionProto; empty where there is none."""
        ...

    def get_context_dependent_function_with_opset_version(
        self, version: int, node: bytes, types: Sequence[bytes]
    ) -> bytes:
        """The same for one node; empty where there is none."""
        ...


def schema_of(kind: str, opset: int) -> Schema | None:
    """What the standard says about an operator; None where it does not have it."""
    try:
        return cast(Schema, get_schema(kind, opset, ""))
    except SchemaError:
        return None


def has_body(kind: str, opset: int) -> bool:
    """Whether the standard writes the operator in terms of simpler ones."""
    schema = schema_of(kind, opset)
    return schema is not None and (schema.has_function or schema.has_context_dependent_function)


def body_of(state: Importing, node: OnnxNode) -> tuple[OnnxNode, ...] | None:
    """The nodes that compute what ``node`` does; None where the standard gives none."""
    schema = schema_of(node.kind, state.model.opset)
    if schema is None:
        return None
    function = _function(state, node, schema)
    if function is None:
        return None
    attributes = dict(node.attributes)
    for proto in function.attribute_proto:
        attributes.setdefault(proto.name, read_node(_holder(proto), 0).attributes[proto.name])
    for name, declared in schema.attributes.items():
        if declared.default_value.name:
            default = read_node(_holder(declared.default_value), 0).attributes.get(name)
            if default is not None:
                attributes.setdefault(name, default)
    names = _names(node, function)
    made: list[OnnxNode] = []
    for index, proto in enumerate(function.node):
        made.append(_renamed(proto, index, node, names, attributes))
    return tuple(made)


def _function(state: Importing, node: OnnxNode, schema: Schema) -> FunctionProto | None:
    opset = state.model.opset
    raw = b""
    if schema.has_context_dependent_function:
        versions = [v for v in schema.context_dependent_function_opset_versions if v <= opset]
        types = [_type(state, name) for name in node.inputs]
        if versions:
            raw = schema.get_context_dependent_function_with_opset_version(
                max(versions), as_proto(node).SerializeToString(), types
            )
    if not raw and schema.has_function:
        versions = [v for v in schema.function_opset_versions if v <= opset]
        raw = schema.get_function_with_opset_version(max(versions)) if versions else b""
    if not raw:
        return None
    function = FunctionProto()
    function.ParseFromString(raw)
    return function


def _type(state: Importing, name: str) -> bytes:
    if not name:
        return b""
    element = helper.np_dtype_to_tensor_dtype(np.dtype(_numpy_name(element_of(state, name))))
    return helper.make_tensor_type_proto(element, state.shape(name)).SerializeToString()


def _numpy_name(element: str) -> "str | type[np.generic]":
    if hasattr(np, element) or element == "bool":
        return element
    import ml_dtypes

    kind: type[np.generic] = getattr(ml_dtypes, element)
    return kind


def _holder(attribute: AttributeProto) -> NodeProto:
    node = NodeProto(op_type="Holder", output=["y"])
    node.attribute.append(attribute)
    return node


def as_proto(node: OnnxNode) -> NodeProto:
    """The node as the file had it."""
    proto = NodeProto(op_type=node.kind, input=node.inputs, output=node.outputs, name=node.name)
    for name, value in node.attributes.items():
        if isinstance(value, np.ndarray):
            proto.attribute.append(helper.make_attribute(name, numpy_helper.from_array(value)))
        elif isinstance(value, tuple) and not value:
            proto.attribute.append(AttributeProto(name=name, type=AttributeProto.INTS))
        else:
            assert not isinstance(value, Subgraph)
            proto.attribute.append(helper.make_attribute(name, value))
    return proto


def _names(node: OnnxNode, function: FunctionProto) -> dict[str, str]:
    inputs = (*node.inputs, *[""] * len(function.input))
    outputs = (*node.outputs, *[""] * len(function.output))
    names = dict(zip(function.input, inputs, strict=False))
    names.update((f, n) for f, n in zip(function.output, outputs, strict=False) if n)
    names[""] = ""
    return names


def _renamed(
    proto: NodeProto, index: int, node: OnnxNode, names: dict[str, str],
    attributes: Mapping[str, Attribute],
) -> OnnxNode:  # fmt: skip
    copy = NodeProto()
    copy.CopyFrom(proto)
    del copy.attribute[:]
    given: dict[str, Attribute] = {}
    for attribute in proto.attribute:
        if attribute.ref_attr_name:
            if attribute.ref_attr_name in attributes:
                given[attribute.name] = attributes[attribute.ref_attr_name]
        else:
            copy.attribute.append(attribute)
    read = read_node(copy, index)
    inputs = tuple(names.setdefault(name, f"{node.output}/{name}") for name in proto.input)
    outputs = tuple(names.setdefault(name, f"{node.output}/{name}") for name in proto.output)
    for inner in read.captures:
        names.setdefault(inner, f"{node.output}/{inner}")
    own = {
        key: renamed(value, names) if isinstance(value, Subgraph) else value
        for key, value in read.attributes.items()
    }
    whole = {**own, **given}
    return OnnxNode(
        f"{node.name}/{read.name or proto.op_type}{index}", read.kind, inputs, outputs, whole
    )


def known_results(
    node: OnnxNode, constants: Mapping[str, Constant], opset: int
) -> dict[str, Constant] | None:
    """What a node of constants makes, by the package's reference; None where it cannot tell."""
    names = [name for name in node.inputs if name]
    are_known = all(n in constants and constants[n].quantisation is None for n in names)
    is_plain = node.kind not in RANDOM and not node.captures and node.kind not in CONTROL
    if not is_plain or not are_known or schema_of(node.kind, opset) is None:
        return None
    feeds = {n: constants[n].array for n in node.inputs if n}
    results = _evaluated(as_proto(node), feeds, opset)
    if results is None:
        return None
    found: dict[str, Constant] = {}
    for name, array in zip(node.outputs, results, strict=False):
        if name:
            if not isinstance(array, np.ndarray):
                return None
            known = cast(Array, array)
            if known.dtype.kind not in "fiub":
                return None
            found[name] = Constant(known.astype(np.float32) if known.dtype.kind == "f" else known)
    return found


def _evaluated(proto: NodeProto, feeds: Mapping[str, Array], opset: int) -> Sequence[object] | None:
    from onnx.reference import ReferenceEvaluator

    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in feeds.items()
    ]
    outputs = [helper.make_value_info(n, onnx.TypeProto()) for n in proto.output if n]
    graph = helper.make_graph([proto], "constants", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        with np.errstate(all="ignore"):
            made = cast(Sequence[object], ReferenceEvaluator(model).run(None, dict(feeds)))
    except Exception:  # the reference raises whatever its numpy code does
        return None
    return made
