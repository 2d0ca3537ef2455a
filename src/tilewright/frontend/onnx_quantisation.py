"""Q and DQ nodes: which tensors are stored as integers, and with which parameters."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tilewright.errors import ModelError, QuantisationError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_plain_quantisation import (
    dequantised_blocks,
    dequantize,
    is_computed,
    quantize,
)
from tilewright.frontend.onnx_steps import element_of, is_plain
from tilewright.frontend.onnx_tensors import (
    MOVEMENTS,
    Constant,
    Importing,
    Stored,
    real,
)
from tilewright.ir.graph import Origin, Value
from tilewright.ir.types import Array, DType, Quantisation
from tilewright.ops.elementwise import Clip
from tilewright.ops.quantise import Quantize

ELEMENT_TYPES: Mapping[int, DType] = {2: DType.U8, 3: DType.S8, 5: DType.S16, 6: DType.S32}
"""Numbers of TensorProto.DataType, as the attribute output_dtype gives them."""

PLAIN = frozenset({DType.S16})
"""Types that no integer kernel takes: what is stored so is computed with as real numbers."""


def parameters(
    node: OnnxNode, constants: Mapping[str, Constant], shape: tuple[int, ...] | None
) -> tuple[Quantisation, DType | None]:
    """Scales and zero points of a Q or DQ node, and the element type that its zero point has.

    shape  of the tensor, where it is known: parameters along an axis must fit it
    Raises QuantisationError for parameters that are missing, not constant, or unusable.
    """
    if node.integer("block_size", 0):
        raise UnsupportedError(
            f"{node}: blocked quantisation (block_size {node.integer('block_size', 0)}) is not "
            "supported; per tensor and per channel are"
        )
    scales = _numbers(node, 1, "scale", constants)
    zeros = np.zeros(scales.shape, np.int64)
    dtype = None
    if node.has(2):
        stored = _numbers(node, 2, "zero point", constants)
        if stored.dtype.name not in {d.value for d in DType if not d.is_float}:
            raise UnsupportedError(f"{node}: quantises to {stored.dtype}; int8 and uint8 are known")
        zeros, dtype = stored.astype(np.int64), DType(stored.dtype.name)
    if scales.ndim > 1 or zeros.size not in (1, scales.size) or not scales.size:
        raise QuantisationError(
            f"{node}: scale has shape {list(scales.shape)} and zero point {list(zeros.shape)}; "
            "one each per tensor, or one each per channel"
        )
    scales = scales.astype(np.float64).reshape(-1)
    bad = scales[~(np.isfinite(scales) & (scales > 0))]
    if bad.size:
        raise QuantisationError(f"{node}: scale {bad[0]} is not a finite positive number")
    zeros = np.broadcast_to(zeros.reshape(-1), scales.shape)
    axis = None if scales.size == 1 else _axis(node, scales.size, shape)
    quantisation = Quantisation(tuple(float(s) for s in scales), tuple(int(z) for z in zeros), axis)
    return quantisation, dtype


def stored_tensors(
    nodes: Iterable[OnnxNode], constants: Mapping[str, Constant], inputs: Mapping[str, DType],
    elements: Mapping[str, str],
) -> dict[str, Stored]:  # fmt: skip
    """Every tensor that a Q node makes or a DQ node reads, constants and those excepted that are
    computed with as plain integers.

    inputs    element types of graph inputs, as they are held
    elements  element types in the file
    Raises QuantisationError where two nodes disagree about one tensor.
    """
    found: dict[str, Stored] = {}
    for node in nodes:
        if node.kind not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        name = node.output if node.kind == "QuantizeLinear" else node.input(0)
        if name in constants or node.output in constants:
            continue
        if is_computed(node, constants, elements):
            continue
        quantisation, dtype = parameters(node, constants, None)
        dtype = dtype or inputs.get(name) or _declared(node) or DType.U8
        if dtype in PLAIN and quantisation.is_per_tensor:
            continue
        if not quantisation.is_per_tensor:
            raise QuantisationError(
                f"{node}: activation {name} has {quantisation}; activations need one scale"
            )
        if dtype not in (DType.S8, DType.U8):
            raise UnsupportedError(
                f"{node}: activation {name} is {dtype}; int8 and uint8 are supported"
            )
        stored = Stored(dtype, quantisation)
        if found.setdefault(name, stored) != stored:
            raise QuantisationError(
                f"{node}: tensor {name} has {quantisation} ({dtype}) here, but "
                f"{found[name].quantisation} ({found[name].dtype}) at another node"
            )
    _spread(found, tuple(nodes), constants)
    _withdraw(found, tuple(nodes), constants)
    return found


def _spread(
    found: dict[str, Stored], nodes: Sequence[OnnxNode], constants: Mapping[str, Constant]
) -> None:
    """What is moved before a DequantizeLinear reads it was stored so before, too."""
    for node in reversed(nodes):
        if node.kind not in MOVEMENTS and node.kind != "Concat":
            continue
        known = next((found[name] for name in node.outputs if name in found), None)
        if known is None:
            continue
        for name in node.inputs if node.kind == "Concat" else node.inputs[:1]:
            if name not in constants:
                found.setdefault(name, known)


def _withdraw(
    found: dict[str, Stored], nodes: Sequence[OnnxNode], constants: Mapping[str, Constant]
) -> None:
    """Integers of several scales that are joined before one DequantizeLinear stand for themselves:
    no scale says what they mean on both sides of the joint. Moved ones follow."""
    sources = {node.output: node for node in nodes}
    while True:
        doubtful: set[str] = set()
        for node in nodes:
            is_joint = node.kind == "Concat"
            if not is_joint and node.kind not in MOVEMENTS:
                continue
            inputs = node.inputs if is_joint else node.inputs[:1]
            joined = [n for n in (*inputs, node.output) if n not in constants]
            known = [n for n in joined if n in found]
            if known and (node.output in found or (is_joint and _are_integers(known, sources))):
                # A result of which nobody says what it means, means what all that is joined means.
                said = [n for n in joined if n != node.output or n in found]
                kinds = {found.get(name) for name in said}
                doubtful.update(known if len(kinds) > 1 else ())
        if not doubtful:
            return
        for name in doubtful:
            del found[name]


def _are_integers(names: Sequence[str], sources: Mapping[str, OnnxNode]) -> bool:
    """Whether tensors come out of QuantizeLinear nodes."""
    return all(n in sources and sources[n].kind == "QuantizeLinear" for n in names)


def import_quantize(state: Importing, node: OnnxNode) -> None:
    """QuantizeLinear: nothing where its producer stores the result already."""
    if node.output not in state.stored:
        quantize(state, node)
        return
    x, stored = node.input(0), state.stored[node.output]
    state.integers.add(node.output)
    if not state.is_stored(x):
        op = Quantize(stored.quantisation.scale, stored.quantisation.zero_point, stored.dtype)
        _append(state, node, op, stored)
        return
    held = state.held_value(x)
    if (held.type.dtype, held.quantisation) == (stored.dtype, stored.quantisation):
        if state.held(x) != node.output:
            state.alias(node.output, x)
        return
    _append(state, node, Clip(), stored)


def import_dequantize(state: Importing, node: OnnxNode) -> None:
    """DequantizeLinear: its result is the stored tensor, read as real numbers."""
    name = node.input(0)
    held = state.held_value(name)
    state.elements[node.output] = element_of(state, node.input(1))
    if is_computed(node, state.constants, state.model.elements) or is_plain(state, name):
        dequantize(state, node)
        return
    quantisation, _ = parameters(node, state.constants, held.type.shape)
    if held.quantisation is None:
        raise QuantisationError(f"{node}: tensor {name} holds real numbers, not stored integers")
    if held.quantisation != quantisation:
        raise QuantisationError(
            f"{node}: reads {name} with {quantisation}, but it is stored with {held.quantisation}"
        )
    state.alias(node.output, name)


def quantised_constant(node: OnnxNode, constants: Mapping[str, Constant]) -> Constant:
    """QuantizeLinear or DequantizeLinear of a constant: the integers and what they stand for."""
    constant = constants[node.input(0)]
    array = constant.array
    if node.integer("block_size", 0) and node.kind == "DequantizeLinear":
        return dequantised_blocks(node, constants)
    quantisation, dtype = parameters(node, constants, array.shape)
    if node.kind == "DequantizeLinear":
        if array.dtype.kind not in "iu":
            raise QuantisationError(f"{node}: {node.input(0)} is {array.dtype}, not integers")
        zeros, held = np.array(quantisation.zero_points), np.iinfo(array.dtype)
        if np.any((zeros < held.min) | (zeros > held.max)):
            raise QuantisationError(f"{node}: zero point is outside {array.dtype}")
        return Constant(array, quantisation)
    dtype = dtype or _declared(node) or DType.U8
    shape = [1] * array.ndim
    if quantisation.axis is not None:
        shape[quantisation.axis] = -1
    scales = np.array(quantisation.scales, np.float32).reshape(shape)
    zeros = np.array(quantisation.zero_points).reshape(shape)
    with np.errstate(all="ignore"):
        rounded = np.nan_to_num(np.rint(real(constant) / scales))
    return Constant(np.clip(rounded + zeros, dtype.low, dtype.high).astype(dtype.numpy))


def _append(state: Importing, node: OnnxNode, op: Quantize | Clip, stored: Stored) -> None:
    x = state.any_value(node.input(0))
    shape = state.shape(node.input(0))
    name = state.builder.fresh(node.output)
    type_ = op.infer(state.builder.values[x].type)
    assert type_.shape == shape
    type_ = type(type_)(stored.dtype, shape)
    value = Value(name, type_, stored.quantisation, Origin(node.output))
    state.values[node.output] = state.builder.node(node.name, op, (x,), value)


def _numbers(node: OnnxNode, index: int, what: str, constants: Mapping[str, Constant]) -> Array:
    name = node.input(index)
    if name not in constants:
        raise QuantisationError(f"{node}: {what} {name} is computed at run time, not constant")
    constant = constants[name]
    return constant.array if constant.quantisation is None else real(constant)


def _axis(node: OnnxNode, count: int, shape: tuple[int, ...] | None) -> int:
    axis = node.integer("axis", 1)
    if shape is None:
        return axis
    axis += len(shape) if axis < 0 else 0
    if not 0 <= axis < len(shape) or shape[axis] != count:
        raise QuantisationError(
            f"{node}: {count} scales along axis {node.integer('axis', 1)} do not fit "
            f"{node.input(0)} of shape {list(shape)}"
        )
    return axis


def _declared(node: OnnxNode) -> DType | None:
    number = node.integer("output_dtype", 0)
    if number and number not in ELEMENT_TYPES:
        raise ModelError(f"{node}: output_dtype {number} is not supported; int8 and uint8 are")
    return ELEMENT_TYPES.get(number)
