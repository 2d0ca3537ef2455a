"""Layers with weights: convolution, depthwise convolution and fully connected.

Slots are positions in the option tables of the published schema
(tensorflow/lite/schema/schema.fbs).
"""

from dataclasses import replace
from math import inf

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.chain import spread
from tilewright.frontend.tflite_file import TfliteOperator, TfliteTensor
from tilewright.frontend.tflite_network import Network, node_name, quantisation_of
from tilewright.frontend.tflite_steps import Steps
from tilewright.frontend.tflite_wide import ONE, emit_product, is_wide
from tilewright.frontend.tflite_windows import same_or_valid
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array, Quantisation
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.ops.layout import Reshape
from tilewright.ops.window2d import Window2d

FUSED = {0: (-inf, inf), 1: (0.0, inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
"""ActivationFunctionType: none, relu, relu_n1_to_1, relu6; tanh and sign_bit are never fused."""


def fused_clip(network: Network, op: TfliteOperator, slot: int) -> tuple[float, float]:
    """Real bounds of the fused activation. Raises UnsupportedError for one that is no clip."""
    code = 0 if op.options is None else op.options.integer(slot, "int8")
    if code not in FUSED:
        raise UnsupportedError(f"{network.label(op)}: fused activation {code} is not supported")
    return FUSED[code]


def import_conv_2d(network: Network, op: TfliteOperator) -> None:
    """CONV_2D: w [O,KH,KW,C/groups]; the number of groups follows from the channels."""
    x, (w, stored) = network.activation(op, 0), _weights(network, op, rank=4)
    is_16_bits = is_wide(network, op)
    channels, per_group = network.type(x).shape[-1:], stored.shape[3]
    if not channels or channels[0] % per_group:
        raise ModelError(
            f"{network.label(op)}: {network.type(x)} has no multiple of the {per_group} input "
            f"channels of its weights {list(stored.shape)}"
        )
    window = same_or_valid(network, op, network.type(x).shape, stored.shape[1:3], (4, 5))
    low, high = fused_clip(network, op, 3)
    if is_16_bits:
        weights, groups = _exact_weights(network, w), channels[0] // per_group
        emit_product(Steps(network, op), x, weights, (window, groups), (low, high))
        return
    bias = _bias(network, op, stored.shape[0])
    meaning = Conv2d(window, channels[0] // per_group, low=low, high=high)
    network.emit(op, meaning, (x, w, bias))


def import_depthwise(network: Network, op: TfliteOperator) -> None:
    """DEPTHWISE_CONV_2D: w [1,KH,KW,O], output channel o reads input channel o // multiplier."""
    x = network.activation(op, 0)
    tensor, stored = network.tensor(op, 1), network.constant(op, 1)
    if stored.ndim != 4 or stored.shape[0] != 1:
        raise ModelError(f"{network.label(op)}: weights {tensor} are not [1,KH,KW,O]")
    _note_hybrid(network, op)
    stored, quantisation = _live(tensor, stored)
    if quantisation is not None and quantisation.axis is not None:
        quantisation = Quantisation(
            quantisation.scales, quantisation.zero_points, quantisation.axis - 1
        )
    w = network.builder.constant(tensor.name, stored[0], quantisation)
    window = same_or_valid(network, op, network.type(x).shape, stored.shape[1:3], (5, 6))
    low, high = fused_clip(network, op, 4)
    if is_wide(network, op):
        turned, q = _exact_weights(network, w)
        weights = np.moveaxis(turned, 2, 0)[..., None], q
        groups = network.type(x).shape[3]
        emit_product(Steps(network, op), x, weights, (window, groups), (low, high))
        return
    bias = _bias(network, op, stored.shape[3])
    network.emit(op, DepthwiseConv2d(window, low, high), (x, w, bias))


def import_fully_connected(network: Network, op: TfliteOperator) -> None:
    """FULLY_CONNECTED: x is flattened to rows of K unless its leading dimensions are kept."""
    x, (w, stored) = network.activation(op, 0), _weights(network, op, rank=2)
    shape, size = network.type(x).shape, network.type(x).size
    keeps = op.options is not None and op.options.flag(2)
    if op.options is not None and op.options.integer(1, "int8"):
        raise UnsupportedError(f"{network.label(op)}: shuffled weights are not supported")
    features = stored.shape[1]
    if size % features or (keeps and shape[-1:] != (features,)):
        raise ModelError(
            f"{network.label(op)}: {network.type(x)} does not divide into rows of {features}, "
            "which its weights want"
        )
    if not keeps and shape != (size // features, features):
        x = network.rows(op, Reshape((size // features, features)), x)
    low, high = fused_clip(network, op, 0)
    if is_wide(network, op):
        steps = Steps(network, op)
        rows = steps.reshaped(x, (size // features, 1, 1, features))
        stored, q = _exact_weights(network, w)
        weights = stored[:, None, None, :], q
        emit_product(steps, rows, weights, (ONE, 1), (low, high))
        return
    network.emit(op, Dense(low, high), (x, w, _bias(network, op, stored.shape[0])))


def import_transpose_conv(network: Network, op: TfliteOperator) -> None:
    """TRANSPOSE_CONV(shape, w [O,KH,KW,I], x, bias): zeros between pixels, then a convolution."""
    steps = Steps(network, op)
    out, x = network.integers(op, 0), network.activation(op, 2)
    if len(out) != 4 or len(network.type(x).shape) != 4:
        raise ModelError(f"{steps.label}: {network.type(x)} to {list(out)}; 4 dimensions needed")
    w, stored = _weights(network, op, rank=4, is_turned=True)
    pads: list[tuple[int, int]] = []
    for axis in (1, 2):
        kernel = int(stored.shape[axis])
        extent, stride = (
            network.type(x).shape[axis],
            steps.option(3 - axis),
        )
        reach = (extent - 1) * stride + kernel
        before = kernel - 1 - max(reach - out[axis], 0) // 2
        x = spread(steps, x, axis, stride)
        length = network.type(x).shape[axis]
        after = out[axis] + kernel - 1 - length - before
        if after < 0:
            x = steps.chosen(x, axis, np.arange(int(length + after)))
        pads.append((before, max(after, 0)))
    (top, bottom), (left, right) = pads
    window = Window2d((stored.shape[1], stored.shape[2]), (1, 1), (top, left, bottom, right))
    low, high = fused_clip(network, op, 3)
    bias = _bias(network, op, stored.shape[0], (2, 1, 3))
    network.emit(op, Conv2d(window, 1, low=low, high=high), (x, w, bias))


def _weights(
    network: Network, op: TfliteOperator, rank: int, *, is_turned: bool = False
) -> tuple[ValueName, Array]:
    """Constant weights as a value, and their array; turned ones run backwards."""
    tensor, stored = network.tensor(op, 1), network.constant(op, 1)
    if stored.ndim != rank or 0 in stored.shape:
        raise ModelError(f"{network.label(op)}: weights {tensor} do not have {rank} dimensions")
    _note_hybrid(network, op)
    stored, quantisation = _live(tensor, stored)
    if is_turned:
        stored = np.ascontiguousarray(stored[:, ::-1, ::-1])
    return network.builder.constant(tensor.name, stored, quantisation), stored


def _exact_weights(network: Network, w: ValueName) -> tuple[Array, Quantisation]:
    """Stored weights and their parameters."""
    q = network.builder.values[w].quantisation
    if q is None:
        raise UnsupportedError(f"weights {w}: 16-bit activations want int8 weights")
    return network.builder.constants[w], q


def _live(tensor: TfliteTensor, stored: Array) -> tuple[Array, Quantisation | None]:
    """Weights and their parameters; a channel of scale 0 holds zeros, under scale 1."""
    quantisation = quantisation_of(replace(tensor, scales=tuple(s or 1.0 for s in tensor.scales)))
    dead = [channel for channel, scale in enumerate(tensor.scales) if not scale]
    if quantisation is None or not dead:
        return stored, quantisation
    alive = stored.copy()
    if quantisation.axis is None:
        alive[:] = quantisation.zero_point
        return alive, quantisation
    for channel in dead:
        np.moveaxis(alive, quantisation.axis, 0)[channel] = quantisation.zero_points[channel]
    return alive, quantisation


def _without_dead(tensor: TfliteTensor, bias: Array) -> Array:
    """The bias of weights ``tensor``: a step of x_scale * 0 makes every bias zero."""
    is_dead = np.array(tensor.scales or (1.0,)) == 0
    return np.where(is_dead, 0, bias).astype(bias.dtype)


def _note_hybrid(network: Network, op: TfliteOperator) -> None:
    """Say so where only the weights are quantised: LiteRT would quantise activations as it runs."""
    tensor = network.tensor(op, 1)
    if network.result(op).dtype == "float32" and tensor.dtype in ("int8", "uint8", "int4"):
        network.builder.notes.append(
            f"{node_name(op)}: weights are {tensor.dtype}, activations are not quantised; computed "
            "in float32"
        )


def _bias(
    network: Network, op: TfliteOperator, channels: int, places: tuple[int, int, int] = (0, 1, 2)
) -> ValueName:
    """The bias, zeros where the file has none.

    A stored bias counts in steps of x_scale * w_scale; the file's own scale of it is decoration
    (8-bit quantisation specification), and reference kernels never read it.

    places  positions of x, weights and bias among the inputs
    """
    if not network.has_input(op, places[2]):
        dtype = np.float32 if network.result(op).dtype == "float32" else np.int32
        array = np.zeros(channels, dtype)
        return network.builder.constant(f"{network.result(op).name}.bias", array)
    tensor, array = network.tensor(op, places[2]), network.constant(op, places[2])
    if array.shape != (channels,):
        raise ModelError(
            f"{network.label(op)}: bias {tensor} does not have one element for each of {channels} "
            "output channels"
        )
    wanted = np.float32 if network.result(op).dtype == "float32" else np.int32
    if array.dtype != wanted:
        raise UnsupportedError(
            f"{network.label(op)}: bias {tensor} has to be {np.dtype(wanted).name}"
        )
    weights, stored = network.tensor(op, places[1]), network.constant(op, places[1])
    steps = _bias_steps(quantisation_of(network.tensor(op, places[0])), _live(weights, stored)[1])
    return network.builder.constant(tensor.name, _without_dead(weights, array), steps)


def _bias_steps(x: Quantisation | None, w: Quantisation | None) -> Quantisation | None:
    """x_scale * w_scale, per output channel where the weights have scales of their own."""
    if x is None or w is None or not x.is_per_tensor:
        return None
    steps = tuple(x.scale * scale for scale in w.scales)
    return Quantisation(steps, (0,) * len(steps), None if w.is_per_tensor else 0)
