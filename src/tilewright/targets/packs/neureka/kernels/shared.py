"""What all bindings of N-EUREKA share: a job per call, and tables in the form that it adds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Limit, Signature
from tilewright.ir.types import Array, DType
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import INT32_MAX, Rounding
from tilewright.targets.packs.neureka.cycles import job_cycles
from tilewright.targets.packs.neureka.job import MOST_TILES, TILE, Job, Out, registers
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as

HERE = Path(__file__).parent
POINTERS = ("x", "w", "bias", "multiplier", "shift", "y")
TABLES = frozenset({2})
"""Weights may lie in the weight memory; what is added and multiplied with lies in L1."""
SIGNED_RANGE, UNSIGNED_RANGE = (-128, 127), (0, 255)

MakeJob = Callable[[Op, Signature], Job]
Packed = tuple[Array | None, ...]


def neureka_kernel(
    op: type[Op],
    symbol: str,
    job: MakeJob,
    refuse: Callable[[Op, Signature], str | None],
    pack: Callable[[Op, Packed], Packed],
    limits: tuple[Limit, ...],
) -> Kernel:
    """A kernel whose call is one job."""
    return Kernel(
        op=op,
        symbol=symbol,
        struct="neureka_args",
        header=HERE / "neureka_job.h",
        source=HERE / f"{symbol}.c",
        pointers=POINTERS,
        fields=lambda op, signature: job_fields(job(op, signature)),
        items=_one_item,
        cycles=lambda op, signature: job_cycles(job(op, signature)),
        variant=rounds_as(Rounding.HALF_UP),
        refuse=refuse,
        includes=(HERE / "neureka_start.h",),
        pack=pack,
        tables=TABLES,
        limits=limits,
    )


def job_fields(job: Job) -> dict[str, int]:
    """What the argument struct says of a job."""
    return {"before": job.before, "scales": 4 * job.outputs, **registers(job)}


def _one_item(op: Op, signature: Signature) -> int:
    del op, signature
    return 1


def wrong_bytes(output: Requantise, signature: Signature) -> str | None:
    """None where the engine reads such inputs and clips as the operator does."""
    x, w, y = signature.inputs[0].dtype, signature.inputs[1].dtype, signature.output.dtype
    if x not in (DType.S8, DType.U8) or w is not DType.S8 or y not in (DType.S8, DType.U8):
        return f"multiplies bytes by int8 weights into bytes, not {x} by {w} into {y}"
    low, high = SIGNED_RANGE if y is DType.S8 else UNSIGNED_RANGE
    if (output.low, output.high) != (low, high):
        return f"clips {y} to {low}..{high}, the operator to {output.low}..{output.high}"
    return None


def too_large(rows: int, columns: int, *channels: int) -> str | None:
    """None where the engine's counters hold so many tiles."""
    count = max(-(-rows // TILE), -(-columns // TILE), *(-(-c // 28) for c in channels))
    return None if count <= MOST_TILES else f"makes {count} tiles in a row, at most {MOST_TILES}"


def out_of(signature: Signature) -> Out:
    """What the job writes."""
    return Out.S8 if signature.output.dtype is DType.S8 else Out.U8


def stored_weights(w: Array) -> Array:
    """int8 weights as uint8; the job adds ``weight_offset`` to them."""
    return (w.astype(np.int16) + 128).astype(np.uint8)


def weight_offset(w_zero: int) -> int:
    """What turns stored weights into w - w_zero."""
    return -128 - w_zero


def packed(
    output: Requantise, constants: Packed, encode: Callable[[Array], Array], *more: Array
) -> Packed:
    """x, encoded weights, and all tables in the place of the first of them: they travel as one.

    encode  takes weights as they are stored
    more    tables that follow the others
    """
    x, *given = constants
    w, bias, multiplier, shift = (constant for constant in given if constant is not None)
    tables = (*folded_tables(output, bias, multiplier, shift), *more)
    joined = np.concatenate([_words(table) for table in tables])
    return x, encode(stored_weights(w)), joined, UNUSED, UNUSED


UNUSED = np.zeros(1, np.int32)


def _words(table: Array) -> Array:
    """Any table as int32, zeros after the last byte."""
    data = table.tobytes()
    return np.frombuffer(data + bytes(-len(data) % 4), np.int32)


def folded_tables(
    output: Requantise, bias: Array, multiplier: Array, shift: Array
) -> tuple[Array, Array, Array]:
    """int32[O], int32[O], uint8[O]: rounding and the output's zero point become part of the bias.

    The engine computes (acc * multiplier + bias') >> shift, which is (((acc + bias) * multiplier +
    half) >> shift) + zero where everything stays in int32, as ``Requantise`` promises.
    """
    wide = bias.astype(np.int64)
    factor = np.broadcast_to(multiplier.astype(np.int64), wide.shape)
    bits = np.broadcast_to(shift.astype(np.int64), wide.shape)
    folded = wide * factor + ((np.int64(1) << bits) >> 1) + (np.int64(output.zero) << bits)
    assert np.abs(folded).max(initial=0) <= INT32_MAX, (
        f"biases reach {int(np.abs(folded).max())} times the output's scale, beyond int32; this "
        "is a bug in tilewright"
    )
    return folded.astype(np.int32), factor.astype(np.int32), bits.astype(np.uint8)
