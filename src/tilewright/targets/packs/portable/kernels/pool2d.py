"""Bindings of max_pool2d_s8, max_pool2d_f32 and average_pool2d_f32."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import DType
from tilewright.ops.pool2d import AveragePool2d, MaxPool2d
from tilewright.ops.pool_onnx import RescaledAveragePool2d
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.portable.kernels.window2d import window_fields
from tilewright.targets.packs.terms import groups, runs, split_runs, taps_inside

HERE = Path(__file__).parent

POOLED = 32
"""Channels that kernels treat together."""


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (MaxPool2d, AveragePool2d))
    x, y = signature.inputs[0].shape, signature.output.shape
    return window_fields(op.window, x, y) | {"channels": x[3]}


def _average_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, AveragePool2d)
    return {**_fields(op, signature), "counts_padding": int(op.counts_padding)}


def window_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Counts for POOLING. Channels are treated in blocks, element by element of the window."""
    assert isinstance(op, (MaxPool2d, AveragePool2d, QAveragePool2d, RescaledAveragePool2d))
    (n, h, w, c), (_, out_h, out_w, _) = signature.inputs[0].shape, signature.output.shape
    rows, columns = taps_inside(op.window, (h, w), (out_h, out_w))
    pixels, elements = n * out_h * out_w, n * rows * columns
    blocks = groups(c, POOLED)
    return (
        pixels, pixels * blocks, n * rows * out_w * blocks, elements * blocks,
        *split_runs(elements, c), *runs(pixels, c),
    )  # fmt: skip


POOLING = Terms(
    (
        "pixels", "blocks", "row_blocks", "window_blocks", "window_vectors", "window_halves",
        "window_rest", "output_vectors", "output_rest",
    ),
    window_terms,
)  # fmt: skip
"""Pooling kernels."""


def _pool2d(symbol: str, kind: type[Op], dtype: DType) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        del op
        return wrong_types(signature, (dtype,), dtype)

    return Kernel(
        op=kind,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "pool2d.h",
        source=HERE / f"{symbol}.c",
        pointers=("x", "y"),
        refuse=refuse,
        fields=_average_fields if kind is AveragePool2d else _fields,
        items=output_rows,
        terms=POOLING,
        streaming=Streaming(inputs=(0,), block_axes=0),
        includes=(HERE / "window2d.h",),
    )


MAX_POOL2D_S8 = _pool2d("max_pool2d_s8", MaxPool2d, DType.S8)
MAX_POOL2D_F32 = _pool2d("max_pool2d_f32", MaxPool2d, DType.F32)
AVERAGE_POOL2D_F32 = _pool2d("average_pool2d_f32", AveragePool2d, DType.F32)
