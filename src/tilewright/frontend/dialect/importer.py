"""The door for files in the integer dialect: every number is an integer, and stays one.

    OnnxModel → sorted nodes → Graph in the exact integers of contract ``pulp``

Files declare float32 tensors that hold integers, and custom operators say what is computed. Nothing
is left to lower. Source: the rules of the dialect, see docs/numerics.md.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tilewright.errors import ModelError, OptionError, Refusal, UnsupportedError
from tilewright.frontend.dialect.elementwise import FUNCTIONS, import_function, import_pair
from tilewright.frontend.dialect.layers import (
    import_conv,
    import_gemm,
    import_mat_mul,
    import_max_pool,
)
from tilewright.frontend.dialect.movement import (
    import_concat,
    import_constant_movement,
    import_gather,
    import_identity,
    import_pad,
    import_reshape,
    import_slice,
    import_transpose,
)
from tilewright.frontend.dialect.requantise import import_requant_shift
from tilewright.frontend.dialect.rows import (
    import_layer_norm,
    import_mean,
    import_no_norm,
    import_rms_norm,
    import_shift_softmax,
    import_softmax,
    import_sum,
)
from tilewright.frontend.dialect.storing import as_stored, as_wide, in_order
from tilewright.frontend.dialect.values import (
    UNSIGNED,
    Fixed,
    Importing,
    Stored,
    Tensor,
    Wide,
    plain,
)
from tilewright.frontend.onnx_file import OnnxInput, OnnxModel, OnnxNode, sorted_nodes
from tilewright.frontend.sizes import MOST_DIMENSIONS
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Origin, Value, ValueName
from tilewright.ir.types import Array, DType, Shape, TensorType
from tilewright.ops.quantise import Recentre

Importer = Callable[[Importing, OnnxNode], Tensor]

OWN: Mapping[str, Importer] = {
    "RequantShift": import_requant_shift,
    "iSoftmax": import_softmax,
    "ITAMax": import_shift_softmax,
    "ITAPartialMax": import_shift_softmax,
    "iLayerNorm": import_layer_norm,
    "iRMSNorm": import_rms_norm,
    "iNoNorm": import_no_norm,
    "IntegerMean": import_mean,
    **dict.fromkeys(FUNCTIONS, import_function),
}
"""Operators of the dialect alone: a file with one of them is in it."""

IMPORTERS: Mapping[str, Importer] = {
    **OWN,
    "Conv": import_conv,
    "Gemm": import_gemm,
    "MatMul": import_mat_mul,
    "MaxPool": import_max_pool,
    **dict.fromkeys(("Add", "Sub", "Mul"), import_pair),
    "ReduceMean": import_mean,
    "ReduceSum": import_sum,
    "Transpose": import_transpose,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), import_reshape),
    "Concat": import_concat,
    "Gather": import_gather,
    "Slice": import_slice,
    "Pad": import_pad,
    **dict.fromkeys(("Identity", "OutputIdentity", "Dropout"), import_identity),
}

INPUT_TYPES = (DType.S8, DType.U8, DType.S32)
"""How an input may be stored."""


def is_dialect(model: OnnxModel) -> bool:
    """Whether the file is in the integer dialect."""
    return any(node.kind in OWN or node.kind == "IntegerDiv" for node in model.nodes)


def import_dialect(
    model: OnnxModel, input_shapes: Mapping[str, Shape], input_types: Mapping[str, DType]
) -> Graph:
    """The network in exact integers.

    input_shapes  input → shape, where the file leaves dimensions open
    input_types   input → how it is stored; int8 where it is not there, which files do not say
    Raises ModelError for a file that contradicts itself, UnsupportedError listing every operator
    that is not known, OptionError for inputs that there are not.
    """
    _refuse_unknown(model)
    builder = GraphBuilder(model.name, Contract.PULP)
    state = Importing(model.name, builder)
    for name, array in model.initialisers.items():
        _need_few_dimensions(f"initialiser {name}", array.shape)
        state.tensors[name] = Fixed(_integers(name, array))
    inputs = [item for item in model.inputs if item.name not in state.tensors]
    _refuse_other_inputs(inputs, input_shapes, input_types)
    for item in inputs:
        shape = _shape(item, input_shapes.get(item.name))
        _need_few_dimensions(f"input {item.name}", shape)
        state.tensors[item.name] = _declared(
            state, item.name, shape, input_types.get(item.name, DType.S8)
        )
    nodes, known = _without_constants(model, state)
    for node in sorted_nodes(nodes, known, model.name):
        made = _imported(state, node)
        _need_few_dimensions(str(node), made.shape)
        state.tensors[node.output] = made
    for name in model.outputs:
        builder.outputs.append(_finished(state, name))
    return builder.build()


def _without_constants(
    model: OnnxModel, state: Importing
) -> tuple[tuple[OnnxNode, ...], tuple[str, ...]]:
    left: list[OnnxNode] = []
    for node in model.nodes:
        if node.kind == "Constant":
            value = node.attributes.get("value")
            if value is None:
                raise ModelError(f"{node}: holds no value")
            state.tensors[node.output] = Fixed(_integers(node.output, np.asarray(value)))
        else:
            left.append(node)
    return tuple(left), tuple(state.tensors)


def _integers(name: str, array: Array) -> Array:
    """int64. Raises ModelError for what is no whole number."""
    if array.dtype.kind not in "iufb":
        raise ModelError(f"{name}: holds {array.dtype}, not integers")
    whole = np.rint(array.astype(np.float64)) if array.dtype.kind == "f" else array
    if array.dtype.kind == "f" and not np.array_equal(whole, array):
        raise ModelError(f"{name}: holds numbers that are no integers, in a file of integers")
    return whole.astype(np.int64)


def _refuse_unknown(model: OnnxModel) -> None:
    known = {*IMPORTERS, "Constant"}
    unknown = [node for node in model.nodes if node.kind not in known]
    if unknown:
        kinds = sorted({node.kind for node in unknown})
        raise UnsupportedError(
            f"{model.name}: {len(unknown)} of {len(model.nodes)} nodes have operators that are not "
            f"supported in the integer dialect ({', '.join(kinds)})",
            tuple(Refusal(str(node), f"makes {node.output}") for node in unknown),
        )


def _need_few_dimensions(what: str, shape: Shape) -> None:
    if len(shape) > MOST_DIMENSIONS:
        raise ModelError(
            f"{what}: has {len(shape)} dimensions, at most {MOST_DIMENSIONS} are known"
        )


def _refuse_other_inputs(
    inputs: list[OnnxInput], shapes: Mapping[str, Shape], types: Mapping[str, DType]
) -> None:
    names = [item.name for item in inputs]
    for option, given in (("--input-shape", shapes), ("--input-type", types)):
        for name in given:
            if name not in names:
                raise OptionError(f"{option} {name}: the network's inputs are {', '.join(names)}")


def _shape(item: OnnxInput, given: Shape | None) -> Shape:
    text = "x".join(str(d) if d is not None else "?" for d in item.dims)
    if given is not None:
        if len(given) != len(item.dims):
            raise OptionError(f"--input-shape {item.name}: {item.name} has the form {text}")
        return given
    shape = tuple(d if isinstance(d, int) else -1 for d in item.dims)
    if min(shape, default=0) < 0:
        wanted = ",".join(str(n) if n >= 0 else "?" for n in shape)
        raise ModelError(
            f"input {item.name}: its shape {text} is not fixed\n"
            f"  try      --input-shape {item.name}={wanted} with a number for each ?"
        )
    return shape


def _declared(state: Importing, name: str, shape: Shape, dtype: DType) -> Tensor:
    """An input; one without elements is a constant without any."""
    if 0 in shape:
        return Fixed(np.zeros(shape, np.int64))
    value = state.builder.input(
        Value(ValueName(name), TensorType(dtype, shape), None, Origin(name))
    )
    if dtype is DType.S32:
        return Wide(value, shape, plain(shape))
    if dtype is DType.U8:
        return Stored(state.emit(f"{name}.s8", Recentre(), value), shape, plain(shape), UNSIGNED)
    return Stored(value, shape, plain(shape))


def _imported(state: Importing, node: OnnxNode) -> Tensor:
    try:
        constant = import_constant_movement(state, node) if node.inputs else None
        return constant or IMPORTERS[node.kind](state, node)
    except ValueError as error:
        raise ModelError(f"{node}: makes {node.output}: {error}") from None


def _finished(state: Importing, name: str) -> ValueName:
    """An output under its name where that is free: int8, uint8, or int32."""
    if name not in state.tensors:
        raise ModelError(f"{state.name}: nothing makes its output {name}")
    made = as_stored(state, name, state.tensors[name])
    if made is None:
        wide = as_wide(state, name, state.tensors[name])
        return in_order(state, wide, plain(wide.shape)).name
    laid = in_order(state, made, plain(made.shape))
    return state.emit(f"{name}.u8", Recentre(), laid.name) if laid.zero else laid.name
