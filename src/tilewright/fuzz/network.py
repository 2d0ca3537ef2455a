"""One drawn network: 1 to 20 operators, outputs, states, as an ONNX file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import onnx

from tilewright.fuzz.drawing import OPSETS, Drawing, Tensor
from tilewright.fuzz.movement import concat, moved, split
from tilewright.fuzz.pointwise import arithmetic, chosen, clip, curve, prelu
from tilewright.fuzz.products import gemm, matmul, norm, reduce, softmax
from tilewright.fuzz.windows import (
    batch_norm,
    conv,
    conv_transpose,
    global_pool,
    pool,
    resize,
    space,
)

MOST_NODES = 20

Draws = Callable[[Drawing], Tensor | None]

OPERATORS: Sequence[tuple[Draws, int]] = (
    (conv, 14), (conv_transpose, 2), (pool, 6), (global_pool, 2), (batch_norm, 2), (space, 2),
    (resize, 2), (curve, 10), (clip, 4), (prelu, 1), (arithmetic, 16), (chosen, 1), (moved, 16),
    (concat, 5), (split, 3), (gemm, 5), (matmul, 5), (softmax, 2), (norm, 2), (reduce, 5),
)  # fmt: skip
"""And how often each is drawn."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A network that no person made.

    operators  drawn; conversions between integers and real numbers are not counted
    states     output → input that it is in the next run
    """

    model: onnx.ModelProto
    operators: int
    states: tuple[tuple[str, str], ...] = ()


def draw_network(random: Random) -> Drawn:
    """A network of one of three kinds: in integers, in real numbers, partly quantised."""
    quantises = random.choices((1.0, 0.0, 0.6), (60, 20, 20))[0]
    draw = Drawing(random, quantises, random.choice(OPSETS), is_hostile=random.random() < 0.1)
    for _ in range(random.choice((1, 1, 1, 2))):
        draw.input(_first_shape(random))
    wanted = min(random.randint(1, MOST_NODES) for _ in range(random.choice((1, 2))))
    functions, shares = zip(*OPERATORS, strict=True)
    for _ in range(4 * wanted):
        if draw.operators == wanted:
            break
        draw.operators += random.choices(functions, shares)[0](draw) is not None
    states = _state(draw) if draw.chance(0.08) else ()
    outputs = _outputs(draw, [name for name, _ in states])
    return Drawn(draw.proto(outputs), draw.operators, states)


def _first_shape(random: Random) -> tuple[int, ...]:
    rank = random.choice((2, 3, 4, 4, 4))
    if rank == 4:
        return (1, random.randint(1, 8), random.randint(1, 10), random.randint(1, 10))
    return tuple(random.randint(1, 10) for _ in range(rank))


def _state(draw: Drawing) -> tuple[tuple[str, str], ...]:
    """A sum that goes on from run to run."""
    x = draw.pick(lambda tensor: True)
    assert x is not None
    before = draw.input(x.shape, x.stored)
    if before.stored != x.stored:
        return ()
    added = draw.node("Add", [draw.real(before), draw.real(x)])
    draw.operators += 1
    if x.stored is None:
        half = draw.curve_of(added, x.shape)
        return ((draw.kept(Tensor(half, x.shape, 1.0)).name, before.name),)
    draw.types[added] = ("float32", x.shape)
    made = draw.node("QuantizeLinear", (added, *draw.scales(x.stored)))
    draw.kept(Tensor(made, x.shape, x.spread, x.stored))
    return ((made, before.name),)


def _outputs(draw: Drawing, needed: Sequence[str]) -> list[str]:
    """What nothing reads, and now and then more: what is read, and an input."""
    ends = [t.name for t in draw.tensors if t.name not in draw.read and t not in draw.inputs]
    made = [t.name for t in draw.tensors if t not in draw.inputs]
    if len(ends) > 1 and draw.chance(0.1):
        del ends[0]  # nobody needs what it is made by
    if made and draw.chance(0.15):
        ends.append(draw.random.choice(made))
    if draw.chance(0.03):
        ends.append(draw.random.choice(draw.inputs).name)
    return list(dict.fromkeys([*ends, *needed])) or [draw.tensors[-1].name]
