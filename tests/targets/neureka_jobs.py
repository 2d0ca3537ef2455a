"""Drawn jobs of N-EUREKA, and data for them."""

import numpy as np

from targets.neureka_bench import JobData
from tilewright.ir.types import Array
from tilewright.targets.packs.neureka.arithmetic import Tables
from tilewright.targets.packs.neureka.job import Job, Mode, Out, Rescale

CHANNELS = (1, 3, 8, 27, 28, 29, 32, 33, 40, 56, 64, 70)
SIZES = (1, 2, 3, 5, 6, 7, 8, 12, 13)


def drawn_job(rng: np.random.Generator, mode: Mode) -> Job:
    """Ragged sizes, any width of weights, all ways to write."""
    inputs, outputs = (int(rng.choice(CHANNELS)) for _ in range(2))
    outputs = inputs if mode is Mode.DEPTHWISE else outputs
    rows, columns = (int(rng.choice(SIZES)) for _ in range(2))
    pads = (0, 0, 0, 0)
    if mode is not Mode.POINT:
        most = 2 if min(rows % 6, columns % 6) == 2 else 1
        top, left, bottom, right = (int(p) for p in rng.integers(0, most + 1, 4))
        pads = top, left, bottom, right
        # Something of the input must be left.
        rows, columns = max(rows, top + bottom), max(columns, left + right)
    bits = int(rng.integers(2, 9))
    out = Out(rng.choice([o.value for o in Out]))
    shift = None if rng.integers(2) else int(rng.integers(0, 16))
    is_signed = bool(rng.integers(2))
    scale = Rescale(int(rng.choice([8, 16, 32])), shift, has_bias=bool(rng.integers(2)))
    return Job(
        mode, inputs, outputs, rows, columns, pads=pads,
        pad_value=int(rng.integers(0, 128)) - 64 * is_signed, weight_bits=bits,
        weight_offset=int(rng.integers(-200, 60)), out=out,
        rescale=None if out is Out.SUMS else scale,
        adds=out is Out.SUMS and bool(rng.integers(2)), is_signed=is_signed,
        prefetches=bool(rng.integers(2)),
    )  # fmt: skip


def drawn_data(rng: np.random.Generator, job: Job) -> JobData:
    """Inputs, weights and tables over their whole ranges: sums wrap in int32 here and there."""
    dtype = np.int8 if job.is_signed else np.uint8
    limits = np.iinfo(dtype)
    image = rng.integers(
        limits.min, limits.max + 1, (job.in_rows, job.in_columns, job.inputs)
    ).astype(dtype)
    shapes = {
        Mode.POINT: (job.outputs, job.inputs),
        Mode.WINDOW: (job.outputs, 3, 3, job.inputs),
        Mode.DEPTHWISE: (3, 3, job.inputs),
    }
    stored = rng.integers(0, 1 << job.weight_bits, shapes[job.mode]).astype(np.uint8)
    tables = None if job.rescale is None else drawn_tables(rng, job, job.rescale)
    held = None
    if job.adds:
        held = rng.integers(-(2**31), 2**31, (job.rows, job.columns, job.outputs)).astype(np.int32)
    return JobData(image, stored, tables, held)


def drawn_tables(rng: np.random.Generator, job: Job, rescale: Rescale) -> Tables:
    top = min(2**rescale.scale_bits, 2 ** int(rng.integers(1, 33)))
    scale: Array = rng.integers(0, top, job.outputs)
    shift = rng.integers(0, 32, job.outputs) if rescale.shift is None else None
    bias = rng.integers(-(2**31), 2**31, job.outputs) if rescale.has_bias else None
    return Tables(scale, shift, bias)
