"""Results that are known at import: the shape arithmetic of converters, over constant integers."""

from collections.abc import Callable, Mapping

import numpy as np

from tilewright.errors import ModelError
from tilewright.frontend.tflite_file import TfliteOperator
from tilewright.frontend.tflite_movement import strided_slicing
from tilewright.frontend.tflite_network import PLAIN_TYPES, Network
from tilewright.frontend.tflite_steps import Steps
from tilewright.ir.types import Array

Fold = Callable[[Steps, tuple[Array, ...]], Array]

LARGEST_FOLD = 2**24
"""Elements that a folded operator may make; shape arithmetic never needs more."""


def fold(network: Network, op: TfliteOperator) -> bool:
    """Whether the operator's one result is known now; it then is a constant of ``network``.

    Only integers that stand for themselves are computed here; reals and stored ones wait.
    Raises ModelError where the operator contradicts its inputs.
    """
    if len(op.outputs) != 1:
        return False
    result = network.result(op)
    try:
        if op.kind in ("SHAPE", "RANK"):
            shape = network.shape_of(op, 0)
            array = np.array(shape if op.kind == "SHAPE" else len(shape))
        elif op.kind in _FOLDS and _is_plain(network, op):
            arrays = tuple(network.constant(op, i) for i in range(len(op.inputs)))
            array = np.asarray(_FOLDS[op.kind](Steps(network, op), arrays))
        else:
            return False
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise ModelError(
            f"{network.label(op)}: cannot be computed from its constant inputs: {error}"
        ) from None
    network.constants[result.index] = array.astype(np.dtype(result.dtype))
    return True


def _is_plain(network: Network, op: TfliteOperator) -> bool:
    """Whether every operand is known and the result holds plain integers, or reals made of them."""
    known = [
        index in network.constants or network.file.tensors[index].data is not None
        for index in op.inputs
        if index >= 0
    ]
    results = (*PLAIN_TYPES, "float32")
    is_real = op.kind in ("FILL", "CAST", "RANGE", "ZEROS_LIKE")
    kinds = results if is_real else PLAIN_TYPES
    operands = [network.file.tensors[index].dtype for index in op.inputs if index >= 0]
    return (
        all(known)
        and network.result(op).dtype in kinds
        and all(dtype in results for dtype in operands)
    )


def _filled(steps: Steps, arrays: tuple[Array, ...]) -> Array:
    shape = tuple(int(n) for n in arrays[0].reshape(-1))
    if min(shape, default=1) < 1 or np.prod(shape, dtype=np.float64) > LARGEST_FOLD:
        raise ValueError(f"{steps.label}: shape {list(shape)}")
    return np.full(shape, arrays[1].reshape(()))


def _range(steps: Steps, arrays: tuple[Array, ...]) -> Array:
    start, limit, delta = (float(a.reshape(-1)[0]) for a in arrays)
    if not delta or abs((limit - start) / delta) > LARGEST_FOLD:
        raise ValueError(f"{steps.label}: a range from {start} to {limit} by {delta}")
    return np.arange(start, limit, delta)


def _packed(steps: Steps, arrays: tuple[Array, ...]) -> Array:
    return np.stack(arrays, axis=steps.option(1))


def _joined(steps: Steps, arrays: tuple[Array, ...]) -> Array:
    return np.concatenate(arrays, axis=steps.option(0))


def _sliced(steps: Steps, arrays: tuple[Array, ...]) -> Array:
    return arrays[0][strided_slicing(steps, arrays[0].ndim)]


def _piece(_: Steps, arrays: tuple[Array, ...]) -> Array:
    x, begin, size = arrays
    return x[
        tuple(
            slice(int(b), None if s == -1 else int(b + s)) for b, s in zip(begin, size, strict=True)
        )
    ]


def _gathered(steps: Steps, arrays: tuple[Array, ...]) -> Array:
    return np.take(arrays[0], arrays[1], axis=steps.option(0))


def _reshaped(_: Steps, arrays: tuple[Array, ...]) -> Array:
    return arrays[0].reshape(tuple(int(n) for n in arrays[1].reshape(-1)))


def _squeezed(steps: Steps, arrays: tuple[Array, ...]) -> Array:
    axes = () if steps.op.options is None else steps.op.options.integers(0)
    return np.squeeze(arrays[0], axes or None)


def _product(steps: Steps, arrays: tuple[Array, ...]) -> Array:
    axes = tuple(int(a) for a in arrays[1].reshape(-1))
    return np.prod(arrays[0], axis=axes, keepdims=steps.flag(0))


def _broadcast(_: Steps, arrays: tuple[Array, ...]) -> Array:
    shapes = [tuple(int(n) for n in a) for a in arrays]
    return np.array(np.broadcast_shapes(*shapes))


_FOLDS: Mapping[str, Fold] = {
    "ADD": lambda _, a: np.add(*a),
    "BROADCAST_ARGS": _broadcast,
    "CAST": lambda _, a: a[0],
    "CONCATENATION": _joined,
    "EQUAL": lambda _, a: np.equal(*a),
    "EXPAND_DIMS": lambda _, a: np.expand_dims(a[0], int(a[1].reshape(()))),
    "FILL": _filled,
    "FLOOR_DIV": lambda _, a: np.floor_divide(*a),
    "GATHER": _gathered,
    "GREATER": lambda _, a: np.greater(*a),
    "GREATER_EQUAL": lambda _, a: np.greater_equal(*a),
    "LESS": lambda _, a: np.less(*a),
    "LESS_EQUAL": lambda _, a: np.less_equal(*a),
    "LOGICAL_AND": lambda _, a: np.logical_and(*a),
    "LOGICAL_NOT": lambda _, a: np.logical_not(a[0]),
    "LOGICAL_OR": lambda _, a: np.logical_or(*a),
    "MAXIMUM": lambda _, a: np.maximum(*a),
    "MINIMUM": lambda _, a: np.minimum(*a),
    "MUL": lambda _, a: np.multiply(*a),
    "NOT_EQUAL": lambda _, a: np.not_equal(*a),
    "PACK": _packed,
    "RANGE": _range,
    "REDUCE_PROD": _product,
    "RESHAPE": _reshaped,
    "SLICE": _piece,
    "SQUEEZE": _squeezed,
    "STRIDED_SLICE": _sliced,
    "SUB": lambda _, a: np.subtract(*a),
    "ZEROS_LIKE": lambda _, a: np.zeros_like(a[0]),
}
