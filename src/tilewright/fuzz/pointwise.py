"""Drawn operators of element and element: curves of one tensor, arithmetic of two."""

from collections.abc import Mapping, Sequence

import numpy as np

from tilewright.fuzz.drawing import LARGEST, Drawing, Tensor
from tilewright.ir.types import Shape

CURVES: Sequence[tuple[str, Mapping[str, float]]] = (
    ("Relu", {}), ("Relu", {}), ("LeakyRelu", {"alpha": 0.1}), ("Sigmoid", {}), ("Tanh", {}),
    ("HardSigmoid", {}), ("HardSwish", {}), ("Elu", {}), ("Selu", {}), ("Celu", {}),
    ("Softplus", {}), ("Softsign", {}), ("Abs", {}), ("Neg", {}), ("Erf", {}), ("Identity", {}),
    ("ThresholdedRelu", {"alpha": 0.5}),
)  # fmt: skip
"""Without jumps, so that what differs by a rounding before differs by little after."""

STEPPED = ("Floor", "Ceil", "Round", "Sign")
"""Only of what is stored as integers: these jump."""


def curve(draw: Drawing) -> Tensor | None:
    """One of many functions of one number."""
    x = draw.pick(lambda tensor: True)
    if x is None:
        return None
    kind, attributes = draw.random.choice(CURVES)
    if draw.quantises == 1 and draw.chance(0.1):
        kind, attributes = draw.random.choice(STEPPED), {}
    if kind == "HardSwish" and draw.opset < 14:
        return None
    spread = 1.0 if kind in ("Sigmoid", "Tanh", "Erf", "HardSigmoid", "Softsign") else x.spread
    return draw.result(draw.node(kind, [draw.real(x)], **attributes), x.shape, spread)


def clip(draw: Drawing) -> Tensor | None:
    """Clip with both bounds or one; Relu6 among them."""
    x = draw.pick(lambda tensor: True)
    if x is None:
        return None
    low, high = draw.random.choice(((0.0, 6.0), (-1.0, 1.0), (0.0, x.spread / 2), (-0.3, 40.0)))
    bounds = [draw.constant(np.array(b, np.float32), "bound") for b in (low, high)]
    if draw.chance(0.2):
        bounds = bounds[:1] if draw.chance(0.5) else ["", bounds[1]]
    made = draw.node("Clip", [draw.real(x), *bounds])
    return draw.result(made, x.shape, min(x.spread, 6.0), x.stored if draw.chance(0.5) else None)


def prelu(draw: Drawing) -> Tensor | None:
    """PRelu with a slope per channel or one."""
    x = draw.pick(lambda tensor: tensor.rank >= 3)
    if x is None:
        return None
    shape = (x.shape[1], *(1,) * (x.rank - 2)) if draw.chance(0.7) else (1,)
    slope = draw.constant(draw.rng.uniform(-0.5, 1, shape).astype(np.float32), "slope")
    return draw.result(draw.node("PRelu", [draw.real(x), slope]), x.shape, x.spread)


def arithmetic(draw: Drawing) -> Tensor | None:
    """Two activations, or one and a constant on either side, that broadcast in some way."""
    x = draw.pick(lambda tensor: True)
    if x is None:
        return None
    kind = draw.random.choice(("Add", "Add", "Mul", "Sub", "Min", "Max", "Div"))
    if kind == "Div":
        return _divided(draw, x)
    other, spread = _partner(draw, x)
    if isinstance(other, Tensor):
        name, shape = draw.real(other), other.shape
    else:
        name, shape = other
    made = np.broadcast_shapes(x.shape, shape)
    if np.prod(made) > LARGEST:
        return None
    pair = [draw.real(x), name]
    if draw.chance(0.5):
        pair.reverse()
    size = x.spread * spread if kind == "Mul" else max(x.spread, spread)
    return draw.result(draw.node(kind, pair), tuple(made), size)


def _divided(draw: Drawing, x: Tensor) -> Tensor:
    """By a constant that is not close to 0."""
    shape = x.shape[-1:] if draw.chance(0.5) and x.rank else ()
    by = draw.rng.uniform(0.5, 3, shape) * draw.rng.choice([-1, 1], shape)
    name = draw.constant(np.asarray(by, np.float32), "divisor")
    return draw.result(draw.node("Div", [draw.real(x), name]), x.shape, x.spread)


def _partner(draw: Drawing, x: Tensor) -> tuple[Tensor | tuple[str, Shape], float]:
    """What stands on the other side, and its spread."""
    choice = draw.random.random()
    if choice < 0.4:
        found = draw.pick(lambda tensor: _broadcast(tensor.shape, x.shape))
        if found is not None:
            return found, found.spread
    if choice < 0.55 and len(draw.inputs) < 4:
        made = draw.input(_part(draw, x.shape))
        return made, made.spread
    if choice < 0.65:
        return x, x.spread
    shape = _part(draw, x.shape)
    spread = draw.random.choice((0.5, 1.0, x.spread))
    if draw.chance(0.5) and shape and draw.quantises:
        return (draw.weights(shape, spread, None), shape), spread
    array = draw.rng.normal(0, spread, shape)
    return (draw.constant(np.asarray(array, np.float32), "operand"), shape), spread


def _part(draw: Drawing, shape: Shape) -> Shape:
    """A shape that broadcasts to this one."""
    start = draw.random.choice((0, 0, len(shape), draw.random.randint(0, len(shape))))
    return tuple(1 if draw.chance(0.3) else size for size in shape[start:])


def _broadcast(one: Shape, other: Shape) -> bool:
    try:
        return int(np.prod(np.broadcast_shapes(one, other))) <= LARGEST
    except ValueError:
        return False


def chosen(draw: Drawing) -> Tensor | None:
    """Where: a comparison of stored integers decides; of real numbers a jump would be in it."""
    x = draw.pick(lambda tensor: tensor.stored is not None)
    if x is None or draw.quantises < 1:
        return None
    y = draw.pick(lambda tensor: tensor.shape == x.shape and tensor.stored is not None)
    real = draw.real(x)
    other = draw.real(y) if y is not None else real
    bound = draw.constant(np.array(x.spread / 3, np.float32), "bound")
    decides = draw.node(draw.random.choice(("Greater", "Less")), [real, bound])
    draw.types[decides] = ("bool", x.shape)
    made = draw.node("Where", [decides, other, real])
    return draw.result(made, x.shape, max(x.spread, y.spread if y else 0))
