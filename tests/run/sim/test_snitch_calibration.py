"""Calibration of the Snitch cluster: what emulator and hardware printed for the same ELF files.

Text and results must be equal, cycles near. Of figures per core the sorted list is compared: which
of several equal cores goes first is the arbiter's affair.
"""

import re
from pathlib import Path

import pytest

from run.sim.snitch_exceptions import GVSOC, RTL
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Outcome, Simulator

FOLDER = Path(__file__).parents[4] / "shared" / "facts" / "calibration_snitch"
AGAINST_EMULATOR = ("hello", "micro", "ssr_frep", "dma", "barrier", "barrier_nolock", "gemm")
AGAINST_HARDWARE = (
    ("rtl2", "micro"), ("rtl2", "ssr_frep"), ("rtl2", "dma"), ("rtl9", "hello"),
    ("rtl9", "barrier_nolock"),
)  # fmt: skip

if not FOLDER.is_dir():
    pytest.skip(f"{FOLDER} is not there", allow_module_level=True)

_LIST = re.compile(r"^(.*?)((?: +-?\d+){8,})$")
_DERIVED = re.compile(r"(?:per-op x100=|MAC/cycle x100 = )\d+")
_CYCLES = re.compile(
    r"((?:cold|warm)= *|issue |total |in at |, out |(?:queued|out|copy|run \d): |: (?=\d+/)|/"
    r"|cores: (?=\d+ cycles)|(?:plain|packed)[ :]+(?=\d))(\d+)"
)


def split(line: str) -> tuple[str, list[int]]:
    """The line without its cycle counts, and these."""
    text = _DERIVED.sub("", line.rstrip())
    listed = _LIST.match(text)
    if listed:
        return listed[1].rstrip(), sorted(map(int, listed[2].split()))
    figures = [int(match[2]) for match in _CYCLES.finditer(text)]
    return _CYCLES.sub(lambda match: match[1], text), figures


def printed(name: str, timing: str) -> list[str]:
    sim = Simulator(find_machine("snitch", timing))
    sim.load(FOLDER / "elf" / f"{name}.elf")
    assert sim.run(max_cycles=5_000_000) is Outcome.EXITED
    return [line for line in sim.printed.splitlines() if line.strip()]


def expected(folder: str, name: str) -> list[str]:
    lines = (FOLDER / folder / f"{name}.txt").read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("[rtl]")]


def misses(
    ours: list[str], theirs: list[str], relative: float, least: int
) -> list[tuple[str, int]]:
    """Text and position of every figure that is too far away. Everything else must be equal."""
    assert len(ours) == len(theirs)
    found: list[tuple[str, int]] = []
    compared = 0
    for mine, reference in zip(ours, theirs, strict=True):
        text, values = split(mine)
        expected_text, wanted = split(reference)
        assert " ".join(text.split()) == " ".join(expected_text.split())
        assert len(values) == len(wanted)
        compared += len(values)
        for position, (value, target) in enumerate(zip(values, wanted, strict=True)):
            if abs(value - target) > max(least, relative * target):
                found.append((reference, position))
    assert compared >= 10
    return found


def check(
    program: str,
    found: list[tuple[str, int]],
    exceptions: dict[tuple[str, str], tuple[tuple[int, ...] | None, str]],
) -> None:
    """Every miss is excepted by name, and every exception of this program is needed."""
    used: set[str] = set()
    for line, position in found:
        names = [
            start
            for (of, start), (positions, _) in exceptions.items()
            if of == program
            and line.startswith(start)
            and (positions is None or position in positions)
        ]
        assert names, f"{program}: figure {position} of '{line}' is not near"
        used.update(names)
    assert used == {start for of, start in exceptions if of == program}


@pytest.mark.parametrize("name", AGAINST_EMULATOR)
def test_the_gvsoc_times_are_within_2_percent_or_3_cycles_of_the_emulator(name: str):
    check(name, misses(printed(name, "gvsoc"), expected("gvsoc", name), 0.02, 3), GVSOC)


@pytest.mark.parametrize(("folder", "name"), AGAINST_HARDWARE)
def test_the_rtl_times_are_within_5_percent_or_4_cycles_of_the_hardware(folder: str, name: str):
    check(name, misses(printed(name, "rtl"), expected(folder, name), 0.05, 4), RTL)


def test_the_rtl_times_give_the_throughput_of_the_hardware_in_a_matrix_product():
    # The hardware ran a quarter of the columns: products per cycle are compared, not cycles.
    def rates(lines: list[str]) -> list[int]:
        return [int(m[1]) for line in lines if (m := re.search(r"x100 = (\d+)", line))]

    ours = rates(printed("gemm", "rtl"))
    theirs = rates(expected("rtl9", "gemm_64x16x64"))
    assert len(ours) == 2
    assert all(abs(a - b) <= 0.05 * b for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("timing", ["gvsoc", "rtl"])
def test_the_same_program_takes_the_same_cycles(timing: str):
    assert printed("barrier_nolock", timing) == printed("barrier_nolock", timing)
