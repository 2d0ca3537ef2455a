"""Operators in two steps, and sums in parts: the same numbers, and none beyond int32."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from case import Case
from strategies_sums import SPLITTABLE, finish_of, sums_of
from tilewright.ir.op import Op, Reduced
from tilewright.ir.types import Array, Span
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.lut import Lut
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.ops.window2d import Window2d

relaxed = settings(
    derandomize=True, deadline=None, max_examples=60, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

splittable = pytest.mark.parametrize("op", SPLITTABLE, ids=lambda op: op.__name__)


@splittable
def test_finished_sums_are_the_operator(op: type[Op]):
    @relaxed
    @given(SPLITTABLE[op])
    def check(case: Case):
        finish = finish_of(case)
        made = finish.op.evaluate(*finish.inputs)
        np.testing.assert_array_equal(made, case.op.evaluate(*case.inputs))

    check()


@splittable
def test_parts_add_up_to_the_sum_and_never_leave_int32(op: type[Op]):
    @relaxed
    @given(SPLITTABLE[op], st.data())
    def check(case: Case, data: st.DataObject):
        sums = sums_of(case)
        extent = reduced_extent(sums)
        size = data.draw(st.integers(1, extent), label="part")
        total = np.zeros(sums.signature.output.shape, np.int64)
        for start in range(0, extent, size):
            part = Span(start, min(size, extent - start))
            on_part = sums.op.on_part(part)
            assert on_part.adds_up() == (start > 0)
            total += on_part.evaluate(*parts(sums, part)).astype(np.int64)
            assert -(2**31) <= total.min() <= total.max() < 2**31
        np.testing.assert_array_equal(total, sums.op.evaluate(*sums.inputs))

    check()


def test_groups_are_not_summed_in_parts():
    output = Requantise(Rounding.DOUBLE)
    assert QConv2d(Window2d((1, 1)), groups=2, output=output).split() is None


def test_an_operator_that_sums_nothing_has_no_parts():
    assert Lut().split() is None
    assert Lut().on_part(Span(0, 1)) is None


def reduced_extent(case: Case) -> int:
    accesses = case.op.reads(*case.signature.inputs)
    extents = {
        extent
        for access, array in zip(accesses, case.inputs, strict=True)
        for how, extent in zip(access, array.shape, strict=True)
        if isinstance(how, Reduced)
    }
    (extent,) = extents
    return extent


def parts(case: Case, part: Span) -> list[Array]:
    accesses = case.op.reads(*case.signature.inputs)
    return [
        array[tuple(slice(part.start, part.stop) if isinstance(how, Reduced) else slice(None)
                    for how in access)]
        for access, array in zip(accesses, case.inputs, strict=True)
    ]  # fmt: skip
