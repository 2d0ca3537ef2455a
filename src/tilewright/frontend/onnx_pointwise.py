"""Nodes that compute element by element or along rows: activations, sums, means, softmax."""

from collections.abc import Callable
from dataclasses import replace
from math import inf, prod

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_tensors import (
    AS_IMAGE,
    AS_IN_FILE,
    TO_CHANNELS_LAST,
    Constant,
    Importing,
    Layout,
    permuted,
    real,
)
from tilewright.ir.graph import ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Quantisation
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation, Add, BatchNorm, Clip, Mul
from tilewright.ops.layout import Reshape, Transpose
from tilewright.ops.reduce import Mean
from tilewright.ops.softmax import Softmax


def import_unary(make: Callable[[OnnxNode], Op]) -> Callable[[Importing, OnnxNode], None]:
    """An importer of one tensor, in the layout that it has."""

    def import_one(state: Importing, node: OnnxNode) -> None:
        name = node.input(0)
        if state.is_image(name):
            state.emit(node, make(node), (state.image(node, name),), layout=AS_IMAGE)
        else:
            state.emit(node, make(node), (state.value(node, name),))

    return import_one


def import_clip(state: Importing, node: OnnxNode) -> None:
    """Clip with constant bounds (attributes before opset 11)."""
    bounds: list[float] = []
    for index, attribute, unbounded in ((1, "min", -inf), (2, "max", inf)):
        if node.has(index):
            array = state.numbers(node, index, attribute)
            if array.size != 1:
                raise ModelError(
                    f"{node}: {attribute} has shape {list(array.shape)}, not one number"
                )
            bounds.append(float(array.reshape(())))
        elif attribute in node.attributes:
            bounds.append(node.number(attribute, unbounded))
        else:
            bounds.append(unbounded)
    low, high = bounds
    if not low <= high:
        raise ModelError(f"{node}: clips to [{low}, {high}]")
    import_unary(lambda _: Clip(low, high))(state, node)


def import_binary(op: Op) -> Callable[[Importing, OnnxNode], None]:
    """An importer of two tensors, in the layout that one of them has."""

    def import_two(state: Importing, node: OnnxNode) -> None:
        names = (node.input(0), node.input(1))
        inputs = _same_layout(state, node, names)
        is_image = any(state.is_image(n) for n in names) and inputs is not None
        if inputs is None:
            inputs = tuple(state.value(node, name) for name in names)
        state.emit(node, op, inputs, layout=AS_IMAGE if is_image else AS_IN_FILE)

    return import_two


def import_sub(state: Importing, node: OnnxNode) -> None:
    """Sub of a constant: Add of its negative."""
    _with_constant(state, node, Add(), _negative)


def import_div(state: Importing, node: OnnxNode) -> None:
    """Div by a constant: Mul by its inverse."""
    _with_constant(state, node, Mul(), _inverse)


def import_mean(state: Importing, node: OnnxNode) -> None:
    """ReduceMean (axes are an attribute before opset 18)."""
    name = node.input(0)
    shape = state.shape(name)
    listed = node.integers("axes", ())
    if node.has(1):
        listed = tuple(int(a) for a in state.numbers(node, 1, "axes").reshape(-1))
    if not listed and node.integer("noop_with_empty_axes", 0):
        state.emit(node, Reshape(shape), (state.value(node, name),))
        return
    axes = tuple(sorted({a + len(shape) if a < 0 else a for a in listed})) or tuple(
        range(len(shape))
    )
    keeps = node.integer("keepdims", 1) != 0
    if axes == (2, 3) and len(shape) == 4:
        layout = AS_IMAGE if keeps else AS_IN_FILE
        state.emit(node, Mean((1, 2), keeps), (state.image(node, name),), layout=layout)
        return
    state.emit(node, Mean(axes, keeps), (state.value(node, name),))


def import_softmax(state: Importing, node: OnnxNode) -> None:
    """Softmax along one axis; before opset 13 over all dimensions from ``axis`` on."""
    name, shape = node.input(0), state.shape(node.input(0))
    rank = len(shape)
    flattens = node.integer("opset", state.model.opset) < 13
    axis = node.integer("axis", 1 if flattens else -1)
    axis += rank if axis < 0 else 0
    if not 0 <= axis < max(rank, 1):
        raise ModelError(
            f"{node}: axis {node.integer('axis', -1)} is no dimension of {list(shape)}"
        )
    if axis == rank - 1:
        state.emit(node, Softmax(), (state.value(node, name),))
    elif flattens:
        flat = Reshape((prod(shape[:axis]), prod(shape[axis:])))
        x = state.between(name, flat, state.value(node, name))
        state.emit(node, Softmax(), (x,), layout=Layout(then=(Reshape(shape),)))
    else:
        swap = list(range(rank))
        swap[axis], swap[-1] = swap[-1], swap[axis]
        x = state.between(name, Transpose(tuple(swap)), state.value(node, name))
        state.emit(node, Softmax(), (x,), layout=Layout(then=(Transpose(tuple(swap)),)))


def import_batch_norm(state: Importing, node: OnnxNode) -> None:
    """BatchNormalization at inference: statistics are constants, channels are dimension 1."""
    if node.integer("training_mode", 0):
        raise UnsupportedError(f"{node}: training_mode is set; export the network for inference")
    name, shape = node.input(0), state.shape(node.input(0))
    what = ("", "scale", "bias", "mean", "variance")
    tables = [state.numbers(node, i, what[i]).astype(np.float32) for i in range(1, 5)]
    if len(shape) < 2 or any(t.shape != (shape[1],) for t in tables):
        raise ModelError(f"{node}: statistics {[t.shape for t in tables]} do not fit {list(shape)}")
    if np.any(tables[3] < 0):
        raise ModelError(f"{node}: variance {node.input(4)} has negative elements")
    constants = tuple(
        state.declare(node.input(i), Constant(t)) for i, t in enumerate(tables, start=1)
    )
    op = BatchNorm(node.number("epsilon", 1e-5))
    if len(shape) == 4:
        state.emit(node, op, (state.image(node, name), *constants), layout=AS_IMAGE)
    elif len(shape) == 2:
        state.emit(node, op, (state.value(node, name), *constants))
    else:
        # The swap is its own inverse.
        swap = (0, len(shape) - 1, *range(2, len(shape) - 1), 1)
        x = state.between(name, Transpose(swap), state.value(node, name))
        state.emit(node, op, (x, *constants), layout=Layout(then=(Transpose(swap),)))


def _with_constant(
    state: Importing, node: OnnxNode, op: Op, change: Callable[[OnnxNode, Constant], Constant]
) -> None:
    other = change(node, state.constant(node, 1, "second operand"))
    name = f"{node.output}//operand"
    state.constants[name] = other
    import_binary(op)(state, replace(node, inputs=(node.input(0), name)))


def _negative(node: OnnxNode, constant: Constant) -> Constant:
    """The integers' complement negates real numbers: ~q - ~z = -(q - z)."""
    del node
    q = constant.quantisation
    if q is None:
        return Constant(-constant.array)
    top = np.iinfo(constant.array.dtype)
    span = int(top.min) + int(top.max)
    zeros = tuple(span - z for z in q.zero_points)
    return Constant(~constant.array, Quantisation(q.scales, zeros, q.axis))


def _inverse(node: OnnxNode, constant: Constant) -> Constant:
    numbers = real(constant).astype(np.float64)
    if np.any(numbers == 0):
        raise UnsupportedError(f"{node}: divides by zero")
    if constant.quantisation is None:
        return Constant((1.0 / numbers).astype(np.float32))
    if numbers.size != 1:
        raise UnsupportedError(f"{node}: divides by a quantised tensor of several elements")
    # One number r: 1/r is +1 or -1 in steps of 1/|r|.
    step = float(1.0 / np.abs(numbers).reshape(()))
    return Constant(np.sign(numbers).astype(np.int8), Quantisation((step,), (0,)))


def _same_layout(
    state: Importing, node: OnnxNode, names: tuple[str, ...]
) -> tuple[ValueName, ...] | None:
    """All operands with channels last, where that moves no activation; None otherwise."""
    moved: list[ValueName] = []
    if not any(state.is_image(name) for name in names):
        return None
    for name in names:
        if state.is_image(name):
            moved.append(state.image(node, name))
            continue
        if not state.is_constant(name) or state.constants[name].array.ndim > 4:
            return None
        constant = state.constants[name]
        array, q = constant.array, constant.quantisation
        missing = 4 - array.ndim
        if q is not None and q.axis is not None:
            q = replace(q, axis=q.axis + missing)
        whole = Constant(array.reshape((1,) * missing + array.shape), q)
        moved.append(state.declare(name, permuted(whole, TO_CHANNELS_LAST)))
    return tuple(moved)


POINTWISE_IMPORTERS: dict[str, Callable[[Importing, OnnxNode], None]] = {
    "Relu": import_unary(lambda _: Clip(0.0)),
    "Clip": import_clip,
    "Sigmoid": import_unary(lambda _: Activation(Curve.SIGMOID)),
    "Tanh": import_unary(lambda _: Activation(Curve.TANH)),
    "HardSwish": import_unary(lambda _: Activation(Curve.HARD_SWISH)),
    "HardSigmoid": import_unary(
        lambda n: Activation(Curve.HARD_SIGMOID, n.number("alpha", 0.2), n.number("beta", 0.5))
    ),
    "LeakyRelu": import_unary(lambda n: Activation(Curve.LEAKY_RELU, n.number("alpha", 0.01))),
    "Add": import_binary(Add()),
    "Mul": import_binary(Mul()),
    "Sub": import_sub,
    "Div": import_div,
    "ReduceMean": import_mean,
    "Softmax": import_softmax,
    "BatchNormalization": import_batch_norm,
}
