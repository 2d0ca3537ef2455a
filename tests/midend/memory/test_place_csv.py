"""`tilewright place`: tables in, tables with offsets out."""

import csv
import json
import re
from pathlib import Path

import pytest

from tilewright.cli import main
from tilewright.errors import CapacityError, ModelError, OptionError
from tilewright.midend.memory.place_csv import read_problem, solve_placement, write_placement
from work import counted

CHALLENGE = Path(__file__).resolve().parents[4] / "shared/models/minimalloc"
CAPACITY = 1048576
SMALL = "id,lower,upper,size\nb1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n"


def problem_file(folder: Path, text: str) -> Path:
    path = folder / "problem.csv"
    path.write_text(text)
    return path


def test_columns_stay_as_they_are_and_offset_comes_last(tmp_path: Path) -> None:
    text = 'size,id,note,lower,upper\n4,a,"x, y",0,3\n8,b,,1,4\n'
    problem = read_problem(problem_file(tmp_path, text))
    write_placement(tmp_path / "out.csv", problem, (8, 0))
    expected = 'size,id,note,lower,upper,offset\n4,a,"x, y",0,3,8\n8,b,,1,4,0\n'
    assert (tmp_path / "out.csv").read_text() == expected


def test_the_command_places_at_capacity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = problem_file(tmp_path, SMALL), tmp_path / "out.csv"
    assert main(["place", str(path), "--capacity", "12", "-o", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    offsets = [int(row["offset"]) for row in csv.DictReader(out.open())]
    assert (said["extent"], said["lower_bound"], said["pieces"]) == (12, 12, 5)
    assert said["offsets"] == offsets
    assert main(["place", str(path), "--capacity", "12", "-o", str(out)]) == 0
    assert "12 B, 100.0 % of 12 B" in capsys.readouterr().out


def test_a_capacity_below_what_is_alive_at_once_says_when_and_how_much(tmp_path: Path) -> None:
    problem = read_problem(problem_file(tmp_path, SMALL))
    said = "^at time 0: 12 B are alive at once, 1 B more than the capacity of 11 B; give --capac"
    with pytest.raises(CapacityError, match=said):
        solve_placement(problem, 11)


def test_a_placement_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    """Always 8 bytes alive, so every gap must be filled exactly; the middle cannot be."""
    rows = (
        "0,1,3",
        "0,2,3",
        "1,2,1",
        "0,3,2",
        "2,3,2",
        "1,4,2",
        "3,4,1",
        "2,5,2",
        "3,5,3",
        "4,5,3",
    )
    text = "\n".join(["id,lower,upper,size", *(f"{i},{row}" for i, row in enumerate(rows))])
    problem = read_problem(problem_file(tmp_path, text))
    assert problem.busiest == (8, 0)
    with pytest.raises(CapacityError, match=r"^no placement in 8 B exists, though never more than"):
        solve_placement(problem, 8)
    assert max(solve_placement(problem, 9)) < 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the heading lacks id, lower, upper, size; it must name id,lower,upper,size"),
        ("id,lower,size\n", "the heading lacks upper; "),
        ("id,lower,upper,size,alignment\n", "column alignment would change the problem"),
        ("id,lower,upper,size\n1,0,2\n", "line 2: 3 values for 4 columns"),
        ("id,lower,upper,size\n1,0,2,4\n2,0,x,4\n", "line 3: upper is 'x', not a whole number"),
        ("id,lower,upper,size\n1,5,5,4\n", "line 2: upper is 5, but must be above lower, 5"),
        ("id,lower,upper,size\n1,0,5,-4\n", "line 2: size is -4, but must not be negative"),
        ("id,lower,upper,size\n1,0,5,3000000000\n", "3,000,000,000 B in all, at most"),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ModelError, match=re.escape(said)):
        read_problem(problem_file(tmp_path, text))


def test_a_byte_order_mark_and_a_capacity_without_end_are_no_matter(tmp_path: Path) -> None:
    problem = tmp_path / "from_a_spreadsheet.csv"
    problem.write_bytes(b"\xef\xbb\xbfid,lower,upper,size\r\na,0,3,10\r\nb,1,2,10\r\n")
    assert sorted(solve_placement(read_problem(problem), 10**23)) == [0, 10]


def test_files_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.csv: cannot be read: No such file"):
        read_problem(tmp_path / "none.csv")
    problem = read_problem(problem_file(tmp_path, SMALL))
    with pytest.raises(OptionError, match=r"out\.csv: cannot be written: No such file"):
        write_placement(tmp_path / "none" / "out.csv", problem, (0,) * 5)


@pytest.mark.skipif(not CHALLENGE.is_dir(), reason="../shared/models/minimalloc is not there")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in "BGHK" else pytest.mark.slow) for n in "ABCDEFGHIJK"]
)
def test_challenge_problems_are_placed_at_their_capacity_with_little_work(name: str) -> None:
    problem = read_problem(CHALLENGE / f"{name}.{CAPACITY}.csv")
    with counted() as work:
        offsets = solve_placement(problem, CAPACITY)
    assert work.calls < 4_000_000  # E, the most: 2.0 million
    pieces = list(zip(problem.pieces, offsets, strict=True))
    for i, (piece, at) in enumerate(pieces):
        assert 0 <= at <= CAPACITY - piece.size
        for other, there in pieces[:i]:
            is_apart = at + piece.size <= there or there + other.size <= at
            assert is_apart or not piece.meets(other)
