"""Binding of max_pool2d_helium."""

from dataclasses import replace
from functools import partial

from tilewright.ir.op import Op
from tilewright.ir.target import Signature, Terms
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.pool_onnx import RescaledAveragePool2d
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.helium.kernels.weights import LANES
from tilewright.targets.packs.portable.kernels.pool2d import MAX_POOL2D_S8
from tilewright.targets.packs.terms import groups, taps_inside

WINDOWS = ("pixels", "vectors", "row_vectors", "window_vectors", "outputs")
"""Output pixels, their vectors of channels, and those of window rows and elements."""


def window_terms(lanes: int, op: Op, signature: Signature) -> tuple[int, ...]:
    """Counts for WINDOWS where ``lanes`` channels make a vector."""
    assert isinstance(op, (MaxPool2d, QAveragePool2d, RescaledAveragePool2d))
    (n, h, w, c), (_, out_h, out_w, _) = signature.inputs[0].shape, signature.output.shape
    rows, columns = taps_inside(op.window, (h, w), (out_h, out_w))
    pixels, vectors = n * out_h * out_w, groups(c, lanes)
    return (
        pixels, pixels * vectors, n * rows * out_w * vectors, n * rows * columns * vectors,
        pixels * c,
    )  # fmt: skip


MAX_POOL2D_HELIUM = replace(
    MAX_POOL2D_S8,
    symbol="max_pool2d_helium",
    struct="max_pool2d_helium_args",
    header=HERE / "max_pool2d_helium.h",
    source=HERE / "max_pool2d_helium.c",
    terms=Terms(WINDOWS, partial(window_terms, LANES)),
    includes=(HERE / "taps_helium.h",),
)
