"""Binding of copy."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature, Streaming
from tilewright.ops.layout import Copy
from tilewright.targets.packs.portable.kernels.counts import no_fields
from tilewright.targets.packs.terms import BYTES

HERE = Path(__file__).parent


def _items(op: Op, signature: Signature) -> int:
    del op
    return signature.output.nbytes


COPY = Kernel(
    op=Copy,
    symbol="copy",
    struct="copy_args",
    header=HERE / "copy.h",
    source=HERE / "copy.c",
    pointers=("x", "y"),
    fields=no_fields,
    items=_items,
    terms=BYTES,
    streaming=Streaming(inputs=(0,), block_axes=0),
)
