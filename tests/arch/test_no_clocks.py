"""Tests count work; what takes how long is measured in benchmarks/.

A test that reads a clock fails on a machine that is busy. `tests/work.py` counts calls and the
solver's deterministic time instead. Time limits of subprocesses are no measurement: they end what
hangs.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parents[1]
CLOCKS = frozenset({"time", "timeit", "datetime", "resource", "sched"})
READINGS = frozenset({
    "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "monotonic",
    "monotonic_ns", "thread_time", "time_ns", "getrusage", "sleep", "times",
})  # fmt: skip


def clocks(source: str) -> Iterator[str]:
    """What reads a clock, with its line."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] in CLOCKS]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in CLOCKS:
            names = [node.module or ""]
        elif isinstance(node, ast.Attribute) and node.attr in READINGS:
            names = [node.attr]
        yield from (f"line {node.lineno}: {name}" for name in names)


def test_no_test_reads_a_clock():
    found = {
        str(path.relative_to(TESTS)): said
        for path in TESTS.rglob("*.py")
        if (said := list(clocks(path.read_text())))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import process_time",
        "import timeit as t",
        "import os\nos.times()",
        "from datetime import datetime",
        "def f():\n    import resource",
    ],
)
def test_clocks_are_noticed(source: str):
    assert list(clocks(source))


def test_drawn_cases_have_no_deadline():
    assert settings().deadline is None
    assert settings().derandomize
