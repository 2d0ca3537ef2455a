"""Tensor types, quantisation parameters and half-open index ranges."""

from dataclasses import dataclass
from enum import Enum
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


class DType(Enum):
    """Element type of a stored tensor. The value is its numpy name."""

    S8 = "int8"
    U8 = "uint8"
    S16 = "int16"
    S32 = "int32"
    F32 = "float32"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy dtype of one element."""
        return np.dtype(self.value)

    @property
    def c(self) -> str:
        """C spelling."""
        return "float" if self is DType.F32 else f"{self.value}_t"

    @property
    def nbytes(self) -> int:
        """Size of one element, in bytes."""
        return _BYTES[self]

    @property
    def is_float(self) -> bool:
        """Whether elements are real numbers and not stored integers."""
        return self is DType.F32

    @property
    def low(self) -> int:
        """Smallest integer that an element can hold."""
        return int(np.iinfo(self.numpy).min)

    @property
    def high(self) -> int:
        """Largest integer that an element can hold."""
        return int(np.iinfo(self.numpy).max)

    def __str__(self) -> str:
        return self.name.lower()


_BYTES = {dtype: dtype.numpy.itemsize for dtype in DType}
_STORED = {dtype.numpy: dtype for dtype in DType}


@dataclass(frozen=True, slots=True)
class TensorType:
    """Dense row-major tensor: element type and shape (elements per dimension, all > 0)."""

    dtype: DType
    shape: Shape

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Storage size, in bytes."""
        return self.dtype.nbytes * self.size

    @staticmethod
    def of(array: Array) -> "TensorType":
        """Type of a numpy array. Raises ValueError for an element type that nothing stores."""
        known = _STORED.get(array.dtype)
        return TensorType(known or DType(array.dtype.name), tuple(int(n) for n in array.shape))

    def __str__(self) -> str:
        return f"{self.dtype}[{'x'.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True)
class Quantisation:
    """real = scale * (stored - zero_point), per tensor or along one axis.

    scales       one per tensor, or one per index of ``axis``; finite and > 0
    zero_points  as many as scales, each within the element type's range
    axis         the dimension that the parameters run along; None where there is one of each
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None = None

    @property
    def is_per_tensor(self) -> bool:
        """One scale and one zero point for every element."""
        return len(self.scales) == 1

    @property
    def scale(self) -> float:
        """The scale of a per-tensor quantisation."""
        (scale,) = self.scales
        return scale

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantisation."""
        (zero_point,) = self.zero_points
        return zero_point

    def __str__(self) -> str:
        if self.is_per_tensor:
            return f"scale {self.scale:.6g} zero {self.zero_point}"
        return f"{len(self.scales)} scales along axis {self.axis}"


class Span(NamedTuple):
    """Half-open index range [start, start + size)."""

    start: int
    size: int

    @property
    def stop(self) -> int:
        """One past the last index."""
        return self.start + self.size


Region = tuple[Span, ...]
"""One span per dimension of a tensor."""
