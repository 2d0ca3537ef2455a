"""Bindings of movement_xpulp.c: joining and reordering by words."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ops.layout import Transpose
from tilewright.targets.packs.portable.kernels.concat import CONCAT
from tilewright.targets.packs.portable.kernels.mapped import HERE as PORTABLE
from tilewright.targets.packs.portable.kernels.mapped import MAPPED_CONCAT_S8
from tilewright.targets.packs.portable.kernels.transpose import TRANSPOSE_8, merged
from tilewright.targets.packs.xpulp.kernels.shared import CALL, COMMON, HERE, shared_out

HEADER, SOURCE = HERE / "movement_xpulp.h", HERE / "movement_xpulp.c"
INCLUDES = (
    PORTABLE / "concat.h", PORTABLE / "mapped_s8.h", PORTABLE / "transpose.h",
    HERE / "xp_fours.h", *COMMON,
)  # fmt: skip

CONCAT2 = CONCAT[0]


def _concat_cycles(op: Op, signature: Signature) -> int:
    rows = CONCAT2.items(op, signature)
    row = signature.output.size * signature.output.dtype.nbytes // rows
    return shared_out(rows, 30 + row // 2) + CALL


def _mapped_cycles(op: Op, signature: Signature) -> int:
    rows = MAPPED_CONCAT_S8.items(op, signature)
    x, new = (t.size // rows for t in signature.inputs[:2])
    return shared_out(rows, 30 + x // 2 + 5 * new) + CALL


def _refuse_words(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, Transpose)
    dims = merged(signature.inputs[0].shape, op.perm)
    if not dims or dims[-1][1] != 1 or dims[-1][0] % 4:
        return "elements that stay neighbours are no whole words"
    return TRANSPOSE_8.refuse(op, signature)


def _transpose_cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, Transpose)
    run = merged(signature.inputs[0].shape, op.perm)[-1][0]
    each = 3 if run == 4 else 14 + run // 2
    return shared_out(signature.output.size // run, each) + CALL


CONCAT2_XPULP = replace(
    CONCAT2,
    symbol="concat2_xpulp",
    header=HEADER,
    source=SOURCE,
    cycles=_concat_cycles,
    terms=None,
    code_bytes=250,
    streaming=None,
    includes=INCLUDES,
)

MAPPED_CONCAT_XPULP = replace(
    MAPPED_CONCAT_S8,
    symbol="mapped_concat_xpulp",
    header=HEADER,
    source=SOURCE,
    cycles=_mapped_cycles,
    code_bytes=200,
    includes=INCLUDES,
)

TRANSPOSE_WORDS_XPULP = replace(
    TRANSPOSE_8,
    symbol="transpose_words_xpulp",
    header=HEADER,
    source=SOURCE,
    refuse=_refuse_words,
    cycles=_transpose_cycles,
    terms=None,
    code_bytes=350,
    streaming=None,
    includes=INCLUDES,
)

MOVEMENT_XPULP = (CONCAT2_XPULP, MAPPED_CONCAT_XPULP, TRANSPOSE_WORDS_XPULP)
