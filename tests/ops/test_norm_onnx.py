"""The integer normalisation against the real one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.ir.types import DType, TensorType
from tilewright.ops.norm_onnx import lifts, norm_tables, rescaled_norm, square_roots


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    rng=st.integers(0, 2**32 - 1).map(np.random.default_rng),
    length=st.integers(1, 40) | st.integers(60, 1100),
    spread=st.sampled_from((0.3, 2.0, 40.0, 1000.0)),
    epsilon=st.sampled_from((0.0, 1e-12, 0.01, 1.0, 1e4)),
    gain=st.sampled_from((0.01, 1.0, 30.0, 300.0)),
    offset=st.sampled_from((0.0, 1.0, 300.0)),
)
def test_each_result_is_the_real_one_rounded(
    rng: np.random.Generator, length: int, spread: float, epsilon: float, gain: float, offset: float
):
    is_centred = bool(rng.integers(2))
    x_zero, y_zero = int(rng.integers(-128, 128)), int(rng.integers(-128, 128))
    x = np.clip(rng.normal(x_zero, spread, (3, length)).round(), -128, 127).astype(np.int8)
    scale, bias = rng.uniform(-gain, gain, length), rng.uniform(-offset, offset, length)
    op = rescaled_norm(
        length, is_centred=is_centred, x_zero=x_zero, epsilon=epsilon, gain=gain, offset=offset
    )
    made = op.evaluate(x, *norm_tables(op, scale, bias, y_zero))
    centre = x.mean(axis=-1, keepdims=True) if is_centred else x_zero
    distance = x.astype(np.float64) - centre
    square = (distance**2).mean(axis=-1, keepdims=True) + epsilon
    normal = distance / np.sqrt(np.where(square == 0, 1, square))
    exact = np.clip(normal * scale + bias + y_zero, -128, 127)
    assert np.abs(made - exact).max() <= 0.5 + 5e-3


@pytest.mark.parametrize("length", [1, 2, 3, 64, 65, 1024, 2**14])
@pytest.mark.parametrize("is_centred", [True, False])
def test_extreme_rows_stay_inside_int32(length: int, is_centred: bool):
    x = np.full((3, length), -128, np.int8)
    x[1, 0] = x[2, : length // 2 + 1] = 127
    op = rescaled_norm(length, is_centred=is_centred, x_zero=127, epsilon=0.0, gain=0.5, offset=0.0)
    wide = x.astype(object)
    centre = wide.sum(axis=-1, keepdims=True) if is_centred else length * op.x_zero
    distance = length * wide - centre
    total = ((distance**2).sum(axis=-1, keepdims=True) // length) << op.fraction_bits
    total = np.maximum(total, 1 << op.fraction_bits)
    lift = lifts(total)
    assert all(2**60 <= t << int(2 * n) < 2**62 for t, n in zip(total.flat, lift.flat, strict=True))
    shift = lift + op.fraction_bits // 2 - op.guard
    assert (shift >= 0).all()
    assert all(abs(d << int(s)) < 2**31 for d, s in np.broadcast(distance, shift))


def test_square_roots_are_exact():
    squares = np.array([2**31 - 1, 2**30, 2**30 + 1, 1, 3], dtype=np.int64) ** 2
    np.testing.assert_array_equal(square_roots(squares) ** 2, squares)
    np.testing.assert_array_equal(square_roots(squares - 1), square_roots(squares) - 1)


def test_rows_that_are_too_long_are_refused():
    with pytest.raises(ValueError, match="too much for an integer normalisation"):
        rescaled_norm(2**15, is_centred=True, x_zero=0, epsilon=0.0, gain=1.0, offset=0.0)


def test_scales_that_are_too_large_are_refused():
    with pytest.raises(ValueError, match="too large for a normalisation of 64 elements"):
        rescaled_norm(64, is_centred=True, x_zero=0, epsilon=0.0, gain=1e9, offset=0.0)


def test_tables_of_another_length_are_refused():
    op = rescaled_norm(4, is_centred=True, x_zero=0, epsilon=0.0, gain=1.0, offset=0.0)
    with pytest.raises(ValueError, match="wants tables of its last extent"):
        op.infer(
            TensorType(DType.S8, (1, 4)), TensorType(DType.S32, (4,)), TensorType(DType.S32, (3,))
        )
