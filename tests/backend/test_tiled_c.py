"""Generated C of tiled layers: with an emulated near memory, under sanitizers, equals the whole."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from case import Case
from strategies import STRATEGIES
from tiled import COMPUTED, Tiled, assert_outputs, draw_tiled
from tilewright.ir.graph import ValueName
from tilewright.ir.op import Op
from tilewright.ir.tiling import Hold
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import Batch
from tilewright.targets.host.target import HIERARCHY

QUICK = (QConv2d, QDepthwiseConv2d, QDense)


def run_sanitized(net: Tiled, inputs: dict[ValueName, Array]) -> None:
    """Two inferences in a row, arenas poisoned between them; twice."""
    arrays = {name: np.stack([array, array]) for name, array in inputs.items()}
    options = HostOptions(observes=True, sanitizes=True)
    batch = Batch(arrays, 2, is_batched=True)
    result = run_on_host(net.bundle, net.program, HIERARCHY.toolchain, batch, options)
    assert "warning" not in result.log, result.log
    assert result.runs_identical
    for index in range(2):
        outputs = {name: array[index] for name, array in result.outputs.items()}
        assert_outputs(net.graph, inputs, outputs)


def check_operator(op: type[Op], examples: int) -> None:
    @settings(
        derandomize=True, deadline=None, max_examples=examples, database=None,
        phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=STRATEGIES[op], data=st.data())
    def check(case: Case, data: st.DataObject) -> None:
        net, inputs = draw_tiled(data, case, (Hold.SINGLE, Hold.DOUBLE))
        assume(net.program.layers[0].tiles > 2)
        run_sanitized(net, inputs)

    check()


@pytest.mark.parametrize("op", QUICK, ids=lambda op: op.__name__)
def test_tiled_c_equals_the_whole(op: type[Op]) -> None:
    check_operator(op, 2)


@pytest.mark.slow
@pytest.mark.parametrize("op", COMPUTED, ids=lambda op: op.__name__)
def test_tiled_c_of_every_operator_equals_the_whole(op: type[Op]) -> None:
    check_operator(op, 4)
