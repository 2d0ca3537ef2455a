"""The integer softmax against the real one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.ir.types import DType, TensorType
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.ops.softmax_onnx import TableSoftmax, exponentials, inverse_scale, row_bits

BOTH = st.sampled_from((Rounding.HALF_EVEN, Rounding.HALF_UP))


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.integers(1, 40) | st.integers(900, 1100),
    step=st.floats(1e-4, 4.0),
    y_scale=st.sampled_from((1 / 256, 1 / 255, 1 / 100, 1 / 3000)),
    rounding=BOTH,
)
def test_each_result_is_the_real_one_rounded(
    seed: int, length: int, step: float, y_scale: float, rounding: Rounding
):
    x = np.random.default_rng(seed).integers(-128, 128, (3, length)).astype(np.int8)
    bits = row_bits(length)
    op = TableSoftmax(bits, inverse_scale(y_scale, bits), Requantise(rounding, zero=-128))
    real = x.astype(np.float64)
    e = np.exp((real - real.max(axis=-1, keepdims=True)) * step)
    exact = np.clip(e / e.sum(axis=-1, keepdims=True) / y_scale - 128, -128, 127)
    assert np.abs(op.evaluate(x, exponentials(step, bits)) - exact).max() <= 0.5 + 5e-3


@pytest.mark.parametrize("length", [1, 2, 3, 255, 256, 257, 1000, 2**20])
def test_a_row_of_equal_values_never_leaves_int32(length: int):
    assert length << row_bits(length) <= 2**31 - 1


def test_rows_that_are_too_long_are_refused():
    with pytest.raises(ValueError, match="too long for an integer softmax"):
        row_bits(2**23)


def test_scales_that_are_too_large_are_refused():
    with pytest.raises(ValueError, match="too large for a softmax"):
        inverse_scale(1e6, 22)


def test_a_table_of_another_size_is_refused():
    op = TableSoftmax(8, inverse_scale(1 / 256, 8), Requantise(Rounding.HALF_EVEN))
    with pytest.raises(ValueError, match="256 entries"):
        op.infer(TensorType(DType.S8, (1, 4)), TensorType(DType.S32, (255,)))
