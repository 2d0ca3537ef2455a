"""TensorFlow Lite operators in real-number meaning: one rule per operator of the schema.

Slots are positions in the option tables of the published schema
(tensorflow/lite/schema/schema.fbs); meanings follow the TensorFlow Lite operator and 8-bit
quantisation specifications.
"""

from collections.abc import Mapping
from math import inf

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.lower.lowering import dequantised
from tilewright.frontend.tflite_file import TfliteOperator
from tilewright.frontend.tflite_layers import (
    fused_clip,
    import_conv_2d,
    import_depthwise,
    import_fully_connected,
    import_transpose_conv,
)
from tilewright.frontend.tflite_movement import MOVEMENTS
from tilewright.frontend.tflite_network import (
    Network,
    activation_type,
    quantisation_of,
)
from tilewright.frontend.tflite_pointwise import POINTWISE
from tilewright.frontend.tflite_recurrent import RECURRENCES
from tilewright.frontend.tflite_reductions import REDUCTIONS
from tilewright.frontend.tflite_resize import RESIZES
from tilewright.frontend.tflite_steps import ANY, ImportRule, Operator, Steps
from tilewright.frontend.tflite_variables import VARIABLES
from tilewright.frontend.tflite_wide import emit_rescale, emit_softmax, is_wide
from tilewright.frontend.tflite_windows import pool_window
from tilewright.ir.graph import ValueName
from tilewright.ir.types import DType, Quantisation
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation, Clip
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.matmul import MatMul
from tilewright.ops.pool2d import AveragePool2d, MaxPool2d
from tilewright.ops.quantise import Dequantize, Quantize
from tilewright.ops.reduce import Mean
from tilewright.ops.softmax import Softmax


def import_average_pool(network: Network, op: TfliteOperator) -> None:
    """AVERAGE_POOL_2D: padding counts for nothing."""
    x = network.activation(op, 0)
    meaning = AveragePool2d(pool_window(network, op, network.type(x).shape))
    _emit_clipped(network, op, meaning, (x,), fused_clip(network, op, 5))


def import_max_pool(network: Network, op: TfliteOperator) -> None:
    """MAX_POOL_2D."""
    x = network.activation(op, 0)
    meaning = MaxPool2d(pool_window(network, op, network.type(x).shape))
    _emit_clipped(network, op, meaning, (x,), fused_clip(network, op, 5))


def import_mean(network: Network, op: TfliteOperator) -> None:
    """MEAN over constant axes; negative ones count from the end."""
    x = network.activation(op, 0)
    rank = len(network.type(x).shape)
    axes = tuple(sorted({_axis(network, op, axis, rank) for axis in network.integers(op, 1)}))
    keeps = op.options is not None and op.options.flag(0)
    network.emit(op, Mean(axes, keeps), (x,))


def import_softmax(network: Network, op: TfliteOperator) -> None:
    """SOFTMAX over the last dimension."""
    beta = 1.0 if op.options is None else op.options.real(0)
    if not 0 < beta < inf:
        raise ModelError(f"{network.label(op)}: beta {beta} is not a positive number")
    x = network.activation(op, 0)
    is_16_bits = network.type(x).dtype is DType.S16 and is_wide(network, op)
    if is_16_bits and quantisation_of(network.result(op)) == Quantisation((2.0**-15,), (0,)):
        emit_softmax(Steps(network, op), x, beta)
    else:
        network.emit(op, Softmax(beta), (x,))


def import_leaky_relu(network: Network, op: TfliteOperator) -> None:
    """LEAKY_RELU: slope alpha below zero."""
    alpha = 0.0 if op.options is None else op.options.real(0)
    if not -inf < alpha < inf:
        raise ModelError(f"{network.label(op)}: alpha {alpha} is not a number")
    meaning = Activation(Curve.LEAKY_RELU, alpha=alpha)
    network.emit(op, meaning, (network.activation(op, 0),))


def import_batch_matmul(network: Network, op: TfliteOperator) -> None:
    """BATCH_MATMUL: adj_x transposes the first operand here, adj_y is the product's own flag."""
    a, b = network.activation(op, 0), network.activation(op, 1)
    rank = len(network.type(a).shape)
    if op.options is not None and op.options.flag(0) and rank > 1:
        a = network.rows(op, Transpose((*range(rank - 2), rank - 1, rank - 2)), a)
    transposes_b = op.options is not None and op.options.flag(1)
    network.emit(op, MatMul(transposes_b), (a, b))


def import_gather(network: Network, op: TfliteOperator) -> None:
    """GATHER of whole rows along one axis."""
    x = network.operand(op, 0)
    shape = network.type(x).shape
    if op.options is not None and op.options.integer(1, "int32"):
        raise UnsupportedError(f"{network.label(op)}: batch_dims other than 0 are not supported")
    axis = _axis(
        network, op, 0 if op.options is None else op.options.integer(0, "int32"), len(shape)
    )
    network.emit(op, Gather(axis), (x, network.indices(op, 1, shape[axis])))


def import_embedding_lookup(network: Network, op: TfliteOperator) -> None:
    """EMBEDDING_LOOKUP: rows of its second input."""
    table = network.activation(op, 1)
    index = network.indices(op, 0, network.type(table).shape[0])
    network.emit(op, Gather(0), (table, index))


def import_reshape(network: Network, op: TfliteOperator) -> None:
    """RESHAPE to a constant shape; one dimension may be -1."""
    if network.has_input(op, 1):
        wish = network.integers(op, 1)
    else:
        wish = () if op.options is None else op.options.integers(0)
    x = network.operand(op, 0)
    size = network.type(x).size
    known = int(np.prod([n for n in wish if n != -1], dtype=np.int64))
    if wish.count(-1) > 1 or min(wish, default=1) < -1 or known < 1 or size % known:
        raise ModelError(
            f"{network.label(op)}: cannot reshape {network.type(x)} ({size} elements) to "
            f"{list(wish)}"
        )
    shape = tuple(size // known if n == -1 else n for n in wish)
    network.emit(op, Reshape(shape), (x,))


def import_squeeze(network: Network, op: TfliteOperator) -> None:
    """SQUEEZE: drops the named dimensions of extent 1, or all of them."""
    x = network.operand(op, 0)
    shape = network.type(x).shape
    named = () if op.options is None else op.options.integers(0)
    dropped = {_axis(network, op, axis, len(shape)) for axis in named}
    if not named:
        dropped = {d for d, n in enumerate(shape) if n == 1}
    network.emit(op, Reshape(tuple(n for d, n in enumerate(shape) if d not in dropped)), (x,))


def import_expand_dims(network: Network, op: TfliteOperator) -> None:
    """EXPAND_DIMS: a dimension of extent 1 in front of dimension ``axis``."""
    x = network.operand(op, 0)
    shape = network.type(x).shape
    axes = network.integers(op, 1)
    if len(axes) != 1:
        raise ModelError(f"{network.label(op)}: has {len(axes)} axes instead of one")
    axis = _axis(network, op, axes[0], len(shape) + 1)
    network.emit(op, Reshape((*shape[:axis], 1, *shape[axis:])), (x,))


def import_transpose(network: Network, op: TfliteOperator) -> None:
    """TRANSPOSE by a constant permutation."""
    x = network.operand(op, 0)
    rank = len(network.type(x).shape)
    perm = tuple(_axis(network, op, axis, rank) for axis in network.integers(op, 1))
    network.emit(op, Transpose(perm), (x,))


def import_concatenation(network: Network, op: TfliteOperator) -> None:
    """CONCATENATION along one axis."""
    inputs = tuple(network.operand(op, i) for i in range(len(op.inputs)))
    axis = 0 if op.options is None else op.options.integer(0, "int32")
    axis = _axis(network, op, axis, len(network.type(inputs[0]).shape))
    _emit_clipped(network, op, Concat(axis), inputs, fused_clip(network, op, 1))


def import_pad(network: Network, op: TfliteOperator) -> None:
    """PAD with real zeros, PADV2 with a constant; paddings [rank,2] are constant."""
    x = network.operand(op, 0)
    rank = len(network.type(x).shape)
    flat = network.integers(op, 1)
    if len(flat) != 2 * rank or min(flat, default=0) < 0:
        raise ModelError(f"{network.label(op)}: paddings {list(flat)} do not fit {network.type(x)}")
    network.emit(op, Pad(flat[0::2], flat[1::2], _pad_value(network, op)), (x,))


def import_quantize(network: Network, op: TfliteOperator) -> None:
    """QUANTIZE: real numbers to stored ones, or stored ones under another scale."""
    x, result = network.activation(op, 0), network.result(op)
    sizes = {network.type(x).dtype.value, result.dtype}
    if not sizes & {"float32", "uint8"} and sizes & {"int16", "int32"}:
        emit_rescale(Steps(network, op), x)
        return
    dtype, q = activation_type(result), quantisation_of(result)
    if q is None or not q.is_per_tensor:
        raise UnsupportedError(f"{network.label(op)}: cannot quantise to {result}")
    if not network.type(x).dtype.is_float:
        network.emit(op, Clip(), (x,))
        return
    network.emit(op, Quantize(q.scale, q.zero_point, dtype), (x,))


def import_dequantize(network: Network, op: TfliteOperator) -> None:
    """DEQUANTIZE; constants become real numbers here."""
    tensor, result = network.tensor(op, 0), network.result(op)
    if tensor.data is not None and result.dtype == "float32":
        stored, q = network.constant(op, 0), quantisation_of(tensor)
        real = stored.astype(np.float32) if q is None else dequantised(stored, q)
        network.constants[result.index] = real
        return
    x = network.activation(op, 0)
    q = network.quantisation(op, x)
    if not q.is_per_tensor or result.dtype != "float32":
        raise UnsupportedError(f"{network.label(op)}: cannot dequantise {tensor} to {result}")
    network.emit(op, Dequantize(q.scale, q.zero_point), (x,))


def not_constant(network: Network, op: TfliteOperator) -> None:
    """Raises UnsupportedError: the operator has a form at import only."""
    raise UnsupportedError(
        f"{network.label(op)}: {op.kind} of operands that are computed at run time; only constants "
        "and shapes are supported"
    )


FOLDED = ("BROADCAST_ARGS", "FILL", "RANGE", "RANK", "SHAPE", "ZEROS_LIKE")


def _curve(curve: Curve, alpha: float = 0.0, beta: float = 0.0) -> ImportRule:
    def rule(network: Network, op: TfliteOperator) -> None:
        network.emit(op, Activation(curve, alpha, beta), (network.activation(op, 0),))

    return rule


def _clip(low: float, high: float) -> ImportRule:
    def rule(network: Network, op: TfliteOperator) -> None:
        network.emit(op, Clip(low, high), (network.activation(op, 0),))

    return rule


OPERATORS: Mapping[str, Operator] = {
    **MOVEMENTS,
    **POINTWISE,
    **RECURRENCES,
    **REDUCTIONS,
    **RESIZES,
    **VARIABLES,
    "AVERAGE_POOL_2D": Operator(import_average_pool, (1, 1)),
    "BATCH_MATMUL": Operator(import_batch_matmul, (2, 2)),
    "CONCATENATION": Operator(import_concatenation, (1, 1 << 16)),
    "CONV_2D": Operator(import_conv_2d, (2, 3)),
    "DEPTHWISE_CONV_2D": Operator(import_depthwise, (2, 3)),
    "DEQUANTIZE": Operator(import_dequantize, (1, 1)),
    "EMBEDDING_LOOKUP": Operator(import_embedding_lookup, (2, 2)),
    "EXPAND_DIMS": Operator(import_expand_dims, (2, 2)),
    "FULLY_CONNECTED": Operator(import_fully_connected, (2, 3)),
    "GATHER": Operator(import_gather, (2, 2)),
    "HARD_SWISH": Operator(_curve(Curve.HARD_SWISH, 1 / 6, 0.5), (1, 1)),
    "LEAKY_RELU": Operator(import_leaky_relu, (1, 1)),
    "LOGISTIC": Operator(_curve(Curve.SIGMOID), (1, 1)),
    "MAX_POOL_2D": Operator(import_max_pool, (1, 1)),
    "MEAN": Operator(import_mean, (2, 2)),
    "PAD": Operator(import_pad, (2, 2)),
    "PADV2": Operator(import_pad, (3, 3)),
    "QUANTIZE": Operator(import_quantize, (1, 1)),
    "RELU_0_TO_1": Operator(_clip(0.0, 1.0), (1, 1)),
    "RELU": Operator(_clip(0.0, inf), (1, 1)),
    "RELU6": Operator(_clip(0.0, 6.0), (1, 1)),
    "RELU_N1_TO_1": Operator(_clip(-1.0, 1.0), (1, 1)),
    "RESHAPE": Operator(import_reshape, (1, 2)),
    "SOFTMAX": Operator(import_softmax, (1, 1)),
    "SQUEEZE": Operator(import_squeeze, (1, 1)),
    "TANH": Operator(_curve(Curve.TANH), (1, 1)),
    "TRANSPOSE_CONV": Operator(import_transpose_conv, (3, 4)),
    "TRANSPOSE": Operator(import_transpose, (2, 2)),
    **{kind: Operator(not_constant, (1, ANY)) for kind in FOLDED},
}
"""By the schema's names; those in FOLDED are computed at import or not at all."""


def _axis(network: Network, op: TfliteOperator, axis: int, rank: int) -> int:
    """A dimension counted from the front."""
    if not -rank <= axis < rank:
        raise ModelError(f"{network.label(op)}: axis {axis} is outside {rank} dimensions")
    return axis % rank


def _pad_value(network: Network, op: TfliteOperator) -> float:
    """The border as a real number."""
    if not network.has_input(op, 2):
        return 0.0
    tensor, array = network.tensor(op, 2), network.constant(op, 2)
    if array.size != 1:
        raise ModelError(f"{network.label(op)}: border value {tensor} is not one number")
    stored, q = array.reshape(-1)[0], quantisation_of(tensor)
    return float(stored) if q is None else (int(stored) - q.zero_point) * q.scale


def _emit_clipped(
    network: Network,
    op: TfliteOperator,
    meaning: MaxPool2d | AveragePool2d | Concat,
    inputs: tuple[ValueName, ...],
    bounds: tuple[float, float],
) -> None:
    """The operator, and its fused activation as a node of its own."""
    if bounds == (-inf, inf):
        network.emit(op, meaning, inputs)
        return
    unclipped = network.step(op, "unclipped", meaning, inputs)
    network.emit(op, Clip(*bounds), (unclipped,))
