"""Programs have no wait too many: without any one of them they are wrong, and that shows."""

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broken_programs import needless_waits, waits
from digits import MODEL, some_digits
from random_networks import places_of, random_inputs
from tilewright.backend.stage import stage
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array
from tilewright.midend.memory.allocate import place
from tilewright.ops.window2d import Window2d
from tilewright.pipeline import Compilation, Options, compile_model, load_target
from tilewright.run.inputs import match_inputs
from two_engines import chain, every_way, machine, windows

SMALL, LARGER = 1536, 4096
"""Bytes of L1: the digits network cut into many tiles, and into a few."""


@cache
def compiled(size: int) -> Compilation:
    return compile_model(MODEL, load_target("host"), Options(memory={"L1": size}))


def one_digit(size: int) -> dict[ValueName, Array]:
    c = compiled(size)
    batch = match_inputs(c.graph, {c.graph.inputs[0]: some_digits(1)})
    return dict(batch.one(0))


@pytest.mark.parametrize("size", [SMALL, LARGER])
def test_without_any_single_wait_the_program_is_wrong(size: int) -> None:
    made = compiled(size)
    assert len([*waits(made.program)]) > 20
    assert needless_waits(made.program, made.graph, one_digit(size)) == []


@settings(
    derandomize=True, deadline=None, max_examples=12, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(st.lists(windows, min_size=2, max_size=3), st.booleans())
def test_without_any_wait_or_join_two_engines_are_wrong(
    shapes: list[Window2d], shares: bool
) -> None:
    graph, target = chain(*shapes, rows=9), machine(shares=shares)
    cuts = every_way(graph, target)
    for cut in cuts[:: len(cuts) // 6 + 1]:
        program = stage(
            graph, place(graph, (cut,), places_of(graph, cut.steps, target)), target, "net"
        )
        assert needless_waits(program, graph, random_inputs(graph, 5)) == []
