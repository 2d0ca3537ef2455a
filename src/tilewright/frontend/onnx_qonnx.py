"""QONNX: Quant, BipolarQuant and Trunc, which quantise and dequantise at once.

Up to 8 bits they become a pair of QuantizeLinear and DequantizeLinear, so that integer kernels
compute what lies between two of them; others are computed in real numbers as their definition says.
Source: the QONNX operator definitions (Quant: y = (clip(round(x / scale + zero)) - zero) * scale).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tilewright.errors import ModelError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_forms import Form, Rule
from tilewright.frontend.onnx_tensors import Constant
from tilewright.ir.types import Array, Quantisation

ROUNDINGS = {
    "ROUND": "Round", "HALF_EVEN": "Round", "FLOOR": "Floor", "CEIL": "Ceil",
}  # fmt: skip

LARGEST_BYTE = 8
"""Bits that integer kernels take."""


def _bounds(form: Form) -> tuple[float, float, bool]:
    """The smallest and the largest integer, and whether there are negative ones."""
    bits = float(form.array(3, "bit width").reshape(-1)[0])
    is_signed = bool(form.node.integer("signed", 1))
    is_narrow = form.node.integer("narrow", 0)
    if is_signed:
        high = 2.0 ** (bits - 1) - 1
        return -high if is_narrow else -high - 1, high, True
    return 0.0, 2.0**bits - 1 - is_narrow, False


def quant(form: Form) -> None:
    """Quant(x, scale, zero point, bit width)."""
    rounding = form.node.text("rounding_mode", "ROUND").upper()
    if rounding not in ROUNDINGS:
        raise ModelError(f"{form.node}: rounding_mode {rounding}; {', '.join(ROUNDINGS)} are known")
    scale, zero = (form.array(i, what) for i, what in ((1, "scale"), (2, "zero point")))
    low, high, is_signed = _bounds(form)
    fits = high - low < 2**LARGEST_BYTE and np.array_equal(zero, np.rint(zero)) and scale.min() > 0
    x = form.node.input(0)
    if fits and x in form.constants and _stored_constant(form, (low, high), rounding):
        return
    if fits and scale.size == zero.size == 1 and ROUNDINGS[rounding] == "Round":
        _pair(form, scale, zero, (low, high), is_signed=is_signed)
        return
    y = form.do("Div", x, form.held(scale))
    y = form.do(ROUNDINGS[rounding], form.do("Add", y, form.held(zero)))
    y = form.do("Clip", y, form.held(low), form.held(high))
    form.end("Mul", form.do("Sub", y, form.held(zero)), form.held(scale))


def _pair(
    form: Form, scale: Array, zero: Array, bounds: tuple[float, float], *, is_signed: bool
) -> None:
    """Quantised and dequantised; where the range is smaller than the type's, clipped before."""
    low, high = bounds
    info = np.iinfo(np.int8 if is_signed else np.uint8)
    step, middle = float(scale.reshape(())), float(zero.reshape(()))
    x = form.node.input(0)
    if (low, high) != (info.min, info.max):
        ends = (form.held((end - middle) * step) for end in (low, high))
        x = form.do("Clip", x, *ends)
    parameters = form.held(step), form.held(np.array(middle, info.dtype))
    form.end("DequantizeLinear", form.do("QuantizeLinear", x, *parameters), *parameters)


def _stored_constant(form: Form, bounds: tuple[float, float], rounding: str) -> bool:
    """Weights as integers with parameters; False where their scales do not run along one axis."""
    scale, zero = form.array(1, "scale"), form.array(2, "zero point")
    array = form.array(0, "weights")
    axes = [axis for axis, n in enumerate(scale.shape) if n > 1]
    if len(axes) > 1 or zero.size > 1 or (axes and scale.ndim != array.ndim):
        return False
    rounded = {"Round": np.rint, "Floor": np.floor, "Ceil": np.ceil}[ROUNDINGS[rounding]]
    stored = np.clip(rounded(array / scale + zero), *bounds)
    dtype = np.int8 if bounds[1] <= np.iinfo(np.int8).max else np.uint8
    scales = tuple(float(s) for s in scale.astype(np.float64).reshape(-1))
    zeros = (int(zero.reshape(-1)[0]),) * len(scales)
    quantisation = Quantisation(scales, zeros, axes[0] if axes else None)
    form.constants[form.node.output] = Constant(stored.astype(dtype), quantisation)
    return True


def bipolar_quant(form: Form) -> None:
    """BipolarQuant(x, scale): the scale where x is not negative, else its negative."""
    scale, x = form.array(1, "scale"), form.node.input(0)
    if x in form.constants and scale.size == 1:
        signs = np.where(form.array(0, "weights") >= 0, 1, -1).astype(np.int8)
        quantisation = Quantisation((float(scale.reshape(-1)[0]),), (0,))
        form.constants[form.node.output] = Constant(signs, quantisation)
        return
    is_above = form.do("GreaterOrEqual", x, form.held(0.0))
    form.end("Where", is_above, form.held(scale), form.held(-scale))


def trunc(form: Form) -> None:
    """Trunc(x, scale, zero point, bits before, bits after): the last bits are cut off."""
    scale, zero = form.array(1, "scale"), form.array(2, "zero point")
    before, after = (float(form.array(i, "bit width").reshape(-1)[0]) for i in (3, 4))
    rounding = form.node.text("rounding_mode", "FLOOR").upper()
    if rounding not in ROUNDINGS:
        raise ModelError(f"{form.node}: rounding_mode {rounding}; {', '.join(ROUNDINGS)} are known")
    y = form.do("Add", form.do("Div", form.node.input(0), form.held(scale)), form.held(zero))
    y = form.do("Round", y)
    y = form.do("Mul", y, form.held(2.0 ** (after - before)))
    y = form.do("Sub", form.do(ROUNDINGS[rounding], y), form.held(zero))
    form.end("Mul", y, form.held(scale))


def with_clips_first(
    nodes: list[OnnxNode], constants: dict[str, Constant], outputs: tuple[str, ...]
) -> list[OnnxNode]:
    """Clip of what QuantizeLinear makes, before it instead: the same integers.

    Exporters write fewer than 8 bits so (Brevitas' QCDQ); before, the layer that makes the real
    numbers can clip them.
    """
    sources = {node.output: node for node in nodes if node.kind == "QuantizeLinear"}
    made: list[OnnxNode] = []
    for node in nodes:
        source = sources.get(node.input(0)) if node.kind == "Clip" else None
        ends = None if source is None else _real_ends(node, source, constants)
        if source is None or ends is None:
            made.append(node)
            continue
        real = f"{node.output}//real"
        form = Form(node, constants)
        form.do("Clip", source.input(0), *map(form.held, ends), outputs=(real,))
        form.nodes.append(replace(source, inputs=(real, *source.inputs[1:]), outputs=node.outputs))
        made += form.nodes
    read = {name for node in made for name in (*node.inputs, *node.captures)} | set(outputs)
    return [n for n in made if n.kind != "QuantizeLinear" or n.output in read]


def _real_ends(
    clip: OnnxNode, source: OnnxNode, constants: Mapping[str, Constant]
) -> tuple[Array, Array] | None:
    """Bounds of a Clip of stored integers as real numbers; None where something is computed."""
    names = [*source.inputs[1:3], *clip.inputs[1:3]]
    arrays = [constants[n].array if n in constants else None for n in names if n]
    if any(array is None or array.size != 1 for array in arrays) or len(source.inputs) < 3:
        return None
    scale, zero = (constants[n].array.reshape(()) for n in source.inputs[1:3])
    info = np.iinfo(zero.dtype)
    ends: list[Array] = []
    for index, open_end in ((1, info.min), (2, info.max)):
        end = constants[clip.input(index)].array.reshape(()) if clip.has(index) else open_end
        ends.append(np.asarray((float(end) - float(zero)) * float(scale), np.float32))
    return ends[0], ends[1]


QONNX_FORMS: Mapping[str, Rule] = {"Quant": quant, "BipolarQuant": bipolar_quant, "Trunc": trunc}
