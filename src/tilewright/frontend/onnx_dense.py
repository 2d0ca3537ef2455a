"""Matrix products: Gemm and MatMul with constant weights, MatMul of two activations."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_tensors import Constant, Importing, Layout, permuted
from tilewright.frontend.onnx_windows import bias_of
from tilewright.ir.graph import ValueName
from tilewright.ops.dense import Dense
from tilewright.ops.layout import Reshape, Transpose
from tilewright.ops.matmul import MatMul


def import_gemm(state: Importing, node: OnnxNode) -> None:
    """Gemm: alpha * A @ B + beta * C with constant B and C."""
    weights = _matrix(state, node)
    if not node.integer("transB", 0):
        weights = permuted(weights, (1, 0))
    weights = _times(node, weights, node.number("alpha", 1.0))
    x = state.value(node, node.input(0))
    if node.integer("transA", 0):
        x = state.between(node.input(0), Transpose((1, 0)), x)
    bias = _gemm_bias(state, node, weights.array.shape[0])
    state.emit(node, Dense(), (x, state.declare(node.input(1), weights), bias))


def import_matmul(state: Importing, node: OnnxNode) -> None:
    """MatMul: a dense layer where the second operand is a constant matrix, else a product."""
    if not state.is_constant(node.input(1)) or len(state.shape(node.input(1))) > 2:
        _import_product(state, node)
        return
    weights = permuted(_matrix(state, node), (1, 0))
    x = state.value(node, node.input(0))
    bias = bias_of(state, node, 2, weights.array.shape[0])
    state.emit(node, Dense(), (x, state.declare(node.input(1), weights), bias))


def _import_product(state: Importing, node: OnnxNode) -> None:
    """Vectors as numpy has them: a row on the left, a column on the right, dropped at the end."""
    names = node.input(0), node.input(1)
    shapes = [state.shape(name) for name in names]
    if all(len(shape) < 2 for shape in shapes):
        raise UnsupportedError(f"{node}: a product of two vectors is one number; not supported")
    operands: list[ValueName] = []
    for name, shape, grown in zip(names, shapes, ((1, -1), (-1, 1)), strict=True):
        value = state.value(node, name)
        if len(shape) == 1:
            matrix = tuple(shape[0] if n < 0 else n for n in grown)
            value = state.between(name, Reshape(matrix), value)
        operands.append(value)
    op = MatMul()
    made = op.infer(*(state.builder.values[name].type for name in operands)).shape
    then: tuple[Reshape, ...] = ()
    if len(shapes[0]) == 1:
        then = (Reshape((*made[:-2], made[-1])),)
    elif len(shapes[1]) == 1:
        then = (Reshape(made[:-1]),)
    state.emit(node, op, operands, layout=Layout(then=then))


def _matrix(state: Importing, node: OnnxNode) -> Constant:
    weights = state.constant(node, 1, "weights")
    if weights.array.ndim != 2:
        raise UnsupportedError(
            f"{node}: weights {node.input(1)} have shape {list(weights.array.shape)}; a matrix "
            "product needs two dimensions"
        )
    return weights


def _times(node: OnnxNode, constant: Constant, factor: float) -> Constant:
    """The constant times a real factor, exactly in its scale where it is quantised."""
    if factor == 1.0:
        return constant
    if constant.quantisation is None:
        return Constant((constant.array * np.float32(factor)).astype(np.float32))
    if factor <= 0:
        raise UnsupportedError(f"{node}: factor {factor} of quantised operands must be positive")
    scales = tuple(scale * factor for scale in constant.quantisation.scales)
    return Constant(constant.array, replace(constant.quantisation, scales=scales))


def _gemm_bias(state: Importing, node: OnnxNode, channels: int) -> ValueName:
    if not node.has(2):
        return bias_of(state, node, 2, channels)
    bias = state.constant(node, 2, "bias")
    array = bias.array
    if array.size not in (1, channels) or (array.ndim > 1 and array.shape[-1] != array.size):
        raise ModelError(
            f"{node}: bias {node.input(2)} has shape {list(array.shape)}, the layer {channels} "
            "output channels; one number per channel is supported"
        )
    quantisation = bias.quantisation
    if quantisation is not None and not quantisation.is_per_tensor:
        quantisation = replace(quantisation, axis=0)
    flat = Constant(np.resize(array.reshape(-1), channels), quantisation)
    return state.declare(node.input(2), _times(node, flat, node.number("beta", 1.0)))


DENSE_IMPORTERS: dict[str, Callable[[Importing, OnnxNode], None]] = {
    "Gemm": import_gemm,
    "MatMul": import_matmul,
}
