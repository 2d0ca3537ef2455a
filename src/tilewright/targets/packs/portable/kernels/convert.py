"""Bindings of truncate_f32, to_real_s32, widen_s8, shorten_f32 and select_32."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ops.convert import Select, Shorten, ToReal, Truncate, Widen
from tilewright.targets.packs.portable.kernels.counts import no_fields, output_elements

HERE = Path(__file__).parent


def _shorten_fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, Shorten)
    return {
        "bits": op.bits,
        "smallest": op.smallest,
        "largest": float(op.largest),
        "beyond": float(op.beyond),
    }


def _widen_fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, Widen)
    return {"zero": op.zero}


def _elementwise(
    op: type[Op],
    symbol: str,
    pointers: tuple[str, ...] = ("x", "y"),
    fields: Callable[[Op, Signature], Fields] = no_fields,
) -> Kernel:
    return Kernel(
        op=op,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "convert.h",
        source=HERE / f"{symbol}.c",
        pointers=pointers,
        fields=fields,
        items=output_elements,
        streaming=Streaming(inputs=tuple(range(len(pointers) - 1)), block_axes=0),
    )


CONVERT = (
    _elementwise(Truncate, "truncate_f32"),
    _elementwise(ToReal, "to_real_s32"),
    replace(_elementwise(Widen, "widen_s8", fields=_widen_fields), streaming=None),
    _elementwise(Shorten, "shorten_f32", fields=_shorten_fields),
    _elementwise(Select, "select_32", ("condition", "a", "b", "y")),
)
