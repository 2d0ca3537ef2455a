"""Bindings of lstm_sequence and wide_softmax."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.lstm import LstmSequence
from tilewright.ops.wide_softmax import WideSoftmax
from tilewright.targets.packs.portable.kernels.counts import output_rows

HERE = Path(__file__).parent


def _lstm_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, LstmSequence)
    rows, batch, size = signature.output.shape
    return {
        "steps": rows - 1, "batch": batch, "size": size,
        "cell_bits": op.cell_bits, "cell_clip": op.cell_clip,
        "multiplier_h": op.hidden.multiplier, "shift_h": op.hidden.shift, "zero_h": op.hidden_zero,
    }  # fmt: skip


def _one(op: Op, signature: Signature) -> int:
    del op, signature
    return 1


def _gate_bytes(op: Op, signature: Signature) -> int:
    del op
    return 2 * signature.inputs[0].shape[2]


def _softmax_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, WideSoftmax)
    return {
        "length": signature.output.shape[-1],
        "multiplier": op.point.multiplier,
        "shift": op.point.shift,
    }


LSTM_SEQUENCE = Kernel(
    op=LstmSequence,
    symbol="lstm_sequence",
    struct="lstm_sequence_args",
    header=HERE / "lstm_sequence.h",
    source=HERE / "lstm_sequence.c",
    pointers=("gates", "w", "bias", "multiplier", "shift", "h", "c", "y"),
    fields=_lstm_fields,
    items=_one,
    scratch_bytes=_gate_bytes,
    includes=(HERE / "fixed_16.h",),
)

WIDE_SOFTMAX = Kernel(
    op=WideSoftmax,
    symbol="wide_softmax",
    struct="wide_softmax_args",
    header=HERE / "wide_softmax.h",
    source=HERE / "wide_softmax.c",
    pointers=("x", "exps", "reciprocals", "y"),
    fields=_softmax_fields,
    items=output_rows,
)
