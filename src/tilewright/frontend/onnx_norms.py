"""Nodes that normalise rows: LayerNormalization and RMSNormalization."""

from collections.abc import Callable
from math import prod

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_tensors import AS_IN_FILE, Constant, Importing, Layout
from tilewright.ir.graph import ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Shape
from tilewright.ops.layout import Reshape
from tilewright.ops.normalisation import LayerNorm, RmsNorm

DEFAULT_EPSILON = 1e-5


def import_layer_norm(state: Importing, node: OnnxNode) -> None:
    """LayerNormalization (opset 17), with a bias of zeros where the file has none."""
    _import_norm(state, node, LayerNorm(_epsilon(node)), ("scale", "bias"))


def import_rms_norm(state: Importing, node: OnnxNode) -> None:
    """RMSNormalization (opset 23)."""
    _import_norm(state, node, RmsNorm(_epsilon(node)), ("scale",))


def _import_norm(state: Importing, node: OnnxNode, op: Op, tables: tuple[str, ...]) -> None:
    """All dimensions from ``axis`` on are one row."""
    name = node.input(0)
    shape = state.shape(name)
    axis = node.integer("axis", -1)
    first = axis + len(shape) if axis < 0 else axis
    if not 0 <= first < len(shape):
        raise ModelError(f"{node}: axis {axis} is no dimension of {list(shape)}")
    row = shape[first:]
    constants = [
        _table(state, node, index, what, row) for index, what in enumerate(tables, start=1)
    ]
    if len(row) == 1:
        state.emit(node, op, (state.value(node, name), *constants), layout=AS_IN_FILE)
        return
    flat = Reshape((*shape[:first], prod(row)))
    x = state.between(name, flat, state.value(node, name))
    state.emit(node, op, (x, *constants), layout=Layout(then=(Reshape(shape),)))


def _table(state: Importing, node: OnnxNode, index: int, what: str, row: Shape) -> ValueName:
    """A constant of one row's shape, repeated as needed, in real numbers."""
    if not node.has(index):
        array = np.zeros(prod(row), np.float32)
        return state.declare(f"{node.output}.{what}", Constant(array))
    array = state.numbers(node, index, what).astype(np.float32)
    extra = array.ndim - len(row)
    if any(n != 1 for n in array.shape[: max(extra, 0)]):
        raise UnsupportedError(
            f"{node}: {what} {node.input(index)} of shape {list(array.shape)} differs from row to "
            f"row; one of shape {list(row)} is supported"
        )
    try:
        whole = np.broadcast_to(array.reshape(array.shape[max(extra, 0) :]), row)
    except ValueError:
        raise ModelError(
            f"{node}: {what} {node.input(index)} of shape {list(array.shape)} does not fit rows of "
            f"{list(row)}"
        ) from None
    return state.declare(f"{node.output}.{what}", Constant(whole.reshape(-1)))


def _epsilon(node: OnnxNode) -> float:
    epsilon = node.number("epsilon", DEFAULT_EPSILON)
    if epsilon < 0:
        raise ModelError(f"{node}: epsilon is {epsilon}, a negative number")
    return epsilon


NORM_IMPORTERS: dict[str, Callable[[Importing, OnnxNode], None]] = {
    "LayerNormalization": import_layer_norm,
    "RMSNormalization": import_rms_norm,
}
