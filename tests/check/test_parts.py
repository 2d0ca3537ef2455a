"""Faults in sums of parts: each is found, and named."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from case import Case
from judged import Pieces, with_pieces
from tiled import Tiled, graph_of, steps_of, tiled
from tilewright.check.judge import PlanError, check_program
from tilewright.ir.program import Program
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Span
from tilewright.midend.split import split_nodes
from tilewright.ops.dense import QDense, QDenseSum
from tilewright.targets.host.target import HIERARCHY


def net(hold: Hold = Hold.LOCAL) -> Tiled:
    """12 inputs in parts of 5, six outputs in tiles of 3: twice three tiles."""
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-128, 128, shape).astype(np.int8) for shape in ((1, 12), (6, 12)))
    bias, multiplier = np.arange(6, dtype=np.int32), np.array([2**30], np.int32)
    shift = np.array([-6], np.int8)
    graph = split_nodes(graph_of(Case(QDense(), (x, w, bias, multiplier, shift)))[0], ("node",))
    steps = steps_of(graph, HIERARCHY)
    assert steps is not None
    names = dict.fromkeys(name for s in steps for name in (*s.node.inputs, s.node.output))
    holds = {**dict.fromkeys(names, Hold.SINGLE), steps[0].node.output: hold}
    return tiled(graph, steps, [Group(Span(0, 2), (1, 3), (1,), holds, parts=5)], HIERARCHY)


NET = net()
FIRST, LAST = (call.output.value.name for call in NET.program.calls)


def test_a_sound_program_has_no_findings():
    check_program(NET.program, NET.graph, HIERARCHY)


def summed(change: Callable[[Pieces], Pieces]) -> Program:
    return with_pieces(NET.program, FIRST, change)


def adding(pieces: Pieces, tile: int, *, adds: bool) -> Pieces:
    piece = pieces[tile]
    assert piece is not None
    assert isinstance(piece.op, QDenseSum)
    changed = replace(piece, op=replace(piece.op, adds=adds))
    return (*pieces[:tile], changed, *pieces[tile + 1 :])


FAULTS: dict[str, tuple[Program, str]] = {
    "a part is left out": (summed(lambda p: (p[0], None, *p[2:])), "tile 2 adds to"),
    "a part comes twice": (summed(lambda p: (p[0], p[0], *p[2:])), "tile 1 reads .* not there"),
    "parts of two tiles mix": (summed(lambda p: (p[0], p[4], *p[2:])), "tile 1 .* not there"),
    "the last part is missing": (
        summed(lambda p: (*p[:-1], None)), "tile 5 reads .* not there"
    ),
    "the first part is added": (summed(lambda p: adding(p, 0, adds=True)), "its part is"),
    "a later part starts anew": (summed(lambda p: adding(p, 1, adds=False)), "its part is"),
    "nothing finishes": (
        with_pieces(NET.program, LAST, lambda p: (*p[:2], None, *p[3:])), "not there"
    ),
    "it finishes early": (
        with_pieces(NET.program, LAST, lambda p: (*p[:1], p[2], *p[2:])), "tile 1 reads .* not"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str):
    program, words = FAULTS[fault]
    with pytest.raises(PlanError, match=words):
        check_program(program, NET.graph, HIERARCHY)


def test_sums_that_travel_in_two_copies_are_found():
    """A part is added while the sum before it is still under way."""
    other = net(Hold.DOUBLE)
    with pytest.raises(PlanError, match="is working with"):
        check_program(other.program, other.graph, HIERARCHY)
