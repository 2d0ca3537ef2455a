"""Two-dimensional convolution, dense, grouped and depthwise: NHWC activations."""

from dataclasses import dataclass, replace
from math import inf
from typing import Self

import numpy as np

from tilewright.ir.op import Access, Along, Op, Reduced, Split, Whole
from tilewright.ir.types import Array, DType, Region, Span, TensorType
from tilewright.ops.requantise import Requantise, RescaleSums
from tilewright.ops.rescale import Rounding
from tilewright.ops.window2d import Window2d


@dataclass(frozen=True, slots=True)
class Conv2dShape(Op):
    """Shape, access and cost rules of every dense or grouped convolution.

    x[N,H,W,C]  w[O,KH,KW,C/groups]  bias[O] …  ->  y[N,OH,OW,O]
    ``is_channels_first`` says that x is [N,C,H,W] instead: a convolution that reads the network's
    input as the file stores it needs no transpose at run time.
    """

    window: Window2d
    groups: int = 1
    is_channels_first: bool = False

    def output_shape(self, *inputs: TensorType) -> tuple[int, ...]:
        """[N,OH,OW,O]. Raises ValueError naming the dimension that does not fit."""
        x, w = inputs[0], inputs[1]
        if len(x.shape) != 4 or len(w.shape) != 4:
            raise ValueError(f"convolution wants 4-D x and weights, got {x} and {w}")
        n, h, wd, c = self._nhwc(x.shape)
        o, kh, kw, wc = w.shape
        if (kh, kw) != self.window.kernel:
            raise ValueError(f"weights are {kh}x{kw}, the window is {self.window}")
        if c != wc * self.groups:
            raise ValueError(f"x has {c} channels, weights want {wc} x {self.groups} groups")
        if o % self.groups:
            raise ValueError(f"{o} output channels do not divide into {self.groups} groups")
        return (n, *self.window.output_size(h, wd), o)

    def _nhwc(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if not self.is_channels_first:
            return shape
        n, c, h, w = shape
        return n, h, w, c

    def channels_last(self, x: Array) -> Array:
        """The input as [N,H,W,C]."""
        return x.transpose(0, 2, 3, 1) if self.is_channels_first else x

    def accumulate(self, x: Array, w: Array, pad_value: float) -> Array:
        """[N,OH,OW,O] sums of products, in the arrays' own precision."""
        patches = self.window.patches(self.channels_last(x), pad_value)
        n, oh, ow = patches.shape[:3]
        per_group = w.shape[0] // self.groups
        sums: list[Array] = []
        for g, xs in enumerate(np.split(patches, self.groups, axis=-1)):
            ws = w[g * per_group : (g + 1) * per_group].reshape(per_group, -1)
            sums.append(xs.reshape(n * oh * ow, -1) @ ws.T)
        return np.concatenate(sums, axis=-1).reshape(n, oh, ow, -1)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows and columns slide; channels are reduced; weights follow the output channel."""
        rows, cols = self.window.along()
        channels = Reduced() if self.groups == 1 else Whole()
        x: Access = (Along(0), rows, cols, channels)
        if self.is_channels_first:
            x = (Along(0), channels, rows, cols)
        w: Access = (Along(3), Whole(), Whole(), channels)
        return x, w, *(_per_channel(t) for t in inputs[2:])

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Groups tie output channels to input channels, so a tile takes all of them."""
        del inputs
        return frozenset({3}) if self.groups > 1 else frozenset()

    def on_tile(self, out: Region, *inputs: TensorType) -> Self:
        """The same convolution with the padding that the tile still needs."""
        _, height, width, _ = self._nhwc(inputs[0].shape)
        return replace(self, window=self.window.on_tile(out[1], out[2], height, width))

    def macs(self, *inputs: TensorType) -> int:
        """One per output element and weight of its channel."""
        n, oh, ow, _ = self.output_shape(*inputs)
        return n * oh * ow * inputs[1].size


@dataclass(frozen=True, slots=True)
class _DepthwiseShape(Op):
    """Shape, access and cost rules of depthwise convolution.

    x[N,H,W,C]  w[KH,KW,O]  bias[O] …  ->  y[N,OH,OW,O]; O = C * multiplier, and output channel o
    reads input channel o // multiplier.
    """

    window: Window2d

    def output_shape(self, *inputs: TensorType) -> tuple[int, ...]:
        """[N,OH,OW,O]. Raises ValueError naming the dimension that does not fit."""
        x, w = inputs[0], inputs[1]
        if len(x.shape) != 4 or len(w.shape) != 3:
            raise ValueError(f"depthwise convolution wants 4-D x and 3-D weights, got {x} and {w}")
        n, h, wd, c = x.shape
        kh, kw, o = w.shape
        if (kh, kw) != self.window.kernel:
            raise ValueError(f"weights are {kh}x{kw}, the window is {self.window}")
        if o % c:
            raise ValueError(f"{o} output channels are no multiple of {c} input channels")
        return (n, *self.window.output_size(h, wd), o)

    def accumulate(self, x: Array, w: Array, pad_value: float) -> Array:
        """[N,OH,OW,O] sums of products, in the arrays' own precision."""
        patches = self.window.patches(x, pad_value)
        patches = np.repeat(patches, w.shape[2] // x.shape[3], axis=-1)
        return (patches * w).sum(axis=(3, 4), dtype=w.dtype)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows and columns slide; channels go along, unless several share one input channel."""
        rows, cols = self.window.along()
        channels = Along(3) if inputs[0].shape[3] == inputs[1].shape[2] else Whole()
        x: Access = (Along(0), rows, cols, channels)
        w: Access = (Whole(), Whole(), Along(2 + 1))
        return x, w, *(_per_channel(t) for t in inputs[2:])

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """With a channel multiplier, tiles would have to cut at multiples of it."""
        return frozenset() if inputs[0].shape[3] == inputs[1].shape[2] else frozenset({3})

    def on_tile(self, out: Region, *inputs: TensorType) -> Self:
        """The same convolution with the padding that the tile still needs."""
        _, height, width, _ = inputs[0].shape
        return replace(self, window=self.window.on_tile(out[1], out[2], height, width))

    def macs(self, *inputs: TensorType) -> int:
        """One per output element and window position."""
        n, oh, ow, _ = self.output_shape(*inputs)
        return n * oh * ow * inputs[1].size


@dataclass(frozen=True, slots=True)
class Conv2d(Conv2dShape):
    """y = clip(conv(x, w) + bias, low, high) in real numbers. Inputs: x, w, bias."""

    low: float = -inf
    high: float = inf

    def infer(self, *inputs: TensorType) -> TensorType:
        """Shape rule of ONNX Conv with explicit pads."""
        return TensorType(DType.F32, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Sums in float64, rounded to float32 once."""
        x, w, bias = (a.astype(np.float64) for a in inputs)
        y = np.clip(self.accumulate(x, w, 0.0) + bias, self.low, self.high)
        return y.astype(np.float32)


@dataclass(frozen=True, slots=True)
class DepthwiseConv2d(_DepthwiseShape):
    """y = clip(depthwise(x, w) + bias, low, high) in real numbers. Inputs: x, w, bias."""

    low: float = -inf
    high: float = inf

    def infer(self, *inputs: TensorType) -> TensorType:
        """One output channel per weight channel."""
        return TensorType(DType.F32, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Sums in float64, rounded to float32 once."""
        x, w, bias = (a.astype(np.float64) for a in inputs)
        y = np.clip(self.accumulate(x, w, 0.0) + bias, self.low, self.high)
        return y.astype(np.float32)


@dataclass(frozen=True, slots=True)
class QConv2d(Conv2dShape):
    """int8 convolution: y = output(sum(x * (w - w_zero)) + bias).

    Inputs: x s8, w s8, bias s32[O], multiplier s32[O or 1], shift s8[O or 1].
    ``bias`` has the input's zero point folded in: bias' = bias - x_zero * sum(w - w_zero); padding
    therefore reads ``x_zero``.
    """

    output: Requantise = Requantise(Rounding.DOUBLE)
    x_zero: int = 0
    w_zero: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """int8 in, int8 out."""
        return TensorType(DType.S8, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact sums, one requantisation."""
        x, w, bias, multiplier, shift = (a.astype(np.int64) for a in inputs)
        acc = self.accumulate(x, w - self.w_zero, self.x_zero) + bias
        return self.output.apply(acc, multiplier, shift)

    def split(self, *inputs: TensorType) -> Split | None:
        """QConv2dSum, then RescaleSums; not where every group has sums of its own."""
        del inputs
        if self.groups > 1:
            return None
        sums = QConv2dSum(
            self.window, is_channels_first=self.is_channels_first, x_zero=self.x_zero,
            w_zero=self.w_zero,
        )  # fmt: skip
        return Split(sums, (0, 1, 2), RescaleSums(self.output), (3, 4))


@dataclass(frozen=True, slots=True)
class QConv2dSum(Conv2dShape):
    """int32 sums of a convolution of one group; inputs x, w, bias and zero points as in QConv2d.

    adds  for a part of the input channels that is not the first: without the bias, to be added to
          what y holds
    """

    x_zero: int = 0
    w_zero: int = 0
    adds: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        """int32 out."""
        return TensorType(DType.S32, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact; whoever made the layer proved that every partial sum fits int32."""
        x, w, bias = (a.astype(np.int64) for a in inputs)
        acc = self.accumulate(x, w - self.w_zero, self.x_zero) + (0 if self.adds else bias)
        return acc.astype(np.int32)

    def on_part(self, part: Span) -> Self:
        """The bias belongs to the first part."""
        return replace(self, adds=part.start > 0)

    def adds_up(self) -> bool:
        """For later parts."""
        return self.adds


@dataclass(frozen=True, slots=True)
class QDepthwiseConv2d(_DepthwiseShape):
    """int8 depthwise convolution; inputs and zero points as in QConv2d."""

    output: Requantise = Requantise(Rounding.DOUBLE)
    x_zero: int = 0
    w_zero: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """int8 in, int8 out."""
        return TensorType(DType.S8, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact sums, one requantisation."""
        x, w, bias, multiplier, shift = (a.astype(np.int64) for a in inputs)
        acc = self.accumulate(x, w - self.w_zero, self.x_zero) + bias
        return self.output.apply(acc, multiplier, shift)


def _per_channel(table: TensorType) -> Access:
    """A table with one entry per output channel, or one entry for all."""
    return (Along(3),) if table.shape[0] > 1 else (Whole(),)
