"""Tensors that grow with an argument and are cut into tiles: as many tiles as the argument says."""

from itertools import pairwise

import numpy as np
import pytest

from fictional import KIB, chip
from tilewright.backend.fit_numbers import Points
from tilewright.errors import UnsupportedError
from tilewright.ir.graph import Graph
from tilewright.ir.index import Affine, Argument, Column, Part, Sliced
from tilewright.ir.network import Network
from tilewright.ir.target import Target
from tilewright.ir.types import DType
from tilewright.networks import NetworkCompilation, compile_network
from tilewright.ops.state import Valid
from tilewright.pipeline import load_target, with_memory
from tilewright.run.clock import time_program
from tilewright.run.turns import Turn, evaluate_turns, interpret_turns, run_turns
from toy_decoder import WIDTH, Builder, decode

ROWS, END = Argument("rows", 37), Argument("end", 56)


def rows() -> Graph:
    """The first ``rows`` rows of the input through two dense layers."""
    made = Builder("run")
    x = made.add("given", Valid(0, ROWS + 0), made.input("x", DType.S8, ROWS.most, WIDTH))
    made.builder.outputs.append(made.dense("two", made.dense("one", x)))
    return made.build()


def near(size: int) -> Target:
    return with_memory(load_target("host"), {"L2": 8 * KIB, "L1": size})


def cut_axes(made: NetworkCompilation, entry: str) -> list[tuple[int, ...]]:
    return [group.order for group in made.entries[entry].plan.groups if group.order]


def agree(made: NetworkCompilation, turns: list[Turn]) -> None:
    callees = made.callees
    wanted = evaluate_turns(callees, turns)
    planned = interpret_turns(callees, turns)
    generated = run_turns(made.bundle, callees, turns)
    for ours, theirs, c in zip(wanted, planned, generated, strict=True):
        for name, array in ours.items():
            np.testing.assert_array_equal(theirs[name], array)
            np.testing.assert_array_equal(c[name], array)


@pytest.mark.parametrize("size", [330])
def test_rows_in_tiles_are_right_for_every_number_of_them(size: int):
    made = compile_network(Network.of("net", run=rows()), near(size))
    assert (0,) in cut_axes(made, "run")
    rng = np.random.default_rng(size)
    x = rng.integers(-128, 128, (ROWS.most, WIDTH)).astype(np.int8)
    agree(made, [Turn("run", {"x": x}, {"rows": n}) for n in range(1, ROWS.most + 1)])
    assert made.arena["L1"] <= size


@pytest.mark.parametrize("machine", [near(1400), chip(l1=1400, l2=16 * KIB)])
def test_a_cache_that_is_larger_than_the_near_memory_travels_in_parts(machine: Target):
    made = compile_network(Network.of("toy", decode=decode(END, 32)), machine)
    assert (1,) in cut_axes(made, "decode")  # the scores of some words at a time
    words = np.random.default_rng(7).integers(0, 12, END.most).astype(np.int32)
    agree(
        made,
        [Turn("decode", {"word": words[n - 1 : n]}, {"end": n}) for n in range(1, END.most + 1)],
    )


def test_nothing_travels_for_absent_rows():
    made = compile_network(Network.of("net", run=rows()), near(330))
    callee = made.callees["run"]
    programs = (callee.at({"rows": n})[2] for n in range(1, ROWS.most + 1))
    moved = [time_program(program).moved for program in programs]
    # Two layers read and write one row more each.
    assert {b - a for a, b in pairwise(moved)} == {4 * WIDTH}
    assert made.cycles("run")[0] < made.cycles("run")[1]


def test_code_has_one_loop_for_all_lengths():
    made = compile_network(Network.of("net", run=rows()), near(330))
    text = made.bundle.files["net.c"]
    assert "const int32_t tiles = (rows + " in text
    assert "const int32_t tile_part = left < " in text


def points(part: Part | None) -> Points:
    at = tuple({"rows": n} for n in range(ROWS.most, 0, -1))
    counts = tuple(part.tiles(values) if part else 3 for values in at)
    return Points(at, (ROWS,), counts, part)


def numbers(points: Points, rule) -> list[Column]:
    return [
        Column(tuple(rule(values["rows"], tile) for tile in range(count)))
        for values, count in zip(points.at, points.counts, strict=True)
    ]


def test_numbers_of_tiles_and_arguments_are_found_from_their_values():
    part = Part(Affine.of(ROWS), 5)
    cut, whole = points(part), points(None)
    rules = [
        (cut, lambda n, t: 7 + 40 * t),
        (cut, lambda n, t: 3 * min(5, n - 5 * t)),
        (cut, lambda n, t: 100 * t + 3 * min(5, n - 5 * t) + 2 * n),
        (cut, lambda n, t: n * min(5, n - 5 * t) + 1),
        (cut, lambda n, t: 4 * n),
        (whole, lambda n, t: 9 * t * t + 2 * n),
    ]
    for among, rule in rules:
        found = among.number("it", numbers(among, rule))
        for values, count in zip(among.at, among.counts, strict=True):
            for tile in range(count):
                assert value_of(found, tile, values) == rule(values["rows"], tile)


def value_of(index: object, tile: int, values: dict[str, int]) -> int:
    match index:
        case int():
            return index
        case Column(of):
            return of[tile]
        case Affine():
            return index.at(values)
        case Sliced(base, more, part):
            here = {**values, **({Part.ARGUMENT: part.of(tile, values)} if part else {})}
            return value_of(base, tile, values) + more.at(here)
        case _:
            raise AssertionError(index)


def test_a_number_of_tiles_that_does_not_grow_evenly_is_refused_in_words():
    cut = points(Part(Affine.of(ROWS), 5))
    with pytest.raises(UnsupportedError, match=r"it is \d+ where rows = \d+, which does not grow"):
        cut.number("it", numbers(cut, lambda n, t: n * n + t))
