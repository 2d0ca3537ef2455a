"""Tile sizes that kernels' limits allow: every call keeps to them, and no larger tile does."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from random_networks import fake_kernel
from tilewright.ir.plan import Step
from tilewright.ir.target import AtMost, AtMostInput, Engine, Limit, MultipleOf, Reach, Signature
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Shape, Span
from tilewright.midend.tiling.limits import grain, is_willing, keeps_limit, largest_tile
from tilewright.midend.tiling.tiles import tiles_of
from tilewright.ops.window2d import Window2d
from two_engines import chain

drawn = settings(
    derandomize=True, deadline=None, max_examples=80, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

sizes = st.one_of(
    st.builds(AtMost, st.integers(1, 3), st.integers(1, 9)),
    st.builds(AtMostInput, st.just(0), st.integers(1, 3), st.integers(3, 9)),
)
windows = st.sampled_from(
    [Window2d((3, 3), (1, 1), (1, 1, 1, 1)), Window2d((1, 1)), Window2d((2, 2), (2, 2))]
)


def limited(shapes: Sequence[Window2d], limits: Sequence[Limit]) -> tuple[Step, ...]:
    """A chain of poolings on a kernel with limits."""
    graph = chain(*shapes, rows=14)
    kernel = replace(fake_kernel(), limits=tuple(limits))
    engine = Engine("npu", "npu", (Reach("L1"),), (kernel,))
    return tuple(
        Step(n, Signature(graph.input_types(n), graph.type(n.output)), engine, kernel)
        for n in graph.nodes
    )


def keeps_sizes(steps: tuple[Step, ...], tile: Shape) -> bool:
    """Whether every call of every tile keeps to all limits on sizes, by looking at each."""
    out = steps[-1].signature.output.shape
    order = tuple(axis for axis in range(4) if tile[axis] < out[axis])
    names = {name for s in steps for name in (*s.node.inputs, s.node.output)}
    inner = {s.node.output for s in steps[:-1]}
    holds = {name: Hold.LOCAL if name in inner else Hold.DIRECT for name in names}
    tiles = tiles_of(steps, Group(Span(0, len(steps)), tile, order, holds))
    return all(
        keeps_limit(limit, call.signature, step.signature)
        for t in tiles
        for step, call in zip(steps, t.calls, strict=True)
        if call is not None and step.kernel is not None
        for limit in step.kernel.limits
        if not isinstance(limit, MultipleOf)
    )


@drawn
@given(st.lists(windows, min_size=1, max_size=3), st.lists(sizes, min_size=1, max_size=3))
def test_no_larger_tile_keeps_to_the_limits(
    shapes: list[Window2d], limits: list[AtMost | AtMostInput]
) -> None:
    try:
        steps = limited(shapes, limits)
    except ValueError:
        assume(False)
        return
    tile = largest_tile(steps)
    assume(keeps_sizes(steps, tile))  # some limits are below what one element needs
    whole = steps[-1].signature.output.shape
    for axis in range(4):
        if tile[axis] < whole[axis]:
            larger = (*tile[:axis], tile[axis] + 1, *tile[axis + 1 :])
            assert not keeps_sizes(steps, larger) or is_near_the_edge(tile, whole, axis)


def is_near_the_edge(tile: Shape, whole: Shape, axis: int) -> bool:
    """Two tiles or fewer along an axis both lie at an edge, where windows need less."""
    return (tile[axis] + 1) * 2 >= whole[axis]


@drawn
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 14))
def test_rows_come_in_grains(one: int, other: int, most: int) -> None:
    limits = (MultipleOf(1, one), MultipleOf(1, other), AtMost(1, most))
    (step,) = limited([Window2d((1, 1))], limits)
    unit = grain(step, 1)
    assert unit % one == unit % other == 0
    rows = largest_tile((step,))[1]
    assert rows == (14 if most == 14 else most // unit * unit if most >= unit else most)


def test_a_kernel_takes_only_what_keeps_to_its_limits() -> None:
    (step,) = limited([Window2d((1, 1))], (AtMost(1, 4),))
    for rows in (4, 5):
        holds = dict.fromkeys((*step.node.inputs, step.node.output), Hold.DIRECT)
        first = tiles_of((step,), Group(Span(0, 1), (1, rows, 5, 4), (1,), holds))[0].calls[0]
        assert first is not None
        assert is_willing(step, first) is (rows == 4)
