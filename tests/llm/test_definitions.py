"""The operators of the llm contract against the formulas of docs/numerics.md in Python's integers.

Python's integers never overflow, its loops share nothing with numpy's, and what the formulas claim
to fit 32 bits is asserted on the way.
"""

from math import isqrt
from struct import unpack

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from case import Case
from strategies_llm import LLM
from tilewright.ir.types import Array
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.embedding import EmbedTokens
from tilewright.ops.llm.heads import CentredHeadRows, HeadRows, TurnedHeadRows
from tilewright.ops.llm.linear import LinearRows, PackedLinearRows
from tilewright.ops.llm.row_ops import GatedRows, NormRows, ScaleRows

drawn = settings(
    derandomize=True, deadline=None, max_examples=40, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def int32(value: int) -> int:
    assert -(2**31) <= value < 2**31
    return value


def rounded(value: int, shift: int) -> int:
    assert 0 <= shift <= 62
    return (value + (2**shift >> 1)) >> shift


def saturated(value: int) -> int:
    return min(max(value, -32767), 32767)


def vector(values: list[int]) -> tuple[list[int], int]:
    peak = max(1, *(abs(v) for v in values))
    excess = max(peak.bit_length() - 15, 0)
    m = rounded(peak, excess)
    reciprocal = (127 << 24) // m
    short = [rounded(v, excess) for v in values]
    return [int32(v * reciprocal + 2**23) >> 24 for v in short], int32(m << excess)


def scaled(values: list[int]) -> bytes:
    y, factor = vector(values)
    return np.array(y, np.int8).tobytes() + factor.to_bytes(4, "little", signed=True)


def in_heads(heads: list[list[int]]) -> bytes:
    made = [vector(head) for head in heads]
    elements = b"".join(np.array(y, np.int8).tobytes() for y, _ in made)
    return elements + b"".join(m.to_bytes(2, "little", signed=True) for _, m in made)


def ints(row: Array) -> list[int]:
    return [int(v) for v in row]


def embed(op: EmbedTokens, token: Array, table: Array, multiplier: Array) -> bytes:
    y = list[int]()
    for t in ints(token):
        row = min(max(t + len(table) if t < 0 else t, 0), len(table) - 1)
        y += [saturated(rounded(v * int(multiplier[row]), op.shift)) for v in ints(table[row])]
    return np.array(y, np.int16).tobytes()


def norm(op: NormRows, x: Array, gain: Array) -> bytes:
    made = b""
    for row in x:
        total = sum(v * v for v in ints(row)) + op.epsilon
        exponent = -60
        while total * 2.0**-exponent >= 2**32:
            exponent += 2
        root = isqrt(total >> exponent if exponent > 0 else total << -exponent)
        assert 2**15 <= root < 2**16
        unit = [
            saturated(rounded(int32(v * (2**30 // root)), 15 + exponent // 2)) for v in ints(row)
        ]
        made += scaled([u * a for u, a in zip(unit, ints(gain), strict=True)])
    return made


def gated(op: GatedRows, x: Array, table: Array) -> bytes:
    del op
    made, t = b"", ints(table)
    for row in x:
        gate, up = ints(row[: len(row) // 2]), ints(row[len(row) // 2 :])
        hidden = list[int]()
        for g, u in zip(gate, up, strict=True):
            i, f = divmod(g + 32768, 256)
            hidden.append(int32(((t[i] * (256 - f) + t[i + 1] * f + 128) >> 8) * u))
        made += scaled(hidden)
    return made


def linear(op: LinearRows, x: Array, w: Array, multiplier: Array, *residual: Array) -> bytes:
    y = list[int]()
    for t, row in enumerate(x):
        (factor,) = unpack("<i", row[-4:].tobytes())
        e = max(factor.bit_length() - 15, 0)
        for o, weights in enumerate(w):
            acc = int32(sum(a * b for a, b in zip(ints(row[:-4]), ints(weights), strict=True)))
            part = int32(rounded(acc * int(multiplier[o]), op.sum_shift))
            more = int(residual[0][t, o]) if residual else 0
            y.append(saturated(more + rounded(part * (factor >> e), op.shift - e)))
    return np.array(y, np.int16).tobytes()


def weight_4(row: list[int], columns: int, k: int) -> int:
    """As packed.py says where it lies."""
    start, i = k // 32 * 32, k % 32
    half = (min(32, columns - start) + 1) // 2
    byte = row[start // 2 + i % half]
    nibble = byte >> 4 if i >= half else byte & 15
    multiple = row[len(row) - -(-columns // 32) + k // 32]
    return (nibble - 16 * (nibble > 7)) * multiple


def weight_6(row: list[int], columns: int, k: int) -> int:
    start, i = k // 64 * 64, k % 64
    run = (min(64, columns - start) + 3) // 4
    part, at = divmod(i, run)
    runs = [row[start // 4 * 3 + of * run + at] for of in range(3)]
    if part < 3:
        number = runs[part] >> 2
    else:
        number = sum((byte & 3) << 2 * of for of, byte in enumerate(runs))
    return number - 64 * (number > 31)


def packed_linear(op: PackedLinearRows, x: Array, w: Array, *others: Array) -> bytes:
    columns = x.shape[1] - 4
    weight = {4: weight_4, 6: weight_6}[op.bits]
    plain = [[weight(ints(row), columns, k) for k in range(columns)] for row in w]
    return linear(LinearRows(op.sum_shift, op.shift), x, np.array(plain), *others)


def columns(op: HeadRows, row: Array) -> list[list[int]]:
    starts = [op.column + h * op.head_dim for h in range(op.heads)]
    return [ints(row[s : s + op.head_dim]) for s in starts]


def heads(op: HeadRows, x: Array) -> bytes:
    return b"".join(in_heads(columns(op, row)) for row in x)


def turned(op: TurnedHeadRows, x: Array, turns: Array, *centre: Array) -> bytes:
    made = b""
    centres = [ints(head) for head in centre[0].reshape(op.heads, -1)] if centre else []
    for t, row in enumerate(x):
        angles = ints(turns[op.position + t])
        pairs = list[list[int]]()
        for head in columns(op, row):
            out = list[int]()
            for i in range(0, op.head_dim, 2):
                (a, b), (c, s) = head[i : i + 2], angles[i : i + 2]
                out += [
                    rounded(int32(a * c - b * s), 16),
                    rounded(int32(a * s + b * c), 16),
                ]
            if centre:
                out = [saturated(v - c) for v, c in zip(out, centres[len(pairs)], strict=True)]
            pairs.append(out)
        made += in_heads(pairs)
    return made


def split(row: Array, count: int, size: int) -> list[tuple[list[int], int]]:
    factors = unpack(f"<{count}h", row[count * size :].tobytes())
    return [(ints(row[h * size : (h + 1) * size]), factors[h]) for h in range(count)]


def attention(op: CachedAttention, q: Array, k: Array, v: Array, powers: Array) -> bytes:
    table, y = ints(powers), list[int]()
    keys = [split(row, op.kv_heads, op.head_dim) for row in k]
    values = [split(row, op.kv_heads, op.head_dim) for row in v]
    for i, row in enumerate(q):
        seen = len(k) - len(q) + i + 1
        for h, (vector, factor) in enumerate(split(row, op.heads, op.head_dim)):
            group = h // (op.heads // op.kv_heads)
            scores = [
                int32(rounded(sum(map(int.__mul__, vector, key)) * scale, 7))
                for key, scale in (keys[j][group] for j in range(seen))
            ]
            logs = [rounded((max(scores) - s) * factor * op.multiplier, op.shift) for s in scores]
            p = [table[z & 255] >> min(z >> 8, 15) for z in logs]
            used = [values[j][group] for j in range(seen)]
            shares = [rounded(n * m, op.value_shift) for n, (_, m) in zip(p, used, strict=True)]
            e = max(sum(p).bit_length() - 15, 0)
            reciprocal = 2**38 // 127 // (sum(p) >> e)
            for d in range(op.head_dim):
                total = int32(sum(n * u[d] for n, (u, _) in zip(shares, used, strict=True)))
                y.append(saturated(rounded(total * reciprocal, 38 - op.value_shift + e)))
    return np.array(y, np.int16).tobytes()


FORMULAS = {
    EmbedTokens: embed,
    NormRows: norm,
    GatedRows: gated,
    LinearRows: linear,
    PackedLinearRows: packed_linear,
    HeadRows: heads,
    TurnedHeadRows: turned,
    CentredHeadRows: turned,
    CachedAttention: attention,
    ScaleRows: lambda op, x: b"".join(scaled(ints(row)) for row in x),
}


@pytest.mark.parametrize("op", FORMULAS, ids=lambda op: op.__name__)
def test_a_definition_is_its_formula_in_integers_that_cannot_overflow(op):
    @drawn
    @given(case=LLM[op])
    def check(case: Case):
        assert case.op.evaluate(*case.inputs).tobytes() == FORMULAS[op](case.op, *case.inputs)

    check()
