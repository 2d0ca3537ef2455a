"""ITA against plain definitions on drawn jobs, with what the golden vectors do not
reach: long rows, extreme values, biases by row, attention without projections."""

import numpy as np
import pytest
from numpy.typing import NDArray

from run.sim.ita_jobs import (
    TCDM,
    TILE,
    Gemm,
    Layout,
    Operand,
    by_rows,
    packed_bias,
    tiled,
    untiled,
)  # fmt: skip
from run.sim.test_ita import MACHINES, run

Integers = NDArray[np.int64]
SHIFTS = {"sm0": 0, "sm5": 5}
IDENTITY, GELU, RELU = 0, 1, 2


def requantised(sums: Integers, multiplier: int, shift: int, add: int) -> Integers:
    """Rounded half towards plus infinity, clipped to int8. The definition."""
    half = 1 << shift - 1 if shift else 0
    return np.clip((sums * multiplier + half >> shift) + add, -128, 127)


def gelu(q: Integers, b: int, c: int) -> Integers:
    t = np.minimum(abs(q), -b) + b
    curve = t * t + c
    return q * (np.where(q < 0, -curve, curve) + c)


def activated(q: Integers, curve: int, scale: tuple[int, int, int], b: int, c: int) -> Integers:
    if curve == IDENTITY:
        return q
    return requantised(gelu(q, b, c) if curve == GELU else np.maximum(q, 0), *scale)


def probabilities(logits: Integers, softmax_shift: int) -> Integers:
    """Integer softmax of rows, gathered sixteen columns at a time. The definition."""

    def powers(distance: Integers) -> Integers:
        return distance + (1 << softmax_shift - 1) >> softmax_shift if softmax_shift else distance

    largest = np.full(len(logits), -128, np.int64)
    sums = np.zeros(len(logits), np.int64)
    for start in range(0, logits.shape[1], 16):
        group = logits[:, start : start + 16]
        now = np.maximum(largest, group.max(axis=1))
        sums = sums >> np.minimum(powers(now - largest), 62)
        sums += (256 >> np.minimum(powers(now[:, None] - group), 62)).sum(axis=1)
        largest = now
    inverse = 65280 // sums
    return inverse[:, None] >> np.minimum(powers(largest[:, None] - logits), 62)


def registers_of(tiles: tuple[int, ...], rows: dict[int, tuple[int, int, int]], **more: int
                 ) -> dict[str, int]:  # fmt: skip
    """Common registers: tile counts s e p f, and multiplier, shift, add by requantisation row."""
    registers = {"tiles": sum(n << 4 * i for i, n in enumerate(tiles)), **more}
    for position, name in enumerate(("mult", "shift", "add")):
        values = [rows.get(i, (0, 0, 0))[position] & 255 for i in range(8)]
        registers[name] = sum(v << 8 * i for i, v in enumerate(values[:4]))
        registers[f"{name}1"] = sum(v << 8 * i for i, v in enumerate(values[4:]))
    return registers


@pytest.mark.parametrize("seed", range(12))
def test_single_products_equal_their_definition(seed: int):
    rng = np.random.default_rng(seed)
    inner, rows, columns = (int(n) for n in rng.integers(1, 4, 3))
    extreme = seed % 3 == 0
    if extreme:
        inner, rows, columns = 15, 1, 2
    shape = [(TILE * rows, TILE * inner), (TILE * columns, TILE * inner)]
    x, w = (
        np.where(rng.random(s) < 0.9, -128, 127).astype(np.int8) if extreme
        else rng.integers(-128, 128, s, dtype=np.int8)
        for s in shape
    )  # fmt: skip
    by_row, curve = bool(seed % 2), int(rng.integers(0, 3))
    bias = rng.integers(-(1 << 23), 1 << 23, TILE * (rows if by_row else columns), dtype=np.int32)
    row = (int(rng.integers(1, 256)), int(rng.integers(8, 24)), int(rng.integers(-128, 128)))
    scale = (int(rng.integers(1, 256)), int(rng.integers(0, 22)), int(rng.integers(-128, 128)))
    b, c = -80, -7091
    layout = Layout()
    gemm = Gemm(
        Operand(layout.put(tiled(x)), inner), Operand(layout.put(tiled(w)), inner),
        Operand(layout.room(4096 * rows * columns), columns), inner, by_rows(rows, columns),
        layout.put(packed_bias(bias)), by_row, engine=2 | curve << 2,
    )  # fmt: skip
    registers = registers_of(
        (rows, inner, columns, 1), {0: row}, engine=2,
        gelu=b & 0xFFFF | (c & 0xFFFF) << 16,
        activation=scale[0] | scale[1] << 8 | (scale[2] & 255) << 16,
    )  # fmt: skip
    sim = run("snitch-ita", [gemm], registers, layout)
    sums = x.astype(np.int64) @ w.astype(np.int64).T + (bias[:, None] if by_row else bias)
    expected = activated(requantised(sums, *row), curve, scale, b, c)
    got = untiled(sim.read(TCDM + gemm.y.at, expected.size), expected.shape)
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("version", sorted(MACHINES))
@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_attention_without_projections_equals_its_definition(version: str, blocks: int):
    rng = np.random.default_rng(blocks)
    s, p = TILE * blocks, TILE
    q, k, v = (rng.integers(-128, 128, (s, p), dtype=np.int8) for _ in range(3))
    if blocks == 4:
        q[:8] = 0  # equal logits in a row of 256: the sum is too large, the result is zero
    rows = {3: (13, 12, 0), 4: (90, 14, -3)}
    layout = Layout()
    places = [Operand(layout.put(tiled(m)), n) for m, n in ((q, 1), (k, 1), (v.T, blocks))]
    logits = Operand(layout.room(s * s), blocks)
    attended = Operand(layout.room(s * p), 1)
    gemms: list[Gemm] = []
    for block in range(blocks):
        columns = tuple((block, j) for j in range(blocks))
        gemms.append(Gemm(places[0], places[1], logits, 1, columns, engine=3))
        gemms.append(Gemm(logits, places[2], attended, blocks, ((block, 0),), engine=3))
    sim = run(MACHINES[version], gemms, registers_of((blocks, 1, 1, 1), rows, engine=3), layout)
    expected = requantised(q.astype(np.int64) @ k.astype(np.int64).T, *rows[3])
    assert np.array_equal(untiled(sim.read(TCDM + logits.at, s * s), (s, s)), expected)
    weights = probabilities(expected, SHIFTS[version])
    values = requantised(weights @ v.astype(np.int64), *rows[4])
    assert np.array_equal(untiled(sim.read(TCDM + attended.at, s * p), (s, p)), values)
    if blocks == 4:
        assert not weights[:8].any()
