"""Files of integers that spell RequantShift out: Cast, Mul, Add, Div, Floor, Clip, Cast.

Convolutions and products of such files have weights of integer types, which the standard's
operators do not take: nothing but exact integers can be meant.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tilewright.frontend.onnx_file import OnnxModel, OnnxNode
from tilewright.ir.types import Array

PRODUCTS = ("Conv", "Gemm", "MatMul")


def has_integer_weights(model: OnnxModel) -> bool:
    """Whether some convolution or product has weights of 8 bits that nothing dequantises."""
    held = {name for name, array in model.initialisers.items() if array.dtype.itemsize == 1}
    return any(
        node.kind in PRODUCTS and held.intersection(node.inputs[1:2]) for node in model.nodes
    )


def with_shifts(model: OnnxModel) -> OnnxModel:
    """The same file with RequantShift, without Cast; chains of another form stay as they are."""
    constants = dict(model.initialisers)
    for node in model.nodes:
        value = node.attributes.get("value")
        if node.kind == "Constant" and isinstance(value, np.ndarray):
            constants[node.output] = value
    made = {node.output: node for node in model.nodes}
    nodes: list[OnnxNode] = []
    for node in model.nodes:
        if node.kind == "Cast":
            nodes.append(replace(node, kind="Identity", attributes={}))
        elif node.kind == "Clip":
            nodes += _shifted(node, made, constants)
        else:
            nodes.append(node)
    read = {name for node in nodes for name in node.inputs} | set(model.outputs)
    left = [n for n in nodes if n.kind not in ("Div", "Floor", "Mul", "Add") or n.output in read]
    while len(left) < len(nodes):
        nodes = left
        read = {name for node in nodes for name in node.inputs} | set(model.outputs)
        left = [n for n in nodes if n.kind == "Constant" or n.output in read]
    initialisers = {
        name: array for name, array in constants.items() if name.startswith(SHIFTED)
    } | dict(model.initialisers)
    return replace(model, nodes=tuple(nodes), initialisers=initialisers)


SHIFTED = "requant//"
"""Before the names of constants that belong to a RequantShift made here."""


def _shifted(
    clip: OnnxNode, made: Mapping[str, OnnxNode], constants: dict[str, Array]
) -> list[OnnxNode]:
    """RequantShift in the place of a Clip, or the Clip itself."""
    bounds = [_bound(clip, index, name, constants) for index, name in ((1, "min"), (2, "max"))]
    floor = made.get(clip.input(0))
    divided = made.get(floor.input(0)) if floor is not None and floor.kind == "Floor" else None
    if divided is None or divided.kind != "Div" or None in bounds:
        return [clip]
    divisor = constants.get(divided.input(1))
    if divisor is None or divisor.size != 1:
        return [clip]
    x, add = _constant_of("Add", divided.input(0), made, constants)
    x, mul = _constant_of("Mul", x, made, constants)
    low, high = (int(bound or 0) for bound in bounds)
    div = int(divisor.reshape(()))
    levels = high - low + 1
    is_known = low in (0, -levels // 2) and 0 < div <= 2**31 and not div & (div - 1)
    if not is_known or levels > 256:
        return [clip]
    names = tuple(f"{SHIFTED}{clip.output}/{what}" for what in ("mul", "add"))
    # The operator adds half before it shifts; Floor does not.
    constants |= dict(zip(names, (mul, add.astype(np.int64) - div // 2), strict=True))
    attributes = {"div": div, "n_levels": levels, "signed": int(low < 0)}
    return [OnnxNode(clip.name, "RequantShift", (x, *names), clip.outputs, attributes)]


def _bound(clip: OnnxNode, index: int, name: str, constants: Mapping[str, Array]) -> float | None:
    value = clip.attributes.get(name)
    if clip.has(index) and clip.input(index) in constants:
        value = float(constants[clip.input(index)].reshape(-1)[0])
    return float(value) if isinstance(value, int | float) else None


def _constant_of(
    kind: str, name: str, made: Mapping[str, OnnxNode], constants: Mapping[str, Array]
) -> tuple[str, Array]:
    """The other operand of a node, and its constant; where there is none, the neutral one."""
    node = made.get(name)
    while node is not None and node.kind in ("Cast", "Identity"):
        name = node.input(0)
        node = made.get(name)
    if node is not None and node.kind == kind:
        for index in (0, 1):
            if node.input(index) in constants:
                return node.input(1 - index), constants[node.input(index)]
    return name, np.full(1, 1 if kind == "Mul" else 0, np.int64)
