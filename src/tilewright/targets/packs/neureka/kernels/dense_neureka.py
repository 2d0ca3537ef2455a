"""Bindings of dense_neureka.c and dense_vector_neureka.c."""

from math import prod

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ir.types import Array, DType
from tilewright.ops.dense import QDense
from tilewright.targets.packs.neureka.encoding import encode_points, encode_windows
from tilewright.targets.packs.neureka.job import Job, Mode
from tilewright.targets.packs.neureka.kernels.planes import best_plane
from tilewright.targets.packs.neureka.kernels.shared import (
    Packed,
    neureka_kernel,
    out_of,
    packed,
    too_large,
    weight_offset,
    wrong_bytes,
)

TAPS = 9


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QDense)
    vectors = prod(signature.output.shape[:-1])
    width = (signature.inputs[0].shape[-1], signature.output.shape[-1])
    return wrong_bytes(op.output, signature) or too_large(vectors, 1, *width)


def _refuse_several(op: Op, signature: Signature) -> str | None:
    vectors = prod(signature.output.shape[:-1])
    if vectors > 1:
        return f"multiplies {vectors} vectors, this kernel one"
    return _refuse(op, signature)


def _job(op: Op, signature: Signature) -> Job:
    assert isinstance(op, QDense)
    *several, outputs = signature.output.shape
    job = Job(
        mode=Mode.POINT, inputs=signature.inputs[0].shape[-1], outputs=outputs, rows=1, columns=1,
        weight_offset=weight_offset(op.w_zero), out=out_of(signature),
        is_signed=signature.inputs[0].dtype is DType.S8,
    )  # fmt: skip
    return best_plane(job, prod(several))


def _vector_job(op: Op, signature: Signature) -> Job:
    """A vector that is no multiple of nine is read up to 8 bytes beyond its end: those meet
    weights of zero."""
    assert isinstance(op, QDense)
    return Job(
        mode=Mode.WINDOW, inputs=-(-signature.inputs[0].shape[-1] // TAPS),
        outputs=signature.output.shape[-1], rows=1, columns=1,
        weight_offset=weight_offset(op.w_zero), out=out_of(signature),
        is_signed=signature.inputs[0].dtype is DType.S8,
    )  # fmt: skip


def _pack(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QDense)
    return packed(op.output, constants, lambda w: encode_points(w, 8))


def _pack_vector(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QDense)

    def encode(w: Array) -> Array:
        outputs, length = w.shape
        # What is stored for nothing: weights whose effective value is zero.
        padded = np.full((outputs, TAPS * -(-length // TAPS)), 128 + op.w_zero, np.uint8)
        padded[:, :length] = w
        return encode_windows(padded.reshape(outputs, 3, 3, -1), 8)

    return packed(op.output, constants, encode)


DENSE_NEUREKA = neureka_kernel(QDense, "dense_neureka", _job, _refuse, _pack, ())
DENSE_VECTOR_NEUREKA = neureka_kernel(
    QDense, "dense_vector_neureka", _vector_job, _refuse_several, _pack_vector, ()
)
