"""Bindings of depthwise_groups_neureka.c and depthwise_few_strided_neureka.c.

The engine's depthwise mode multiplies one channel at a time and cannot prefetch. As a convolution
of 28 channels to 28, with weights of zero between different channels, a layer takes as many
multiplications, which run beside the next load.
"""

from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Signature
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.targets.packs.neureka.cycles import AROUND, BETWEEN, job_cycles
from tilewright.targets.packs.neureka.encoding import encode_windows
from tilewright.targets.packs.neureka.job import Job, Mode, last_of, registers, tiles
from tilewright.targets.packs.neureka.kernels.conv2d_neureka import (
    DEPTHWISE_NEUREKA,
    depthwise_job,
)
from tilewright.targets.packs.neureka.kernels.shared import HERE, Packed, job_fields, packed
from tilewright.targets.packs.neureka.kernels.strided import (
    DEPTHWISE_STRIDED_NEUREKA,
    strided_jobs,
)
from tilewright.targets.packs.neureka.kernels.two_jobs import (
    Both,
    keeping,
    packed_with_keep,
    two_job_kernel,
)

GROUP = 28
"""Channels of a tile of the engine."""


def _as_window(job: Job, channels: int) -> Job:
    """A depthwise job over so many channels as a convolution; strides in bytes stay."""
    return replace(
        job, mode=Mode.WINDOW, inputs=channels, outputs=channels, in_pixel=job.pixel_stride,
        in_row=job.row_stride, prefetches=True,
    )  # fmt: skip


def _fields(op: Op, signature: Signature) -> Fields:
    job = depthwise_job(op, signature)
    channels = job.outputs
    group, rest = (_as_window(job, n) for n in (min(GROUP, channels), last_of(channels, GROUP)))
    fields = job_fields(group) | {
        "scales": 4 * channels, "out_pixel": channels, "out_row": channels * job.columns,
    }  # fmt: skip
    ends = {"groups": tiles(channels, GROUP), "end_channels": registers(rest)["last_channels"]}
    return fields | ends


def _cycles(op: Op, signature: Signature) -> int:
    job = depthwise_job(op, signature)
    more = tiles(job.outputs, GROUP) - 1
    rest = job_cycles(_as_window(job, last_of(job.outputs, GROUP)))
    return rest + more * (job_cycles(_as_window(job, GROUP)) - AROUND + BETWEEN)


def _encode(op: QDepthwiseConv2d, stored: Array) -> Array:
    """Rows of all groups, one after another."""
    nothing = np.uint8(128 + op.w_zero)
    made: list[Array] = []
    for first in range(0, stored.shape[2], GROUP):
        group = stored[:, :, first : first + GROUP]
        count = group.shape[2]
        windows = np.full((count, 3, 3, count), nothing, np.uint8)
        for channel in range(count):
            windows[channel, :, :, channel] = group[:, :, channel]
        made.append(encode_windows(windows, 8).reshape(-1, 32))
    return np.concatenate(made)


def _pack(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QDepthwiseConv2d)
    return packed(op.output, constants, lambda w: _encode(op, w))


def _both(op: Op, signature: Signature) -> Both:
    assert isinstance(op, QDepthwiseConv2d)
    first = strided_jobs(op, signature).first
    return keeping(_as_window(first, first.outputs), signature, *op.window.strides)


def _refuse_few(op: Op, signature: Signature) -> str | None:
    channels = signature.output.shape[-1]
    if channels > GROUP:
        return f"has {channels} channels, this kernel takes at most {GROUP}"
    return DEPTHWISE_STRIDED_NEUREKA.refuse(op, signature)


def _pack_few(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QDepthwiseConv2d)
    weights = constants[1]
    assert weights is not None
    return packed_with_keep(op.output, constants, weights.shape[2], lambda w: _encode(op, w))


DEPTHWISE_GROUPS_NEUREKA = replace(
    DEPTHWISE_NEUREKA,
    symbol="depthwise_groups_neureka",
    struct="neureka_groups_args",
    source=HERE / "depthwise_groups_neureka.c",
    fields=_fields,
    cycles=_cycles,
    pack=_pack,
)
DEPTHWISE_FEW_STRIDED_NEUREKA = two_job_kernel(
    DEPTHWISE_NEUREKA, "depthwise_few_strided_neureka", _both, _refuse_few, _pack_few
)
