"""Bindings of truncated_norm_xpulp.c: normalisations of the integer dialect."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.norm_pulp import LARGEST_VALUE, TruncatedLayerNorm, TruncatedRmsNorm
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.truncated_norms import (
    TRUNCATED_LAYER_NORM_S8,
    TRUNCATED_RMS_NORM_S8,
)
from tilewright.targets.packs.xpulp.kernels.shared import (
    CALL,
    COMMON,
    CORES,
    HERE,
    round_up,
    shared_out,
)

MOST_SHIFT = 24
"""Low bytes of sums modulo 2**32 are exact up to this one."""


def _parts(op: Op, signature: Signature) -> int:
    """Of a row, so that few rows keep all cores busy."""
    rows, length = output_rows(op, signature), signature.output.shape[-1]
    return max(min(CORES // rows, length // 4), 1)


def _step(op: Op, signature: Signature) -> int:
    return round_up(-(-signature.output.shape[-1] // _parts(op, signature)), 4)


def _items(op: Op, signature: Signature) -> int:
    return output_rows(op, signature) * _parts(op, signature)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (TruncatedLayerNorm, TruncatedRmsNorm))
    return {
        "length": signature.output.shape[-1], "x_zero": op.x_zero, "shift": op.shift,
        "parts": _parts(op, signature), "step": _step(op, signature),
    }  # fmt: skip


def _cycles(op: Op, signature: Signature) -> int:
    each, row = (11, 330) if isinstance(op, TruncatedRmsNorm) else (18, 500)
    one = row + signature.output.shape[-1] + each * _step(op, signature)
    return shared_out(_items(op, signature), one) + CALL


def _kernel(portable: Kernel, symbol: str, struct: str) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        assert isinstance(op, (TruncatedLayerNorm, TruncatedRmsNorm))
        if op.reach * LARGEST_VALUE >= 1 << 31:
            return f"scales of up to {op.reach:,}; products stay in int32 up to {1 << 22:,}"
        if op.shift > MOST_SHIFT:
            return f"shifts by {op.shift}, at most {MOST_SHIFT}"
        return portable.refuse(op, signature)

    return replace(
        portable,
        symbol=symbol,
        struct=struct,
        header=HERE / "truncated_norm_xpulp.h",
        source=HERE / "truncated_norm_xpulp.c",
        refuse=refuse,
        fields=_fields,
        items=_items,
        cycles=_cycles,
        terms=None,
        code_bytes=500,
        replaces=None,
        includes=(HERE / "truncated_norm_asm.h", HERE / "xp_quotient.h", *COMMON),
    )


TRUNCATED_NORMS_XPULP = (
    _kernel(TRUNCATED_LAYER_NORM_S8, "truncated_layer_norm_xpulp", "truncated_norm_xpulp_args"),
    _kernel(TRUNCATED_RMS_NORM_S8, "truncated_rms_norm_xpulp", "truncated_rms_norm_xpulp_args"),
)
