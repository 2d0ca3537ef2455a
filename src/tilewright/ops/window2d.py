"""Sliding windows over the two spatial axes of an NHWC tensor, for convolution and pooling."""

from dataclasses import dataclass, replace

import numpy as np

from tilewright.ir.op import Along
from tilewright.ir.types import Array, Span

Pads = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Window2d:
    """Geometry of a sliding window; all pairs are (height, width), in elements.

    ``pads`` is (top, left, bottom, right). Output row o covers input rows
    ``o*stride - top + k*dilation`` for k in [0, kernel).
    """

    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: Pads = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)

    def __str__(self) -> str:
        text = f"{self.kernel[0]}x{self.kernel[1]}"
        if self.strides != (1, 1):
            text += f"/{self.strides[0]}" + (
                f"x{self.strides[1]}" if self.strides[0] != self.strides[1] else ""
            )
        if any(self.pads):
            text += f" pads {self.pads}"
        if self.dilations != (1, 1):
            text += f" dilations {self.dilations}"
        return text

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns from the first to the last element that one window covers."""
        (kh, kw), (dh, dw) = self.kernel, self.dilations
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1

    @property
    def is_padded(self) -> bool:
        """Whether some window may reach beyond the input."""
        return any(self.pads)

    @property
    def is_pointwise(self) -> bool:
        """A 1x1 window with no stride and no padding: every output pixel is one input pixel."""
        return self.kernel == (1, 1) and self.strides == (1, 1) and not self.is_padded

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Output rows and columns. Raises ValueError where the window does not fit once."""
        top, left, bottom, right = self.pads
        eh, ew = self.extent
        spare_h, spare_w = height + top + bottom - eh, width + left + right - ew
        if spare_h < 0 or spare_w < 0:
            raise ValueError(
                f"window {eh}x{ew} exceeds the padded input "
                f"{height + top + bottom}x{width + left + right}"
            )
        return spare_h // self.strides[0] + 1, spare_w // self.strides[1] + 1

    def along(self, axis_h: int = 1, axis_w: int = 2) -> tuple[Along, Along]:
        """How the two spatial input dimensions slide with output axes ``axis_h``, ``axis_w``."""
        (eh, ew), (sh, sw), (top, left, _, _) = self.extent, self.strides, self.pads
        return Along(axis_h, sh, eh, top), Along(axis_w, sw, ew, left)

    def on_tile(self, rows: Span, columns: Span, height: int, width: int) -> "Window2d":
        """The window over just the input that output ``rows`` and ``columns`` need."""
        above = Along(0, self.strides[0], self.extent[0], self.pads[0]).beyond(rows, height)
        aside = Along(0, self.strides[1], self.extent[1], self.pads[1]).beyond(columns, width)
        return replace(self, pads=(above[0], aside[0], above[1], aside[1]))

    def patches(self, x: Array, pad_value: float) -> Array:
        """All windows of x[N,H,W,C] as [N,OH,OW,KH,KW,C]; padding reads ``pad_value``."""
        oh, ow = self.output_size(x.shape[1], x.shape[2])
        top, left, bottom, right = self.pads
        padded = np.pad(
            x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=pad_value
        )
        rows = (
            np.arange(oh)[:, None] * self.strides[0] + np.arange(self.kernel[0]) * self.dilations[0]
        )
        cols = (
            np.arange(ow)[:, None] * self.strides[1] + np.arange(self.kernel[1]) * self.dilations[1]
        )
        return padded[:, rows[:, None, :, None], cols[None, :, None, :], :]

    def valid_counts(self, height: int, width: int) -> Array:
        """How many elements of each window lie inside the input: [OH,OW]."""
        inside = np.ones((1, height, width, 1), np.int32)
        return self.patches(inside, 0).sum(axis=(0, 3, 4, 5))
