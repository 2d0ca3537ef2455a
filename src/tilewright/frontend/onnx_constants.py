"""Nodes whose results are known at import: constants, and the shape arithmetic of exporters."""

from collections.abc import Callable, Mapping

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import LARGEST_TENSOR, OnnxNode
from tilewright.frontend.onnx_quantisation import quantised_constant
from tilewright.frontend.onnx_steps import SHORT
from tilewright.frontend.onnx_tensors import Constant, permuted, real
from tilewright.ir.types import Array

Fold = Callable[[OnnxNode, tuple[Array, ...]], Array]

LARGEST_FOLD = 2**24
"""Elements that a folded node may make; shape arithmetic never needs more."""

NUMPY_TYPES: Mapping[int, type[np.generic]] = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64,
    9: np.bool_, 10: np.float16, 11: np.float32, 12: np.uint32, 13: np.uint64,
}  # fmt: skip
"""TensorProto.DataType as Cast gives it; double is kept as float32."""


BFLOAT16 = 16


def fold(node: OnnxNode, constants: Mapping[str, Constant]) -> Constant | None:
    """The node's result where every input is constant and it can be computed here; else None.

    Raises ModelError where the node contradicts its inputs.
    """
    if not all(name in constants for name in node.inputs if name):
        return None
    if node.kind in ("QuantizeLinear", "DequantizeLinear"):
        return quantised_constant(node, constants)
    first = constants[node.inputs[0]] if node.has(0) else None
    if node.kind == "Identity":
        return first
    if node.kind == "Transpose" and first is not None:
        return permuted(first, _permutation(node, first.array.ndim))
    if node.kind not in _FOLDS or any(node.outputs[1:]):
        return None
    quantisation = None
    if first is not None and node.kind in _RESHAPES and _has_one_scale(first):
        first, quantisation = Constant(first.array), first.quantisation
    rest = [_array(constants[name]) if name else np.empty(0) for name in node.inputs[1:]]
    arrays = (_array(first), *rest) if first is not None else ()
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(_FOLDS[node.kind](node, arrays))
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as error:
        raise ModelError(f"{node}: cannot be computed from its constant inputs: {error}") from None
    return Constant(result, quantisation)


def _has_one_scale(constant: Constant) -> bool:
    return constant.quantisation is not None and constant.quantisation.is_per_tensor


def _array(constant: Constant) -> Array:
    return constant.array if constant.quantisation is None else real(constant)


def _permutation(node: OnnxNode, rank: int) -> tuple[int, ...]:
    perm = node.integers("perm", tuple(reversed(range(rank))))
    if sorted(perm) != list(range(rank)):
        raise ModelError(f"{node}: {perm} is no permutation of {rank} dimensions")
    return perm


def _constant(node: OnnxNode, _: tuple[Array, ...]) -> Array:
    for name, dtype in (
        ("value", None), ("value_float", np.float32), ("value_floats", np.float32),
        ("value_int", np.int64), ("value_ints", np.int64),
    ):  # fmt: skip
        if name in node.attributes:
            return np.asarray(node.attributes[name], dtype)
    raise ValueError("it has no value of a supported kind")


def _cast(node: OnnxNode, arrays: tuple[Array, ...]) -> Array:
    to = node.integer("to", 0)
    if to == BFLOAT16:
        return SHORT["bfloat16"].evaluate(arrays[0].astype(np.float32))
    if to not in NUMPY_TYPES:
        raise UnsupportedError(f"{node}: casts to element type {to}, which is not supported")
    made = arrays[0].astype(NUMPY_TYPES[to])
    return made.astype(np.float32) if made.dtype.kind == "f" else made


def _axes(node: OnnxNode, arrays: tuple[Array, ...], rank: int) -> tuple[int, ...]:
    """Axes from the attribute (before opset 13) or the second input, all >= 0."""
    listed = node.integers("axes", ())
    if len(arrays) > 1:
        listed = tuple(int(a) for a in arrays[1].reshape(-1))
    return tuple(a + rank if a < 0 else a for a in listed)


def _squeeze(node: OnnxNode, arrays: tuple[Array, ...]) -> Array:
    return np.squeeze(arrays[0], _axes(node, arrays, arrays[0].ndim) or None)


def _unsqueeze(node: OnnxNode, arrays: tuple[Array, ...]) -> Array:
    count = len(_axes(node, arrays, 0))
    return np.expand_dims(arrays[0], _axes(node, arrays, arrays[0].ndim + count))


def _slice(node: OnnxNode, arrays: tuple[Array, ...]) -> Array:
    x, starts, stops = arrays[:3]
    axes = arrays[3] if node.has(3) else np.arange(starts.size)
    steps = arrays[4] if node.has(4) else np.ones(starts.size, np.int64)
    index = [slice(None)] * x.ndim
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        # A stop beyond the front (INT_MIN with a negative step) means "to the first element".
        end = None if step < 0 and stop < -x.shape[axis] else int(stop)
        index[int(axis)] = slice(int(start), end, int(step))
    return x[tuple(index)]


def _reshape(node: OnnxNode, arrays: tuple[Array, ...]) -> Array:
    x, shape = arrays
    wish = [int(n) for n in shape.reshape(-1)]
    if not node.integer("allowzero", 0):
        wish = [x.shape[i] if n == 0 else n for i, n in enumerate(wish)]
    return x.reshape(wish)


def _filled(node: OnnxNode, arrays: tuple[Array, ...]) -> Array:
    shape = tuple(int(n) for n in arrays[0].reshape(-1))
    if any(n < 0 for n in shape) or np.prod(shape, dtype=np.float64) > LARGEST_FOLD:
        raise ValueError(f"shape {shape}")
    return np.full(shape, np.asarray(node.attributes.get("value", np.float32(0))).reshape(()))


def _quotient(node: OnnxNode, arrays: tuple[Array, ...]) -> Array:
    a, b = _small(arrays)
    del node
    if a.dtype.kind == "f":
        return a / b
    return np.trunc(a / b).astype(a.dtype)


def _small(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    if np.prod(shape, dtype=np.float64) > LARGEST_TENSOR:
        raise ValueError(f"shape {shape}")
    return arrays


def _gather(node: OnnxNode, arrays: tuple[Array, ...]) -> Array:
    x, index = arrays
    if x.size // max(x.shape[0], 1) * index.size > LARGEST_FOLD:
        raise ValueError(f"{index.size} indices")
    return np.take(x, index.astype(np.int64), axis=node.integer("axis", 0))


_RESHAPES = frozenset({"Squeeze", "Unsqueeze", "Reshape"})
"""They keep the stored integers of a tensor with one scale."""

_FOLDS: Mapping[str, Fold] = {
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Cast": _cast,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Reshape": _reshape,
    "Gather": _gather,
    "Concat": lambda node, a: np.concatenate(
        [x for x in a if x.size] or a, axis=node.integer("axis", 0)
    ),
    "Add": lambda _, a: np.add(*_small(a)),
    "Sub": lambda _, a: np.subtract(*_small(a)),
    "Mul": lambda _, a: np.multiply(*_small(a)),
    "Div": _quotient,
    "Neg": lambda _, a: np.negative(a[0]),
    "Floor": lambda _, a: np.floor(a[0]),
    "Ceil": lambda _, a: np.ceil(a[0]),
    "Sqrt": lambda _, a: np.sqrt(a[0]),
}
