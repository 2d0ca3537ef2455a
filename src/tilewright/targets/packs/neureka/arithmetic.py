"""What a job of N-EUREKA computes, in numpy: the definition that the engine is compared with."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.types import Array
from tilewright.targets.packs.neureka.job import Job, Mode, Out


@dataclass(frozen=True, slots=True)
class Tables:
    """Per output channel: unsigned scales, shifts (where the job has none for all), biases."""

    scale: Array
    shift: Array | None = None
    bias: Array | None = None


def sums(job: Job, image: Array, stored: Array) -> Array:
    """int64 sums [rows, columns, outputs].

    image   [in_rows, in_columns, inputs] as the job's strides and pads leave it
    stored  weights as they are encoded: [O, 3, 3, C], [3, 3, C] or [O, C]
    """
    top, left, bottom, right = job.pads
    border = ((top, bottom), (left, right), (0, 0))
    x = np.pad(image.astype(np.int64), border, constant_values=job.pad_value)
    w = stored.astype(np.int64) + job.weight_offset
    total = np.zeros((job.rows, job.columns, job.outputs), np.int64)
    for row in range(job.kernel):
        for column in range(job.kernel):
            seen = x[row : row + job.rows, column : column + job.columns]
            match job.mode:
                case Mode.POINT:
                    total += seen @ w.T
                case Mode.WINDOW:
                    total += seen @ w[:, row, column].T
                case Mode.DEPTHWISE:
                    total += seen * w[row, column]
    return total


def rescaled(job: Job, total: Array, tables: Tables) -> Array:
    """Bytes from sums: multiply, add, wrap to int32, shift down, clip. Nothing is rounded; whoever
    wants that has put a half into the bias."""
    assert job.rescale is not None
    bias = 0 if tables.bias is None else tables.bias.astype(np.int64)
    shift = tables.shift if job.rescale.shift is None else np.int64(job.rescale.shift)
    assert shift is not None
    wide = (total * tables.scale.astype(np.int64) + bias).astype(np.int32)
    value = wide >> np.asarray(shift).astype(np.int32)
    if job.out is Out.U8:
        return np.clip(value, 0, 255).astype(np.uint8)
    return np.clip(value, -128, 127).astype(np.int8)


def compute(
    job: Job, image: Array, stored: Array, tables: Tables | None = None, held: Array | None = None
) -> Array:
    """What a job writes: [rows, columns, outputs] of int8, uint8 or int32.

    held  what the output holds before, where the job adds to it
    """
    total = sums(job, image, stored) + (0 if held is None else held.astype(np.int64))
    if job.rescale is None:
        return total.astype(np.int32)
    assert tables is not None
    return rescaled(job, total, tables)
