"""Calibration: what the referee printed for the same ELF files, figure by figure."""

from pathlib import Path

import pytest

from run.sim.calibration_table import split_line
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Outcome, Simulator

FOLDER = Path(__file__).parents[4] / "shared" / "facts" / "calibration"
PROGRAMS = ("hello", "micro", "micro2", "neureka", "gemm")

if not FOLDER.is_dir():
    pytest.skip(f"{FOLDER} is not there", allow_module_level=True)


def run(name: str) -> list[str]:
    sim = Simulator(find_machine("siracusa"))
    sim.load(FOLDER / "elf" / f"{name}.elf")
    assert sim.run(max_cycles=400_000_000) is Outcome.EXITED
    assert sim.exit_code == 0
    return sim.printed.splitlines()


def is_near(ours: int, referee: int) -> bool:
    return abs(ours - referee) <= max(3, 0.02 * referee)


@pytest.mark.parametrize("name", PROGRAMS)
def test_results_are_equal_and_cycles_near_the_referee(name: str):
    lines = (FOLDER / "gvsoc" / f"{name}.txt").read_text().splitlines()
    referee = [line for line in lines if line.strip()]
    ours = [line for line in run(name) if line.strip()]
    assert len(ours) == len(referee)
    compared = 0
    for mine, theirs in zip(ours, referee, strict=True):
        text, figures = split_line(mine)
        expected_text, expected = split_line(theirs)
        assert text == expected_text
        for (figure, value), (_, wanted) in zip(figures, expected, strict=True):
            compared += 1
            tolerance_holds = value == wanted if "RUN=" in figure else is_near(value, wanted)
            assert tolerance_holds, f"{figure}: {value}, the referee has {wanted}"
    assert compared >= 2


def test_the_same_program_takes_the_same_cycles():
    assert run("micro2") == run("micro2")
