"""The judge cannot be fooled: programs in which one thing is not right are refused, or right."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mutant_programs import KINDS
from mutant_tally import Tally, tally


def assert_no_holes(tallies: Mapping[str, Tally]) -> None:
    holes = {kind: count.holes for kind, count in tallies.items() if count.holes}
    assert holes == {}


def test_the_judge_refuses_whatever_makes_the_c_wrong(tmp_path: Path) -> None:
    tallies = tally(range(12), per_kind=3, share=0.25, folder=tmp_path)
    assert_no_holes(tallies)
    assert sum(count.made for count in tallies.values()) > 250
    assert tallies["none"].accepted == tallies["none"].made == 12
    assert {kind for kind, count in tallies.items() if count.refused + count.unstaged} == {*KINDS}
    run = sum(count.refused_run for count in tallies.values())
    assert sum(count.refused_wrong for count in tallies.values()) > 0.7 * run > 20


@pytest.mark.slow
def test_the_judge_refuses_whatever_makes_the_c_wrong_of_many_plans(tmp_path: Path) -> None:
    assert_no_holes(tally(range(100, 160), per_kind=4, share=0.02, folder=tmp_path))
