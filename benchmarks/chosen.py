"""Random choices of shapes and arithmetic for draws.py, all from one seed."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ir.types import Array, Shape, TensorType
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding, fixed_point, fixed_point_within
from tilewright.ops.window2d import Window2d

T = TypeVar("T")

MOST_ELEMENTS = 6000
"""Of one input or output: boards hold dozens of calls at a time."""

SPREAD = 30
"""Standard deviation of weights."""


@dataclass(frozen=True, slots=True)
class Call:
    """``op`` on ``inputs``, the first ``varying`` of which are computed at run time."""

    op: Op
    inputs: tuple[Array, ...]
    varying: int = 1

    @property
    def signature(self) -> Signature:
        """The types that a kernel sees."""
        types = tuple(TensorType.of(array) for array in self.inputs)
        return Signature(types, self.op.infer(*types))


class Draw:
    """Random choices, all from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def upto(self, most: int, least: int = 1) -> int:
        """An integer in [least, most], small ones as likely as large ones by their logarithm."""
        return int(np.exp(self.rng.uniform(np.log(least), np.log(most + 1))))

    def one(self, *choices: T) -> T:
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def channels(self, most: int = 96) -> int:
        """Often a multiple of eight, as networks have them."""
        if most < 16 or self.one(True, False):
            return self.upto(most)
        return 8 * self.upto(most // 8)

    def s8(self, *shape: int) -> Array:
        """int8 over the whole range."""
        return self.rng.integers(-128, 128, shape, np.int8)

    def weights(self, *shape: int) -> Array:
        """int8 as trained ones are: most of them small."""
        drawn = self.rng.normal(0, SPREAD, shape).round()
        return np.clip(drawn, -127, 127).astype(np.int8)

    def f32(self, *shape: int, scale: float = 1.0) -> Array:
        """Normally distributed float32."""
        return (self.rng.standard_normal(shape) * scale).astype(np.float32)

    def shape(self, most: int = MOST_ELEMENTS, rank: int | None = None) -> Shape:
        """Some dimensions, with at most so many elements."""
        left, dims = self.upto(most, 30), list[int]()
        for _ in range((rank or self.one(1, 2, 3, 4)) - 1):
            dims.append(self.upto(max(min(left, 40), 1)))
            left //= dims[-1]
        return tuple(self.rng.permutation([*dims, max(left, 1)]).tolist())

    def output(self, rounding: Rounding) -> Requantise:
        """Most often a whole clip range, with or without a Relu folded in."""
        zero = self.one(-128, -128, int(self.rng.integers(-100, 100)))
        low, high = self.one((-128, 127), (-128, 127), (-128, 127), (zero, 127), (zero, 90))
        return Requantise(rounding, zero, max(low, -128), high)

    def window(self, *, dilates: bool = True) -> Window2d:
        """Square or not, strided, padded; now and then dilated."""
        kernel = self.one((1, 1), (3, 3), (3, 3), (2, 2), (5, 5), (1, 4), (10, 4), (3, 1), (4, 4))
        stride = self.one((1, 1), (1, 1), (2, 2), (2, 1))
        pads = self.one((0, 0, 0, 0), (kernel[0] // 2, kernel[1] // 2) * 2, (0, 0, 1, 1))
        holes = dilates and self.one(0, 0, 0, 0, 1) and max(kernel) < 5
        return Window2d(kernel, stride, pads, (2, 2) if holes else (1, 1))

    def image(self, window: Window2d, channels: int, most: int = MOST_ELEMENTS) -> Shape:
        """NHWC that the window fits into."""
        least = [max(e, 2) for e in window.extent]
        side = max(int((most / channels) ** 0.5), 1)
        h, w = (max(self.upto(max(side, low + 2), low), low) for low in least)
        return 1, h, w, channels

    def any(self, dtype: str, shape: Shape) -> Array:
        """Of type "s8" or "f32"."""
        return self.s8(*shape) if dtype == "s8" else self.f32(*shape)

    def pooling(self) -> tuple[Window2d, Shape]:
        """A window that touches the input wherever it stands, or one over the whole image."""
        channels = self.channels(128)
        if self.one(False, False, True):
            h, w = self.upto(14), self.upto(14)
            return Window2d((h, w)), (1, h, w, channels)
        kernel = self.one((2, 2), (3, 3), (2, 2), (1, 4), (4, 4))
        pads = self.one((0, 0, 0, 0), (kernel[0] // 2, kernel[1] // 2) * 2)
        window = Window2d(kernel, self.one((1, 1), (2, 2)), pads)
        return window, self.image(window, channels)

    def scales(self, depth: int, bias: Array, rounding: Rounding) -> tuple[Array, Array]:
        """Multipliers and shifts that spread sums of ``depth`` random products over int8."""
        points: list[FixedPoint] = []
        for addend in bias.tolist()[: self.one(1, bias.size, bias.size)]:
            real = 40 / (depth**0.5 * 74 * SPREAD) * float(self.rng.uniform(0.5, 2))
            points.append(scale(real, depth * 128 * 128 + abs(addend), rounding))
        return (
            np.array([p.multiplier for p in points], np.int32),
            np.array([p.shift for p in points], np.int8),
        )


def scale(real: float, reach: int, rounding: Rounding) -> FixedPoint:
    """The operator's scale for accumulators up to ``reach``."""
    if rounding is Rounding.HALF_UP:
        return fixed_point_within(real, reach)
    return fixed_point(real, rounding)
