"""QuantizeLinear and DequantizeLinear that no integer kernel takes, computed as the file says.

That is: scales or zero points that are computed at run time, several of them for an activation (per
channel or per block), and element types other than int8 and uint8.
"""

from collections.abc import Mapping

import numpy as np

from tilewright.errors import ModelError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_reductions import normal_axis
from tilewright.frontend.onnx_steps import NARROW, REALS, SHORT, Steps, element_of
from tilewright.frontend.onnx_tensors import Constant, Importing
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array, DType
from tilewright.ops.binary import BinaryKind
from tilewright.ops.convert import ToReal, Truncate
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Clip

STORED = frozenset({"int8", "uint8"})
"""Element types that stand for reals inside."""


def is_computed(
    node: OnnxNode, constants: Mapping[str, Constant], elements: Mapping[str, str]
) -> bool:
    """Whether a Q or DQ node of an activation has one of the forms of this module.

    elements  element types that the file gives inputs, initialisers and outputs
    """
    given = [name for name in node.inputs[1:3] if name]
    if not given or any(name not in constants for name in given):
        return True
    if node.integer("block_size", 0) or constants[given[0]].array.size > 1:
        return True
    kind = _element(node, constants, elements)
    if kind is None and node.kind == "DequantizeLinear":
        kind = elements.get(node.input(0))
    return kind is not None and kind not in STORED


def _element(
    node: OnnxNode, constants: Mapping[str, Constant], elements: Mapping[str, str]
) -> str | None:
    """The element type of the stored side, where the node itself says it."""
    from onnx.helper import tensor_dtype_to_np_dtype

    if node.has(2):
        name = node.input(2)
        known = constants[name].array.dtype.name if name in constants else None
        return elements.get(name, known)
    number = node.integer("output_dtype", 0) if node.kind == "QuantizeLinear" else 0
    return np.dtype(tensor_dtype_to_np_dtype(number)).name if number else None


def _spread(steps: Steps, index: int, x: ValueName) -> ValueName:
    """A scale or zero point in a shape that broadcasts to x."""
    made, shape = steps.operand(index), steps.shape(x)
    have = steps.shape(made)
    if not have or have == (1,):
        return steps.reshaped(made, ())
    axis = normal_axis(steps.node, steps.node.integer("axis", 1), len(shape))
    block = steps.node.integer("block_size", 0)
    if block and len(have) == len(shape):
        return steps.chosen(made, axis, np.arange(shape[axis]) // block)
    if have != (shape[axis],):
        raise ModelError(
            f"{steps.node}: {steps.node.input(index)} of shape {list(have)} does not fit axis "
            f"{axis} of {list(shape)}"
        )
    return steps.reshaped(made, (*(1,) * axis, *have, *(1,) * (len(shape) - axis - 1)))


def _real(steps: Steps, x: ValueName) -> ValueName:
    return steps.do(ToReal(), x) if steps.is_whole(x) else x


def quantize(state: Importing, node: OnnxNode) -> None:
    """QuantizeLinear: round(x / scale) + zero, saturated; float8 types are rounded to instead."""
    steps = Steps(state, node)
    x = _real(steps, steps.operand(0))
    element = _element(node, state.constants, state.model.elements)
    if element is None and node.has(2):
        element = element_of(state, node.input(2))
    element = element or "uint8"
    quotient = steps.binary(BinaryKind.DIV, x, _spread(steps, 1, x))
    if element in SHORT:
        steps.finish(steps.do(SHORT[element], quotient), element)
        return
    if element not in NARROW:
        raise ModelError(f"{node}: quantises to {element}")
    made = steps.curve(Curve.ROUND, quotient)
    if node.has(2):
        made = steps.binary(BinaryKind.ADD, made, _real(steps, _spread(steps, 2, x)))
    bits, is_signed = NARROW[element]
    low = -(2 ** (bits - 1)) if is_signed else 0
    made = steps.do(Clip(float(low), float(low + 2**bits - 1)), made)
    steps.finish(steps.do(Truncate(), made), element)


def dequantize(state: Importing, node: OnnxNode) -> None:
    """DequantizeLinear: (x - zero) * scale."""
    steps = Steps(state, node)
    x = steps.operand(0)
    if node.has(2):
        zero = _spread(steps, 2, x)
        if steps.type(x).dtype is not DType.S32:
            x, zero = _real(steps, x), _real(steps, zero)
        x = steps.binary(BinaryKind.SUB, x, zero)
    made = steps.binary(BinaryKind.MUL, _real(steps, x), _spread(steps, 1, x))
    element = element_of(state, node.input(1))
    steps.finish(made, element if element in REALS else "float32")


def dequantised_blocks(node: OnnxNode, constants: Mapping[str, Constant]) -> Constant:
    """A constant whose scales hold for blocks of one axis, as real numbers.

    Raises ModelError where a block does not fit the tensor.
    """
    array = constants[node.input(0)].array
    axis = normal_axis(node, node.integer("axis", 1), array.ndim)
    places: Array = np.arange(int(array.shape[axis])) // node.integer("block_size", 0)

    def whole(index: int) -> Array:
        name = node.input(index)
        if name not in constants or constants[name].array.ndim != array.ndim:
            raise ModelError(f"{node}: {name} has no element for each block")
        if places[-1] >= constants[name].array.shape[axis]:
            raise ModelError(f"{node}: {name} has fewer elements than there are blocks")
        return np.take(constants[name].array, places, axis)

    centred = array.astype(np.float32)
    if node.has(2):
        centred = centred - whole(2).astype(np.float32)
    return Constant((centred * whole(1)).astype(np.float32))
