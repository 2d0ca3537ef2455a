"""Binding of tile_norm_rv32.c: a norm's squares come from multiplier and table in turn."""

from dataclasses import replace
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ops.tiles import TILE
from tilewright.targets.packs.portable.kernels.tiles_s8 import TILE_NORM_FACTORS_S8

PER_BYTE, PER_TOKEN, PER_CALL = 6, 300, 1500
"""Cycles on one core: of the loop, of root and division, of the table."""


def _cycles(op: Op, signature: Signature) -> int:
    del op
    tokens = signature.output.shape[0] * TILE
    return PER_CALL + PER_TOKEN * tokens + PER_BYTE * signature.inputs[0].size


def _table_bytes(op: Op, signature: Signature) -> int:
    del op, signature
    return 4 * 256


TILE_NORM_FACTORS_RV32 = replace(
    TILE_NORM_FACTORS_S8,
    symbol="tile_norm_factors_rv32",
    header=Path(__file__).parent / "tile_norm_rv32.h",
    source=Path(__file__).parent / "tile_norm_rv32.c",
    cycles=_cycles,
    scratch_bytes=_table_bytes,
    includes=(*TILE_NORM_FACTORS_S8.includes, TILE_NORM_FACTORS_S8.header),
)
