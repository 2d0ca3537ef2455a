"""Products and attention in tiles against ITA's own golden model, and what they refuse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilewright.ir.types import DType, TensorType
from tilewright.ops.tiles import (
    Activation,
    Curve,
    Scale,
    TileAttention,
    TileProduct,
    TileProductAdded,
    from_tiles,
    in_tiles,
    packed_bias,
    probabilities,
    unpacked_bias,
)

FOLDER = Path(__file__).parents[3] / "shared" / "models" / "ita"
FILES = sorted(FOLDER.glob("*.npz")) if FOLDER.is_dir() else []
needs_vectors = pytest.mark.skipif(not FILES, reason=f"{FOLDER} is not there")


def scale_of(vectors: Any, step: int, head: int, rows: str = "rqs") -> Scale:
    return Scale(*(int(vectors[f"{rows}_{key}"][step, head]) for key in ("mult", "shift", "add")))


def product(vectors: Any, step: int, head: int, name: str, x: np.ndarray) -> np.ndarray:
    weights, bias = (vectors[f"{kind}{name}"][head] for kind in ("W", "B"))
    op = TileProduct(scale=scale_of(vectors, step, head))
    return op.evaluate(x, in_tiles(weights.T), packed_bias(bias))


@needs_vectors
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_attention_is_the_golden_models_in_every_byte(path: Path) -> None:
    vectors = np.load(path)
    shift = 0 if path.stem.split("_")[1] == "sm0" else 5
    for head in range(int(vectors["H"])):
        x, kv = in_tiles(vectors["x_q"]), in_tiles(vectors["x_kv"])
        q, k = product(vectors, 0, head, "q", x), product(vectors, 1, head, "k", kv)
        transposed = TileProduct(scale=scale_of(vectors, 2, head), bias_by_row=True)
        bias = packed_bias(vectors["Bv"][head])
        v = transposed.evaluate(in_tiles(vectors["Wv"][head].T), kv, bias)
        op = TileAttention(
            logits=scale_of(vectors, 3, head), values=scale_of(vectors, 4, head),
            softmax_shift=shift,
        )  # fmt: skip
        found = op.evaluate(q[:, None], k[:, None], v[None])[:, 0]
        projected = product(vectors, 5, head, "o", found)
        for name, tiles in (("Q", q), ("K", k), ("AV", found), ("OW", projected)):
            assert np.array_equal(from_tiles(tiles), vectors[name][head]), name
        assert np.array_equal(from_tiles(v).T, vectors["V"][head])
        assert np.array_equal(probabilities(vectors["QK"], shift), vectors["A_softmax"])


@needs_vectors
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_feed_forward_and_curves_are_the_golden_models(path: Path) -> None:
    vectors = np.load(path)
    b, c = int(vectors["gelu_b"]), int(vectors["gelu_c"])
    last = Scale(*(int(vectors[f"act_rqs_{key}"]) for key in ("mult", "shift", "add")))
    curve = Activation(Curve[str(vectors["activation"]).upper()], last, b, c)
    first = TileProduct(scale=scale_of(vectors, 0, 0, "rqs_ffn"), activation=curve)
    bias = packed_bias(vectors["Bff1"])
    middle = first.evaluate(in_tiles(vectors["ff_in"]), in_tiles(vectors["Wff1"].T), bias)
    second = TileProduct(scale=scale_of(vectors, 1, 0, "rqs_ffn"))
    y = second.evaluate(middle, in_tiles(vectors["Wff2"].T), packed_bias(vectors["Bff2"]))
    assert np.array_equal(from_tiles(middle), vectors["F1"].reshape(-1, int(vectors["F"])))
    assert np.array_equal(from_tiles(y), vectors["F2"].reshape(-1, int(vectors["E"])))
    every = vectors["act_all_in"].astype(np.int64)
    gelu = Activation(Curve.GELU, last, b, c).apply(every)
    assert np.array_equal(gelu, vectors["act_all_gelu"].astype(np.int64))
    relu = Activation(Curve.RELU, last).apply(vectors["act_in"].astype(np.int64))
    assert np.array_equal(relu, vectors["act_relu"].astype(np.int64))


def test_a_diagonal_adds_the_residual_before_the_only_rounding() -> None:
    rng = np.random.default_rng(1)
    x, w = (rng.integers(-128, 128, (64, 100)).astype(np.int8) for _ in range(2))
    r = rng.integers(-128, 128, (64, 64)).astype(np.int8)
    factors = rng.integers(-128, 128, 64).astype(np.int8)
    bias = rng.integers(-(1 << 12), 1 << 12, 64).astype(np.int32)
    op = TileProductAdded(scale=Scale(37, 17, 3))
    tiles = [in_tiles(m) for m in (x, w)]
    y = op.evaluate(*tiles, packed_bias(bias), in_tiles(r), np.diag(factors)[None])
    sums = x.astype(np.int64) @ w.astype(np.int64).T + bias + r * factors.astype(np.int64)
    wanted = np.clip(((sums * 37 + (1 << 16)) >> 17) + 3, -128, 127)
    assert np.array_equal(from_tiles(y), wanted)


def test_biases_keep_24_bits_and_no_more() -> None:
    ends = np.array([-(1 << 23), (1 << 23) - 1, -1, 0, 1], np.int32)
    assert np.array_equal(unpacked_bias(packed_bias(ends))[:5], ends)
    with pytest.raises(ValueError, match="do not fit 24 bits"):
        packed_bias(np.array([1 << 23], np.int32))


@pytest.mark.parametrize("given", [(256, 0, 0), (1, 35, 0), (1, 0, 128), (-1, 0, 0)])
def test_scales_that_the_engine_cannot_hold_are_refused(given: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"a scale of ITA wants"):
        Scale(*given)


def test_shapes_that_do_not_fit_are_refused_with_their_numbers() -> None:
    a, b = (TensorType(DType.S8, (2, k, 64, 64)) for k in (3, 2))
    bias = TensorType(DType.U8, (2, 192))
    with pytest.raises(ValueError, match="equal inner tiles, got 3 and 2"):
        TileProduct(scale=Scale(1, 0)).infer(a, b, bias)
    with pytest.raises(ValueError, match=r"in tiles, s8\[R,C,64,64\]"):
        TileProduct(scale=Scale(1, 0)).infer(TensorType(DType.S8, (64, 64)), b, bias)
    with pytest.raises(ValueError, match=r"attention in tiles wants q"):
        TileAttention(logits=Scale(1, 0), values=Scale(1, 0)).infer(a, a, a)
