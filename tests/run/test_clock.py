"""The clock: what overlaps, what waits, and that two copies are no slower than one."""

import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiled import Tiled, steps_of, tiled
from tiled_chain import chain, tiled_chains
from tilewright.ir.program import Program
from tilewright.ir.target import Dma, Kernel, Target
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Span
from tilewright.ops.window2d import Window2d
from tilewright.run.clock import Timing, time_program
from tilewright.targets.host.target import HIERARCHY

ROWS, ROW_BYTES = 24, 5 * 2 * 4
COMPUTE, SETUP = 40, 10

relaxed = settings(
    derandomize=True, deadline=None, max_examples=60, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def fixed_cycles(kernel: Kernel) -> Kernel:
    return replace(kernel, cycles=lambda op, signature: COMPUTE)


def machine(bandwidth: float) -> Target:
    (engine,) = HIERARCHY.engines
    kernels = tuple(map(fixed_cycles, engine.kernels))
    dmas = tuple(Dma("dma", d.between, 3, SETUP, bandwidth) for d in HIERARCHY.dmas)
    return replace(HIERARCHY, engines=(replace(engine, kernels=kernels),), dmas=dmas)


def one_row_at_a_time(hold: Hold, bandwidth: float) -> Tiled:
    """A window of one row: every tile loads a row and stores a row."""
    target = machine(bandwidth)
    graph = chain([Window2d((1, 3), (1, 1), (0, 1, 0, 1))], ROWS, is_residual=False)
    steps = steps_of(graph, target)
    assert steps is not None
    holds = {n: Hold.SINGLE if n in graph.constants else hold for n in graph.values}
    return tiled(graph, steps, [Group(Span(0, 1), (1, 1, 5, 2), (1,), holds)], target)


def timing(hold: Hold, bandwidth: float) -> Timing:
    return time_program(one_row_at_a_time(hold, bandwidth).program)


def test_one_copy_adds_transfers_to_calls() -> None:
    row = SETUP + ROW_BYTES  # one byte per cycle
    constants = (SETUP + 3 * 2 * 4) + (SETUP + 2 * 4)
    assert timing(Hold.SINGLE, 1).cycles == constants + ROWS * (2 * row + COMPUTE)


def test_two_copies_hide_the_shorter_of_both() -> None:
    slow, fast = timing(Hold.DOUBLE, 1), timing(Hold.DOUBLE, 40)
    assert slow.bound == slow.transfer
    assert slow.cycles - slow.bound <= COMPUTE
    assert fast.bound == fast.compute == ROWS * COMPUTE
    assert fast.cycles - fast.bound <= 5 * (SETUP + 2)  # w, bias, the first row; the last row


@relaxed
@given(st.sampled_from((0.5, 1.0, 2.0, 8.0, 40.0)))
def test_two_copies_never_lose(bandwidth: float) -> None:
    one, two = (timing(hold, bandwidth) for hold in (Hold.SINGLE, Hold.DOUBLE))
    assert two.bound <= two.cycles <= one.cycles
    assert two.moved == one.moved == 2 * ROWS * ROW_BYTES + 3 * 2 * 4 + 2 * 4


@relaxed
@given(net=tiled_chains(is_far=True))
def test_no_program_beats_its_bound(net: Tiled) -> None:
    result = time_program(net.program)
    assert result.bound <= result.cycles
    assert json.loads(json.dumps(result.json()))["cycles"] == result.cycles
    assert [layer.start for layer in result.layers[1:]] == [y.stop for y in result.layers[:-1]]


def test_a_box_of_too_many_dimensions_takes_several_commands() -> None:
    times = [time_program(with_rank(one_row_in_parts(), rank)).transfer for rank in (1, 2)]
    assert times[0] > times[1]


def one_row_in_parts() -> Tiled:
    """Tiles of two columns and one channel: an output is a run of four bytes per column."""
    graph = chain([Window2d((1, 1))], 12, is_residual=False)
    steps = steps_of(graph, HIERARCHY)
    assert steps is not None
    holds = dict.fromkeys(graph.values, Hold.SINGLE)
    group = Group(Span(0, 1), (1, 12, 5, 1), (3,), holds)
    return tiled(graph, steps, [group], HIERARCHY)


def with_rank(net: Tiled, rank: int) -> Program:
    dmas = tuple(replace(d, max_rank=rank) for d in HIERARCHY.dmas)
    return tiled(net.graph, net.plan.steps, net.plan.groups, replace(HIERARCHY, dmas=dmas)).program
