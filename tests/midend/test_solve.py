"""The door to CP-SAT: solutions, bounds, and sentences where there is none."""

from tilewright.midend.solve import Conflict, Model, Solved, Unknown


def test_a_minimum_comes_with_its_proof():
    model = Model()
    x, y = model.variable(0, 10), model.variable(0, 10)
    model.need(x + y >= 7, "seven are needed")
    model.need(x <= 3, "only three fit on the left")
    model.minimise(2 * x + 3 * y)
    assert model.solve([x, y], effort=1.0) == Solved((3, 4), 18, 18)


def test_the_sentences_in_conflict_come_back_and_no_others():
    model = Model()
    tile = model.variable(1, 64)
    model.need(tile * 300 <= 1024, "L1 holds 1024 B")
    model.need(tile >= 4, "the accelerator wants tiles of at least 4 rows")
    model.need(tile <= 32, "transfers have at most 32 rows")
    model.minimise(tile)
    assert model.solve([tile], effort=1.0) == Conflict(
        ("L1 holds 1024 B", "the accelerator wants tiles of at least 4 rows")
    )


def test_one_of_several_choices_holds_completely():
    model = Model()
    x, y = model.variable(0, 9), model.variable(0, 9)
    taken = model.need_one_of([(x >= 5, y >= 5), (x >= 3, y >= 8)], "large enough")
    model.minimise(10 * x + y)
    result = model.solve([x, y, *taken], effort=1.0)
    assert isinstance(result, Solved)
    assert result.values == (3, 8, 0, 1)


def test_a_choice_that_cannot_be_made_is_a_conflict():
    model = Model()
    x = model.variable(0, 9)
    model.need_one_of([(x >= 12,), (x <= -1,)], "x is out of its range")
    assert model.solve([x], effort=1.0) == Conflict(("x is out of its range",))


def test_boxes_do_not_touch_while_their_times_meet():
    model = Model()
    offsets = [model.variable(0, 8) for _ in range(3)]
    model.need_apart([(offsets[0], 4, 0, 2), (offsets[1], 3, 1, 3), (offsets[2], 5, 2, 4)])
    top = model.variable(0, 8)
    for offset, size in zip(offsets, (4, 3, 5), strict=True):
        model.need(offset + size <= top, "everything lies in the arena")
    model.minimise(top)
    result = model.solve([*offsets, top], effort=1.0)
    assert isinstance(result, Solved)
    first, second, third, extent = result.values
    assert extent == 8
    assert first + 4 <= second or second + 3 <= first
    assert second + 3 <= third or third + 5 <= second


def test_effort_that_runs_out_is_no_answer():
    model = Model()
    queens = [model.variable(0, 39) for _ in range(40)]
    for i, x in enumerate(queens):
        for j, y in enumerate(queens[:i]):
            model.need_one_of([(x >= y + 1,), (x <= y - 1,)], "no two in a row")
            model.need_one_of([(x >= y + i - j + 1,), (x <= y + i - j - 1,)], "nor on a diagonal")
    assert model.solve(queens, effort=1e-9) == Unknown()
