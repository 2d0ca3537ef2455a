"""Faults in sums of parts: each is found, and named."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from case import Case
from tiled import Tiled, graph_of, steps_of, tiled
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Span
from tilewright.midend.check import check_parts
from tilewright.midend.check.check_parts import part_findings
from tilewright.midend.split import split_nodes
from tilewright.midend.tiling.tiles import Tile, tiles_of
from tilewright.ops.dense import QDense
from tilewright.targets.host.target import HIERARCHY

Tiles = tuple[Tile, ...]


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


def findings(monkeypatch: pytest.MonkeyPatch, fault: Callable[[Tiles], Tiles]) -> list[str]:
    plan = net().plan
    tiles = fault(tiles_of(plan.steps, plan.groups[0]))
    monkeypatch.setattr(check_parts, "tiles_of", lambda steps, group: tiles)
    return list(part_findings(plan))


def test_a_sound_plan_has_no_findings(monkeypatch: pytest.MonkeyPatch):
    assert findings(monkeypatch, lambda tiles: tiles) == []


def with_call(tiles: Tiles, number: int, position: int, **changes: object) -> Tiles:
    calls = list(tiles[number].calls)
    calls[position] = replace(calls[position], **changes) if changes else None
    return (*tiles[:number], replace(tiles[number], calls=tuple(calls)), *tiles[number + 1 :])


def first_adds(tiles: Tiles) -> Tiles:
    call = tiles[0].calls[0]
    return with_call(tiles, 0, 0, op=replace(call.op, adds=True))


def later_starts_anew(tiles: Tiles) -> Tiles:
    call = tiles[1].calls[0]
    return with_call(tiles, 1, 0, op=replace(call.op, adds=False))


FAULTS: dict[str, tuple[Callable[[Tiles], Tiles], str]] = {
    "a part is left out": (lambda t: (t[0], *t[2:]), "after 5 elements"),
    "a part comes twice": (lambda t: (t[0], *t), "after 5 elements"),
    "parts of two tiles mix": (lambda t: (t[0], t[3], *t[1:3], *t[4:]), "after 5 elements"),
    "the last part is missing": (lambda t: t[:-1], "ends after 10 elements"),
    "the first part is added": (first_adds, "after 0 elements"),
    "a later part starts anew": (later_starts_anew, "after 5 elements"),
    "nothing finishes": (lambda t: with_call(t, 2, 1), "12 of 12 elements are summed"),
    "a tile sums nothing": (lambda t: with_call(t, 1, 0), "sums nothing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch, fault: str):
    change, words = FAULTS[fault]
    found = findings(monkeypatch, change)
    assert found
    assert words in found[0]


@pytest.mark.parametrize("hold", [Hold.SINGLE, Hold.DOUBLE])
def test_sums_that_travel_are_found(hold: Hold):
    assert "group 0 does not keep its sums" in list(part_findings(net(hold).plan))
