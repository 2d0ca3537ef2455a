"""Gather: rows chosen at run time. Indices are int32 inside, whatever the file has."""

from collections.abc import Callable

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_tensors import Constant, Importing, Layout
from tilewright.ir.graph import ValueName
from tilewright.ir.types import DType
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Reshape


def import_gather(state: Importing, node: OnnxNode) -> None:
    """Gather along one axis; constant indices are checked here."""
    name = node.input(0)
    shape = state.shape(name)
    axis = node.integer("axis", 0)
    if not -len(shape) <= axis < len(shape):
        raise ModelError(f"{node}: axis {axis} is no dimension of {list(shape)}")
    axis %= len(shape)
    # One index alone takes the dimension away: chosen as a row of one, then dropped.
    is_number = state.shape(node.input(1)) == ()
    then = (Reshape((*shape[:axis], *shape[axis + 1 :])),) if is_number else ()
    operands = (state.value(node, name), _indices(state, node, shape[axis]))
    state.emit(node, Gather(axis), operands, layout=Layout(then=then))


GATHER_IMPORTERS: dict[str, Callable[[Importing, OnnxNode], None]] = {"Gather": import_gather}


def _indices(state: Importing, node: OnnxNode, rows: int) -> ValueName:
    name = node.input(1)
    if name not in state.constants:
        value = state.any_value(name)
        if state.builder.values[value].type.dtype is not DType.S32:
            raise UnsupportedError(
                f"{node}: indices {name} are not integers of the network's input"
            )
        return value
    index = state.constants[name].array
    if not index.size:
        raise UnsupportedError(f"{node}: no indices; a tensor without elements is not supported")
    outside = index[(index < -rows) | (index >= rows)]
    if index.dtype.kind not in "iu" or outside.size:
        raise ModelError(
            f"{node}: index {outside.reshape(-1)[0] if outside.size else index.dtype} is outside "
            f"the {rows} rows of {node.input(0)}"
        )
    return state.declare(f"{node.output}.index", Constant(np.atleast_1d(index.astype(np.int32))))
