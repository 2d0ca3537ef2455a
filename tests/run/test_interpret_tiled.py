"""Tiled programs compute the whole, and every wait in them is needed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from case import Case
from strategies import STRATEGIES
from tiled import COMPUTED, assert_outputs, draw_tiled
from tilewright.ir.op import Op
from tilewright.ir.tiling import Hold
from tilewright.run.interpret import interpret

relaxed = settings(
    derandomize=True, deadline=None, max_examples=12, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.parametrize("op", COMPUTED, ids=lambda op: op.__name__)
def test_tiles_of_every_operator_give_the_whole(op: type[Op]) -> None:
    @relaxed
    @given(case=STRATEGIES[op], data=st.data())
    def check(case: Case, data: st.DataObject) -> None:
        net, inputs = draw_tiled(data, case, (Hold.SINGLE, Hold.DOUBLE))
        result = interpret(net.program, net.graph, inputs)
        assert_outputs(net.graph, inputs, result.outputs)

    check()
