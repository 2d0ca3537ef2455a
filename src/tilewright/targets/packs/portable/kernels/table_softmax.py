"""Binding of table_softmax_s8_*.c."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ops.rescale import Rounding
from tilewright.ops.softmax_onnx import TableSoftmax
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    rounds_as,
)
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.rescaled_arithmetic import SINGLE_ROUNDINGS


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TableSoftmax)
    return {
        "length": signature.output.shape[-1], "bits": op.bits,
        "multiplier": op.scale.multiplier, "shift": op.scale.shift,
        "y_zero": op.output.zero, "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    return signature.output.shape[-1]


def _cycles(op: Op, signature: Signature) -> int:
    return 150 * output_rows(op, signature) + 30 * signature.output.size


def _kernel(rounding: Rounding) -> Kernel:
    name = "table_softmax_s8"
    return Kernel(
        op=TableSoftmax,
        symbol=f"{name}_{rounding.value}",
        struct=f"{name}_args",
        header=HERE / f"{name}.h",
        source=HERE / f"{name}.c",
        pointers=("x", "table", "y"),
        variant=rounds_as(rounding),
        fields=_fields,
        items=output_rows,
        cycles=_cycles,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
    )


TABLE_SOFTMAX_S8 = tuple(map(_kernel, SINGLE_ROUNDINGS))
