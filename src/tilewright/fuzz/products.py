"""Drawn operators that add up: products of matrices, means, sums, softmax, norms."""

import numpy as np

from tilewright.fuzz.drawing import LARGEST, Attribute, Drawing, Tensor
from tilewright.ir.types import Shape


def gemm(draw: Drawing) -> Tensor | None:
    """Gemm with a constant matrix, transposed or not, with or without a bias."""
    x = draw.pick(lambda tensor: tensor.rank == 2 and tensor.shape[0] <= 16)
    if x is None or x.shape[1] > 256:
        x = draw.input((draw.random.choice((1, 1, 2, 5)), draw.random.randint(1, 40)))
    terms, made = x.shape[1], draw.random.randint(1, 20)
    is_turned = draw.chance(0.5)
    shape = (made, terms) if is_turned else (terms, made)
    inputs = [draw.real(x), draw.weights(shape, 1 / np.sqrt(terms), 0 if is_turned else 1)]
    if draw.chance(0.6):
        inputs.append(draw.bias(made, x.spread / 2))
    name = draw.node("Gemm", inputs, transB=int(is_turned))
    return draw.result(name, (x.shape[0], made), x.spread)


def matmul(draw: Drawing) -> Tensor | None:
    """MatMul with a constant matrix, or of two activations, batched."""
    x = draw.pick(lambda tensor: tensor.rank >= 2 and tensor.shape[-1] <= 128)
    if x is None:
        return None
    terms = x.shape[-1]

    def fits(tensor: Tensor) -> bool:
        return tensor.rank >= 2 and tensor.shape[-2] == terms and tensor.rank == x.rank

    y = draw.pick(fits) if draw.chance(0.7) else None
    if y is None or y.shape[:-2] != x.shape[:-2]:
        made = draw.random.randint(1, 12)
        other, right = draw.weights((terms, made), 1 / np.sqrt(terms), 1), (terms, made)
        spread = x.spread
    else:
        other, right, spread = draw.real(y), y.shape, x.spread * y.spread * np.sqrt(terms) / 2
    shape: Shape = (*x.shape[:-1], right[-1])
    if np.prod(shape) > LARGEST:
        return None
    return draw.result(draw.node("MatMul", [draw.real(x), other]), shape, float(spread))


def softmax(draw: Drawing) -> Tensor | None:
    """Softmax along any axis."""
    x = draw.pick(lambda tensor: tensor.rank >= 1)
    if x is None:
        return None
    axis = draw.random.choice((-1, -1, draw.random.randrange(x.rank)))
    return draw.result(draw.node("Softmax", [draw.real(x)], axis=axis), x.shape, 1.0)


def norm(draw: Drawing) -> Tensor | None:
    """LayerNormalization over the last dimension."""
    x = draw.pick(lambda tensor: tensor.rank >= 2 and tensor.shape[-1] >= 2)
    if x is None or draw.opset < 17:
        return None
    count = x.shape[-1]
    factors = draw.constant(draw.rng.uniform(0.5, 2, count).astype(np.float32), "factors")
    inputs = [draw.real(x), factors, draw.bias(count, 0.5)]
    name = draw.node("LayerNormalization", inputs, axis=-1, epsilon=1e-3)
    return draw.result(name, x.shape, 2.0)


def reduce(draw: Drawing) -> Tensor | None:
    """Mean, sum, least or greatest over some axes."""
    x = draw.pick(lambda tensor: tensor.rank >= 1)
    if x is None:
        return None
    kind = draw.random.choice(("ReduceMean", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"))
    axes = sorted(draw.random.sample(range(x.rank), draw.random.randint(1, x.rank)))
    keeps = draw.random.randint(0, 1)
    is_input = kind == "ReduceSum" or draw.opset >= 18
    inputs = [draw.real(x), *([draw.indices(axes, "axes")] if is_input else [])]
    attributes: dict[str, Attribute] = {} if is_input else {"axes": axes}
    shape = tuple(
        1 if axis in axes else size
        for axis, size in enumerate(x.shape)
        if axis not in axes or keeps
    )
    terms = x.size // max(1, int(np.prod(shape, dtype=np.int64)))
    spread = x.spread * (np.sqrt(terms) if kind == "ReduceSum" else 1)
    name = draw.node(kind, inputs, keepdims=keeps, **attributes)
    return draw.result(name, shape, float(spread))
