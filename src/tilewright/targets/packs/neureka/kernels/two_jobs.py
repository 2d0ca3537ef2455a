"""Kernels of two queued jobs: the first computes more than is wanted, the second keeps what is.

The second is a 1x1 convolution by one. Its weights, and its scales of one byte, follow those of the
first.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import Array, DType
from tilewright.ops.requantise import Requantise
from tilewright.targets.packs.neureka.cycles import AROUND, BETWEEN, job_cycles
from tilewright.targets.packs.neureka.encoding import encode_points
from tilewright.targets.packs.neureka.job import Job, Mode, Rescale, registers, weight_bytes
from tilewright.targets.packs.neureka.kernels.shared import (
    HERE,
    Packed,
    job_fields,
    out_of,
    packed,
)


class Both(NamedTuple):
    """The two jobs of a call."""

    first: Job
    keep: Job


def keeping(first: Job, signature: Signature, down: int, along: int) -> Both:
    """``first``, and the job that keeps every ``down``-th row and ``along``-th column of it."""
    _, rows, columns, outputs = signature.output.shape
    keep = Job(
        Mode.POINT, outputs, outputs, rows, columns,
        in_pixel=along * outputs, in_row=down * first.columns * outputs,
        weight_offset=0, out=out_of(signature), rescale=Rescale(8, 0, has_bias=False),
        is_signed=signature.output.dtype is DType.S8,
    )  # fmt: skip
    return Both(first, keep)


CHUNK = 32
"""Bytes of a pixel, at most, where whole rows are kept."""


def keeping_rows(first: Job, signature: Signature, down: int) -> Both:
    """``first``, and the job that keeps every ``down``-th row of it: whole rows are any bytes, so
    that pixels are as long as the engine can take."""
    _, rows, columns, outputs = signature.output.shape
    row = columns * outputs
    chunk = max(size for size in range(1, CHUNK + 1) if row % size == 0)
    keep = Job(
        Mode.POINT, chunk, chunk, rows, row // chunk, in_row=down * row, weight_offset=0,
        out=out_of(signature), rescale=Rescale(8, 0, has_bias=False),
        is_signed=signature.output.dtype is DType.S8,
    )  # fmt: skip
    return Both(first, keep)


def packed_with_keep(
    output: Requantise, constants: Packed, outputs: int, encode: Callable[[Array], Array]
) -> Packed:
    """Constants of both jobs; ``encode`` is the first one's, ``outputs`` the second one's."""
    ones = encode_points(np.eye(outputs, dtype=np.uint8), 8)

    def encode_both(stored: Array) -> Array:
        return np.concatenate([encode(stored).reshape(-1, 32), ones.reshape(-1, 32)])

    return packed(output, constants, encode_both, np.ones(outputs, np.uint8))


def two_job_kernel(
    like: Kernel,
    symbol: str,
    both: Callable[[Op, Signature], Both],
    refuse: Callable[[Op, Signature], str | None],
    pack: Callable[[Op, Packed], Packed],
) -> Kernel:
    """A kernel for the operators of another one."""

    def fields(op: Op, signature: Signature) -> Fields:
        return _fields(both(op, signature))

    def cycles(op: Op, signature: Signature) -> int:
        first, keep = both(op, signature)
        return job_cycles(first) + job_cycles(keep) - AROUND + BETWEEN

    def scratch_bytes(op: Op, signature: Signature) -> int:
        first = both(op, signature).first
        return -(-first.rows * first.columns * first.outputs // 4) * 4

    return replace(
        like,
        symbol=symbol,
        struct="neureka_strided_args",
        source=HERE / f"{symbol}.c",
        fields=fields,
        cycles=cycles,
        refuse=refuse,
        pack=pack,
        includes=(*like.includes, HERE / "neureka_strided.h"),
        scratch_bytes=scratch_bytes,
    )


def _fields(jobs: Both) -> dict[str, int]:
    first, keep = jobs
    size = weight_bytes(first) * first.outputs
    if first.mode is Mode.DEPTHWISE:
        size = 32 * first.weight_bits * first.out_tiles
    return two_job_fields(first, keep, size, first.outputs)


def two_job_fields(first: Job, keep: Job, weights: int, channels: int) -> dict[str, int]:
    """Members of neureka_strided_args behind the pointers, in their order.

    weights   bytes of those of the first job
    channels  entries of each of its tables
    """
    # Biases and scales, then shifts in whole words.
    behind = 8 * channels + -(-channels // 4) * 4
    words = registers(keep)
    return {
        **job_fields(first), "scales": 4 * channels, "keep_w": weights, "keep_scales": behind,
        "keep_in_pixel": words["in_pixel"], "keep_in_row": words["in_row"],
        "keep_out_pixel": words["out_pixel"], "keep_out_row": words["out_row"],
        "keep_weight_row": words["weight_row"], "keep_last_channels": words["last_channels"],
        "keep_last_pixels": words["last_out"], "keep_channel_tiles": words["channel_tiles"],
        "keep_pixel_tiles": words["pixel_tiles"], "keep_config": words["config"],
        "groups": 1, "group": first.outputs, "end_channels": registers(first)["last_channels"],
    }  # fmt: skip
