import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.frontend.rewrites.permutation import permuted
from tilewright.ir.graph import Origin, Value, ValueName
from tilewright.ir.types import DType, Quantisation, TensorType

PERMS = st.permutations(range(4)).map(tuple)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(PERMS, PERMS)
def test_a_moved_value_still_names_the_source_tensor_and_its_order(stored_as, moved_by) -> None:
    source = np.arange(2 * 3 * 4 * 5, dtype=np.int8).reshape(2, 3, 4, 5)
    here = source.transpose(stored_as)
    value = Value(ValueName("v"), TensorType.of(here), None, Origin("source", stored_as))
    moved = permuted(value, moved_by, "moved")
    assert moved.origin is not None
    perm = moved.origin.perm or (0, 1, 2, 3)
    assert moved.type == TensorType.of(here.transpose(moved_by))
    np.testing.assert_array_equal(source.transpose(perm), here.transpose(moved_by))


def test_scales_along_an_axis_stay_with_their_dimension() -> None:
    per_row = Quantisation((1.0, 2.0), (0, 0), 1)
    value = Value(ValueName("v"), TensorType(DType.S8, (3, 2, 4)), per_row)
    moved = permuted(value, (2, 0, 1), "moved")
    assert moved.quantisation == Quantisation((1.0, 2.0), (0, 0), 2)
    assert moved.type.shape[2] == 2
