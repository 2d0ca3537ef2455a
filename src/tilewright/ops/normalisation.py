"""Normalisation of rows, in real numbers."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.softmax import row_reads


def norm_reads(*inputs: TensorType) -> tuple[Access, ...]:
    """Whole rows of x; of each table its one dimension, which goes along with a row's."""
    x, *tables = inputs
    last = len(x.shape) - 1
    return row_reads(x), *((Along(last),) for _ in tables)


def check_tables(*inputs: TensorType) -> None:
    """Raise ValueError unless every input after x[...,N] has shape [N]."""
    x, *tables = inputs
    if not x.shape or any(t.shape != x.shape[-1:] for t in tables):
        listed = ", ".join(map(str, tables))
        raise ValueError(f"a normalisation of {x} wants tables of its last extent, got {listed}")


@dataclass(frozen=True, slots=True)
class LayerNorm(Op):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias along the last dimension.

    Inputs: x[...,N], scale[N], bias[N]. The variance is that of the whole row (divided by N).
    Source: ONNX LayerNormalization.
    """

    epsilon: float = 1e-5

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, real numbers."""
        check_tables(*inputs)
        return TensorType(DType.F32, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """In float64, rounded to float32 once."""
        x, scale, bias = (a.astype(np.float64) for a in inputs)
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred**2).mean(axis=-1, keepdims=True)
        return (centred / np.sqrt(variance + self.epsilon) * scale + bias).astype(np.float32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows."""
        return norm_reads(*inputs)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are normalised as a whole."""
        return frozenset({len(inputs[0].shape) - 1})


@dataclass(frozen=True, slots=True)
class RmsNorm(Op):
    """y = x / sqrt(mean(x**2) + epsilon) * scale along the last dimension.

    Inputs: x[...,N], scale[N]. Source: ONNX RMSNormalization.
    """

    epsilon: float = 1e-5

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, real numbers."""
        check_tables(*inputs)
        return TensorType(DType.F32, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """In float64, rounded to float32 once."""
        x, scale = (a.astype(np.float64) for a in inputs)
        square = (x**2).mean(axis=-1, keepdims=True)
        return (x / np.sqrt(square + self.epsilon) * scale).astype(np.float32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows."""
        return norm_reads(*inputs)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are normalised as a whole."""
        return frozenset({len(inputs[0].shape) - 1})
