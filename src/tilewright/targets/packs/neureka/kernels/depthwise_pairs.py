"""Binding of depthwise_pairs_neureka.c: depthwise 3x3 that moves along by two.

Two columns are one pixel, so that the window moves by one and only rows are left to drop. As a
convolution with weights of zero between channels a group of channels reads what lies between its
first channel in the one column and its last in the other; groups are as large as is cheapest.
"""

from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Signature
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.targets.packs.neureka.cycles import AROUND, BETWEEN, job_cycles
from tilewright.targets.packs.neureka.encoding import encode_windows
from tilewright.targets.packs.neureka.job import TILE, Job, Mode, registers, tiles, weight_bytes
from tilewright.targets.packs.neureka.kernels.conv2d_neureka import DEPTHWISE_NEUREKA
from tilewright.targets.packs.neureka.kernels.packed import (
    WHOLE_ROWS,
    diagonal,
    spread,
    window_job,
    wrong_columns,
    zero_weight,
)
from tilewright.targets.packs.neureka.kernels.shared import HERE, Packed
from tilewright.targets.packs.neureka.kernels.strided import DEPTHWISE_STRIDED_NEUREKA
from tilewright.targets.packs.neureka.kernels.two_jobs import (
    CHUNK,
    keeping_rows,
    packed_with_keep,
    two_job_fields,
)

ALONG = 2

GROUPS = range(4, 33, 4)
"""Channels of a group: whole words of shifts, at most as many as the engine computes at once."""


class _Jobs(NamedTuple):
    """``groups`` jobs like ``group``, the last one like ``end``; then ``keep``."""

    groups: int
    group: Job
    end: Job
    keep: Job

    @property
    def cycles(self) -> int:
        """Of all of them, one behind the other."""
        last = job_cycles(self.end) + job_cycles(self.keep) - AROUND + BETWEEN
        return last + (self.groups - 1) * (job_cycles(self.group) - AROUND + BETWEEN)


@cache
def group_size(channels: int) -> int:
    """Channels of a group, for the fewest cycles over full tiles."""

    def cycles(size: int) -> int:
        count = min(size, channels)
        full = Job(Mode.WINDOW, _lanes(channels, count), count, TILE, TILE)
        return tiles(channels, size) * job_cycles(full)

    return min(GROUPS, key=cycles)


def _lanes(channels: int, group: int) -> int:
    """Bytes from a group's first channel in one column to its last in the next."""
    return channels + group


def _jobs(op: Op, signature: Signature) -> _Jobs:
    assert isinstance(op, QDepthwiseConv2d)
    channels = signature.output.shape[3]
    size = group_size(channels)
    groups = tiles(channels, size)
    whole = window_job(op, signature, 1)
    count = min(size, channels)
    group = replace(whole, inputs=_lanes(channels, count), outputs=count)
    end = replace(group, outputs=channels - (groups - 1) * count)
    keep = keeping_rows(whole, signature, op.window.strides[0]).keep
    return _Jobs(groups, group, end, keep)


def _fields(op: Op, signature: Signature) -> Fields:
    jobs = _jobs(op, signature)
    channels = signature.output.shape[3]
    size = weight_bytes(jobs.group) * channels
    both = two_job_fields(jobs.group, jobs.keep, size, channels)
    strides = {"out_pixel": channels, "out_row": channels * jobs.group.columns}
    end = registers(jobs.end)["last_channels"]
    return {
        **both, **strides, "groups": jobs.groups, "end_channels": end,
    }  # fmt: skip


def _cycles(op: Op, signature: Signature) -> int:
    return _jobs(op, signature).cycles


def _scratch_bytes(op: Op, signature: Signature) -> int:
    first = _jobs(op, signature).group
    return -(-first.rows * first.columns * signature.output.shape[3] // 4) * 4


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QDepthwiseConv2d)
    if op.window.strides[0] < ALONG or op.window.strides[1] != ALONG:
        return f"takes windows that move by two, not {op.window}"
    if (wrong := DEPTHWISE_STRIDED_NEUREKA.refuse(op, signature)) is not None:
        return wrong
    return wrong_columns(op, signature, 1)


def _encode(op: QDepthwiseConv2d, stored: Array) -> Array:
    """Rows of all groups, one after another."""
    channels, nothing = stored.shape[2], zero_weight(op.w_zero)
    count = min(group_size(channels), channels)
    lanes = _lanes(channels, count)
    pairs = spread(diagonal(stored, nothing), ALONG, op.window.pads[1], 1, nothing)
    made: list[Array] = []
    for first in range(0, channels, count):
        windows = pairs[first : first + count, :, :, first : first + lanes]
        seen = np.full((len(windows), 3, 3, lanes), nothing, np.uint8)
        seen[..., : windows.shape[3]] = windows
        made.append(encode_windows(seen, 8).reshape(-1, 32))
    return np.concatenate(made)


def _pack(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QDepthwiseConv2d)
    return packed_with_keep(op.output, constants, CHUNK, lambda w: _encode(op, w))


DEPTHWISE_PAIRS_NEUREKA = replace(
    DEPTHWISE_NEUREKA,
    symbol="depthwise_pairs_neureka",
    struct="neureka_strided_args",
    source=HERE / "depthwise_pairs_neureka.c",
    fields=_fields,
    cycles=_cycles,
    refuse=_refuse,
    pack=_pack,
    includes=(*DEPTHWISE_NEUREKA.includes, HERE / "neureka_strided.h"),
    scratch_bytes=_scratch_bytes,
    limits=WHOLE_ROWS,
)
