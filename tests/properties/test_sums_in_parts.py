"""Reductions in parts: drawn layers, drawn tiles of the output and parts of the inner dimension."""

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from backend.test_tiled_c import run_sanitized
from case import Case
from run.test_interpret_tiled import programs_without_a_wait
from strategies_sums import SPLITTABLE
from tiled import Tiled, assert_outputs, graph_of, steps_of, tiled
from tilewright.check.judge import check_program
from tilewright.ir.graph import ValueName
from tilewright.ir.op import Op
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, Span
from tilewright.midend.split import split_nodes
from tilewright.midend.tiling.tiles import reduced_extent
from tilewright.run.hazards import HazardError
from tilewright.run.interpret import interpret
from tilewright.targets.host.target import HIERARCHY

relaxed = settings(
    derandomize=True, deadline=None, max_examples=25, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

splittable = pytest.mark.parametrize("op", SPLITTABLE, ids=lambda op: op.__name__)


def draw_parts(data: st.DataObject, case: Case) -> tuple[Tiled, dict[ValueName, Array]]:
    """The operator as sums and finish in one group, both cut anywhere."""
    whole, inputs = graph_of(case)
    graph = split_nodes(whole, ("node",))
    steps = steps_of(graph, HIERARCHY)
    assume(steps is not None)
    assert steps is not None
    output = steps[-1].signature.output
    tile = tuple(
        data.draw(st.integers(max(1, extent // 3), extent), label=f"tile {axis}")
        for axis, extent in enumerate(output.shape)
    )
    cut = [axis for axis, extent in enumerate(output.shape) if tile[axis] < extent]
    names = dict.fromkeys(name for s in steps for name in (*s.node.inputs, s.node.output))
    travels = st.sampled_from((Hold.SINGLE, Hold.DOUBLE))
    holds = {name: data.draw(travels, label=f"hold of {name}") for name in names}
    group = Group(
        Span(0, 2), tile, tuple(data.draw(st.permutations(cut), label="order")),
        holds | {steps[0].node.output: Hold.LOCAL},
        parts=data.draw(st.integers(1, reduced_extent(steps[0])), label="parts"),
    )  # fmt: skip
    return tiled(graph, steps, [group], HIERARCHY), inputs


@splittable
def test_parts_of_every_reduction_give_the_whole(op: type[Op]) -> None:
    @relaxed
    @given(case=SPLITTABLE[op], data=st.data())
    def check(case: Case, data: st.DataObject) -> None:
        net, inputs = draw_parts(data, case)
        check_program(net.program, net.graph, HIERARCHY)
        result = interpret(net.program, net.graph, inputs)
        assert_outputs(net.graph, inputs, result.outputs)
        assert (result.outputs["y"] == case.op.evaluate(*case.inputs)).all()

    check()


def check_c(op: type[Op], examples: int) -> None:
    @settings(relaxed, max_examples=examples, phases=(Phase.generate,))
    @given(case=SPLITTABLE[op], data=st.data())
    def check(case: Case, data: st.DataObject) -> None:
        net, inputs = draw_parts(data, case)
        pieces = net.program.layers[0].calls[-1].pieces
        assume(1 < sum(piece is not None for piece in pieces) < len(pieces))
        run_sanitized(net, inputs)

    check()


@splittable
def test_c_of_parts_equals_the_whole(op: type[Op]) -> None:
    check_c(op, 2)


@pytest.mark.slow
@splittable
def test_c_of_many_parts_equals_the_whole(op: type[Op]) -> None:
    check_c(op, 12)


@splittable
def test_deleting_any_single_wait_is_detected(op: type[Op]) -> None:
    @settings(relaxed, max_examples=6)
    @given(case=SPLITTABLE[op], data=st.data())
    def check(case: Case, data: st.DataObject) -> None:
        net, inputs = draw_parts(data, case)
        for program in programs_without_a_wait(net.program):
            with pytest.raises((HazardError, AssertionError)):
                assert_outputs(net.graph, inputs, interpret(program, net.graph, inputs).outputs)

    check()
