"""int8 versions of cases: every real input is stored as int8 behind DequantizeLinear, every real
result is stored by QuantizeLinear.

What is demanded of them is what the package's reference evaluator makes of the real operator on the
numbers that the stored inputs stand for, stored in turn. Definitions in integers round once more
than that, so results may be one step off; what is no real number (indices, comparisons) may not.
"""

from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tilewright.conformance.cases import NodeCase
from tilewright.ir.types import Array

LOW, HIGH = -128, 127

LEAST_STEP = 2.0**-20
"""Of what a stored number counts: arrays of zeros have no scale of their own."""


def quantised(case: NodeCase) -> NodeCase | None:
    """The case in int8; None where it has no real inputs, or its reference cannot be asked.

    Cases of several nodes are functions that others of one node have, too: they have none.
    """
    arrays = (*case.inputs, *case.outputs)
    is_real = [a is not None and a.dtype == np.float32 for a in case.inputs]
    if len(case.model.graph.node) != 1 or not any(is_real) or not all(map(_is_storable, arrays)):
        return None
    graph = case.model.graph
    inputs: list[Array] = []
    nodes: list[onnx.NodeProto] = []
    held: list[onnx.TensorProto] = []
    for item, array, real in zip(graph.input, case.inputs, is_real, strict=True):
        assert array is not None
        inputs.append(_store(array, *_scale(array)) if real else array)
        if real:
            held += _constants(item.name, *_scale(array))
            names = (f"{item.name}_stored", f"{item.name}_scale", f"{item.name}_zero")
            nodes.append(helper.make_node("DequantizeLinear", names, [item.name]))
    wanted = _demanded(case, inputs, is_real)
    if wanted is None or not all(map(_is_storable, wanted)):
        return None
    nodes.append(graph.node[0])
    outputs: list[Array] = []
    for item, array in zip(graph.output, wanted, strict=True):
        outputs.append(_store(array, *_scale(array)) if _is_float(array) else array)
        if _is_float(array):
            held += _constants(item.name, *_scale(array))
            names = (item.name, f"{item.name}_scale", f"{item.name}_zero")
            nodes.append(helper.make_node("QuantizeLinear", names, [f"{item.name}_stored"]))
    model = _model(case, nodes, held, (inputs, outputs))
    return replace(case, model=model, inputs=tuple(inputs), outputs=tuple(outputs), rtol=0, atol=1)


def _is_float(array: Array) -> bool:
    return array.dtype == np.float32


def _is_storable(array: Array | None) -> bool:
    """Whether an array has elements, all of them finite, of a type that networks have."""
    return (
        array is not None and array.size > 0
        and (array.dtype.kind in "iub" or (_is_float(array) and bool(np.isfinite(array).all())))
    )  # fmt: skip


def _scale(array: Array) -> tuple[np.float32, np.int8]:
    """(scale, zero point) of the range of an array; zero is a stored number."""
    low, high = min(float(array.min()), 0.0), max(float(array.max()), 0.0)
    scale = np.float32(max((high - low) / (HIGH - LOW), LEAST_STEP))
    return scale, np.int8(np.clip(round(LOW - low / float(scale)), LOW, HIGH))


def _store(array: Array, scale: np.float32, zero: np.int8) -> Array:
    """int8, as QuantizeLinear rounds: ties to even."""
    stored = np.rint(array.astype(np.float32) / scale) + int(zero)
    return np.clip(stored, LOW, HIGH).astype(np.int8)


def _constants(name: str, scale: np.float32, zero: np.int8) -> list[onnx.TensorProto]:
    return [
        numpy_helper.from_array(np.array(scale), f"{name}_scale"),
        numpy_helper.from_array(np.array(zero), f"{name}_zero"),
    ]


def _demanded(case: NodeCase, stored: list[Array], is_real: list[bool]) -> list[Array] | None:
    """The real operator's results on what the stored inputs stand for."""
    feeds: dict[str, Array] = {}
    given = zip(case.model.graph.input, case.inputs, stored, is_real, strict=True)
    for item, array, mine, real in given:
        assert array is not None
        scale, zero = _scale(array) if real else (np.float32(1), np.int8(0))
        whole = (mine.astype(np.float32) - np.float32(zero)) * scale
        feeds[item.name] = whole.astype(np.float32) if real else array
    try:
        with np.errstate(all="ignore"):
            found = ReferenceEvaluator(case.model).run(None, feeds)
    except Exception:  # what the reference cannot compute demands nothing
        return None
    return [np.asarray(array) for array in found]


def _model(
    case: NodeCase,
    nodes: list[onnx.NodeProto],
    held: list[onnx.TensorProto],
    ends: tuple[list[Array], list[Array]],
) -> onnx.ModelProto:
    graph = case.model.graph
    given, made = (
        [
            helper.make_tensor_value_info(
                f"{item.name}_stored" if array.dtype == np.int8 and _was_real(item) else item.name,
                helper.np_dtype_to_tensor_dtype(array.dtype),
                array.shape,
            )
            for item, array in zip(items, arrays, strict=True)
        ]
        for items, arrays in zip((graph.input, graph.output), ends, strict=True)
    )
    whole = helper.make_graph(nodes, graph.name, given, made, held)
    model = helper.make_model(whole, opset_imports=case.model.opset_import)
    model.ir_version = case.model.ir_version
    return model


def _was_real(item: onnx.ValueInfoProto) -> bool:
    return item.type.tensor_type.elem_type == TensorProto.FLOAT
