"""Drawn operators that move data and compute nothing."""

from collections.abc import Callable, Sequence

import numpy as np

from tilewright.fuzz.drawing import LARGEST, Drawing, Tensor
from tilewright.ir.types import Shape

Moves = Callable[[Drawing, str, Tensor], tuple[str, Shape] | None]


def moved(draw: Drawing) -> Tensor | None:
    """One of many movements: of the stored integers, or of real numbers between Q and DQ."""
    x = draw.pick(lambda tensor: tensor.rank >= 1)
    if x is None:
        return None
    of_stored = x.stored is None or draw.chance(0.5)
    name = x.name if of_stored else draw.real(x)
    made = draw.random.choice(MOVEMENTS)(draw, name, x)
    if made is None:
        return None
    if of_stored:
        return draw.kept(Tensor(made[0], made[1], x.spread, x.stored))
    return draw.result(*made, x.spread, x.stored if draw.chance(0.8) else None)


def _reshape(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape]:
    shape = _factors(draw, x.size)
    wanted = list(shape)
    if draw.chance(0.3):
        wanted[draw.random.randrange(len(wanted))] = -1
    return draw.node("Reshape", [name, draw.indices(wanted, "shape")]), shape


def _factors(draw: Drawing, size: int) -> Shape:
    """A shape with so many elements."""
    found: list[int] = []
    for _ in range(draw.random.randint(0, 3)):
        factor = draw.random.choice([f for f in (1, 2, 3, 4, 5, 7, 8) if size % f == 0])
        found.append(factor)
        size //= factor
    found.append(size)
    draw.random.shuffle(found)
    return (1, *found) if draw.chance(0.6) and len(found) < 4 else tuple(found)


def _flatten(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape]:
    axis = draw.random.randint(0, x.rank)
    before = int(np.prod(x.shape[:axis], dtype=np.int64))
    return draw.node("Flatten", [name], axis=axis), (before, x.size // before)


def _transpose(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape]:
    perm = draw.random.sample(range(x.rank), x.rank)
    return draw.node("Transpose", [name], perm=perm), tuple(x.shape[p] for p in perm)


def _slice(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape] | None:
    axis = draw.random.randrange(x.rank)
    size = x.shape[axis]
    start, stop = draw.random.randint(-size - 1, size), draw.random.randint(-size, size + 3)
    step = draw.random.choice((1, 1, 2, -1))
    kept = len(range(*slice(start, stop, step).indices(size)))
    if kept < 1 or start < -size:  # before the front: Python and ONNX agree for positive steps only
        return None
    lists = ([start], [stop], [axis - draw.random.choice((0, x.rank))], [step])
    made = draw.node("Slice", [name, *(draw.indices(values) for values in lists)])
    return made, (*x.shape[:axis], kept, *x.shape[axis + 1 :])


def _pad(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape] | None:
    mode = draw.random.choice(("constant", "constant", "edge", "reflect"))
    most = [size - 1 if mode == "reflect" else 2 for size in x.shape] * 2
    pads = [draw.random.randint(0, min(m, 2)) if draw.chance(0.4) else 0 for m in most]
    shape = tuple(n + pads[i] + pads[x.rank + i] for i, n in enumerate(x.shape))
    if np.prod(shape) > LARGEST:
        return None
    return draw.node("Pad", [name, draw.indices(pads, "pads")], mode=mode), shape


def _gather(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape] | None:
    axis = draw.random.randrange(x.rank)
    count = draw.random.randint(1, 4)
    size = x.shape[axis]
    wanted = [draw.random.randint(-size, size - 1) for _ in range(count)]
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    if np.prod(shape) > LARGEST:
        return None
    return draw.node("Gather", [name, draw.indices(wanted, "rows")], axis=axis), shape


def _tile(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape] | None:
    repeats = [draw.random.choice((1, 1, 1, 2, 3)) for _ in x.shape]
    shape = tuple(n * r for n, r in zip(x.shape, repeats, strict=True))
    if np.prod(shape) > LARGEST:
        return None
    return draw.node("Tile", [name, draw.indices(repeats, "repeats")]), shape


def _expand(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape] | None:
    wanted = [draw.random.choice((1, 2, 3)) if n == 1 else n for n in x.shape]
    if draw.chance(0.3):
        wanted.insert(0, draw.random.randint(1, 2))
    if np.prod(wanted) > LARGEST or len(wanted) > 5:
        return None
    return draw.node("Expand", [name, draw.indices(wanted, "shape")]), tuple(wanted)


def _unsqueeze(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape] | None:
    if x.rank > 4:
        return None
    axis = draw.random.randint(0, x.rank)
    shape = (*x.shape[:axis], 1, *x.shape[axis:])
    return draw.node("Unsqueeze", [name, draw.indices([axis], "axes")]), shape


def _squeeze(draw: Drawing, name: str, x: Tensor) -> tuple[str, Shape] | None:
    ones = [axis for axis, size in enumerate(x.shape) if size == 1]
    if not ones or x.rank == 1:
        return None
    axis = draw.random.choice(ones)
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    return draw.node("Squeeze", [name, draw.indices([axis], "axes")]), shape


MOVEMENTS: Sequence[Moves] = (
    _reshape, _reshape, _flatten, _transpose, _transpose, _slice, _slice, _pad, _gather, _tile,
    _expand, _unsqueeze, _squeeze,
)  # fmt: skip


def concat(draw: Drawing) -> Tensor | None:
    """Two or three tensors beside one another, the same one twice among them."""
    x = draw.pick(lambda tensor: tensor.rank >= 1)
    if x is None:
        return None
    axis = draw.random.randrange(x.rank)

    def fits(tensor: Tensor) -> bool:
        cut = (*tensor.shape[:axis], *tensor.shape[axis + 1 :])
        return tensor.rank == x.rank and cut == (*x.shape[:axis], *x.shape[axis + 1 :])

    parts = [x]
    for _ in range(draw.random.randint(1, 2)):
        parts.append(draw.pick(fits) or x)
    size = sum(part.shape[axis] for part in parts)
    shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
    if np.prod(shape) > LARGEST:
        return None
    if all(part.stored == x.stored for part in parts) and draw.chance(0.7):
        made = draw.node("Concat", [part.name for part in parts], axis=axis)
        return draw.kept(Tensor(made, shape, x.spread, x.stored))
    made = draw.node("Concat", [draw.real(part) for part in parts], axis=axis - x.rank)
    return draw.result(made, shape, max(part.spread for part in parts))


def split(draw: Drawing) -> Tensor | None:
    """Two or three parts along an axis; often not all of them are read."""
    x = draw.pick(lambda tensor: tensor.rank >= 1 and max(tensor.shape) >= 2)
    if x is None:
        return None
    axis = draw.random.choice([axis for axis, size in enumerate(x.shape) if size >= 2])
    first = draw.random.randint(1, x.shape[axis] - 1)
    sizes = (first, x.shape[axis] - first)
    names = draw.parts("Split", [x.name, draw.indices(sizes, "sizes")], 2, axis=axis)
    made = [
        draw.kept(Tensor(n, (*x.shape[:axis], size, *x.shape[axis + 1 :]), x.spread, x.stored))
        for n, size in zip(names, sizes, strict=True)
    ]
    return made[0]
