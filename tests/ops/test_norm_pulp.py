"""Normalisations of the integer dialect inside the networks that they come from."""

from pathlib import Path

import numpy as np
import pytest

from integer_dialect import evaluate_dialect
from tilewright.ir.types import DType, TensorType
from tilewright.ops.norm_pulp import LARGEST_ROW, TruncatedLayerNorm, TruncatedRmsNorm

DIALECT = Path(__file__).resolve().parents[3] / "shared/models/integer_dialect"


@pytest.mark.skipif(not DIALECT.is_dir(), reason="../shared/models/integer_dialect is not there")
@pytest.mark.parametrize(
    "network", ["kernels/RMSNorm", "ICCT", "microLlama1", "microLlama8", "microLlama8_parallel"]
)
def test_networks_with_normalisations_reach_their_golden_outputs(network: str):
    for computed, golden in evaluate_dialect(DIALECT / network):
        np.testing.assert_array_equal(computed, golden)


def test_a_layer_norm_keeps_the_low_byte():
    x = np.array([-100, 100], np.int8)
    tables = np.array([256, 256], np.int32), np.array([0, 4], np.int32)
    # root = floor(sqrt(10001)) = 100: +-256, plus the bias
    assert TruncatedLayerNorm(0).evaluate(x, *tables).tolist() == [0, 4]


def test_divisions_go_towards_zero_before_the_shift_goes_down():
    x = np.array([-1, 1], np.int8)
    # root = floor(sqrt(2)) = 1, mean 0: -3 >> 1 = -2, 3 >> 1 = 1
    assert TruncatedRmsNorm(1).evaluate(x, np.array([3, 3], np.int32)).tolist() == [-2, 1]


def test_rows_that_are_too_long_are_refused():
    types = (TensorType(DType.S8, (LARGEST_ROW + 1,)), TensorType(DType.S32, (LARGEST_ROW + 1,)))
    with pytest.raises(ValueError, match="longer than 32768 elements"):
        TruncatedRmsNorm(0).infer(*types)
