"""Bindings of sum_rows_neureka.c and sum_vector_neureka.c: linear layers of language models."""

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, WholeAxis
from tilewright.ir.types import Array, DType
from tilewright.ops.llm.linear import SumRows
from tilewright.targets.packs.neureka.cycles import AROUND, BETWEEN, job_cycles
from tilewright.targets.packs.neureka.encoding import encode_points, encode_windows
from tilewright.targets.packs.neureka.job import TILE, Job, Mode, Out, registers
from tilewright.targets.packs.neureka.kernels.shared import HERE, Packed, job_fields, stored_weights

TAPS = 9
ALIGN = 4
"""Bytes: where rows of several begin."""

_ZERO = 128
"""What is stored for a weight of zero."""


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    x, w = signature.inputs
    if (x.dtype, w.dtype) != (DType.S8, DType.S8):
        return f"multiplies int8 by int8, not {x} by {w}"
    if w.shape[1] % ALIGN:
        return f"reads rows of words, not of {w.shape[1]} bytes"
    return None


def _refuse_several(op: Op, signature: Signature) -> str | None:
    rows = signature.output.shape[0]
    return f"multiplies {rows} vectors, this kernel one" if rows > 1 else _refuse(op, signature)


def _points(signature: Signature, rows: int, columns: int) -> Job:
    x, w = signature.inputs
    return Job(
        mode=Mode.POINT, inputs=w.shape[1], outputs=w.shape[0], rows=rows, columns=columns,
        in_pixel=x.shape[1], out=Out.SUMS, rescale=None,
    )  # fmt: skip


def _rows_fields(op: Op, signature: Signature) -> Fields:
    """What does not depend on how many rows there are, and that number."""
    del op
    words = registers(_points(signature, 1, 1))
    kept = (
        "in_pixel", "out_pixel", "weight_row", "last_channels", "channel_tiles", "weight_offset",
        "config",
    )  # fmt: skip
    return {"rows": signature.output.shape[0], **{name: words[name] for name in kept}}


def _rows_cycles(op: Op, signature: Signature) -> int:
    del op
    lines, left = divmod(signature.output.shape[0], TILE)
    jobs = [_points(signature, lines, TILE)] if lines else []
    jobs += [_points(signature, 1, left)] if left else []
    return sum(job_cycles(job) - AROUND + BETWEEN for job in jobs) + AROUND - BETWEEN


def _vector_job(op: Op, signature: Signature) -> Job:
    """A vector that is no multiple of nine is read up to 8 bytes beyond its end, its factor first:
    those meet weights of zero."""
    del op
    outputs, length = signature.inputs[1].shape
    return Job(
        mode=Mode.WINDOW, inputs=-(-length // TAPS), outputs=outputs, rows=1, columns=1,
        out=Out.SUMS, rescale=None,
    )  # fmt: skip


def _vector_fields(op: Op, signature: Signature) -> Fields:
    return job_fields(_vector_job(op, signature))


def _vector_cycles(op: Op, signature: Signature) -> int:
    return job_cycles(_vector_job(op, signature))


def _one_item(op: Op, signature: Signature) -> int:
    del op, signature
    return 1


def _pack_points(op: Op, constants: Packed) -> Packed:
    del op
    x, w = constants
    assert w is not None, "weights are constants"
    return x, encode_points(stored_weights(w), 8)


def _pack_vector(op: Op, constants: Packed) -> Packed:
    del op
    x, w = constants
    assert w is not None, "weights are constants"
    return x, encode_windows(ninths(stored_weights(w)), 8)


def ninths(stored: Array) -> Array:
    """[O, 3, 3, K / 9], weights of zero at the end. Stored weights [O, K]."""
    outputs, length = stored.shape
    padded = np.full((outputs, TAPS * -(-length // TAPS)), _ZERO, np.uint8)
    padded[:, :length] = stored
    return padded.reshape(outputs, 3, 3, -1)


SUM_ROWS_NEUREKA = Kernel(
    op=SumRows,
    symbol="sum_rows_neureka",
    struct="sum_rows_neureka_args",
    header=HERE / "neureka_job.h",
    source=HERE / "sum_rows_neureka.c",
    pointers=("x", "w", "y"),
    fields=_rows_fields,
    items=_one_item,
    cycles=_rows_cycles,
    refuse=_refuse,
    includes=(HERE / "neureka_start.h",),
    pack=_pack_points,
    limits=(WholeAxis(1),),
)

SUM_VECTOR_NEUREKA = Kernel(
    op=SumRows,
    symbol="sum_vector_neureka",
    struct="sum_vector_neureka_args",
    header=HERE / "neureka_job.h",
    source=HERE / "sum_vector_neureka.c",
    pointers=("x", "w", "y"),
    fields=_vector_fields,
    items=_one_item,
    cycles=_vector_cycles,
    refuse=_refuse_several,
    includes=(HERE / "neureka_start.h",),
    pack=_pack_vector,
    limits=(WholeAxis(1),),
)
