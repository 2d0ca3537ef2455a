"""Style and types, checked by the tools that pyproject.toml configures."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKED = ("src", "tests", "examples", "benchmarks", "docs")


def run_tool(name: str, *arguments: str) -> None:
    """Fail with the tool's own words. The tool is a development dependency: it must be there."""
    command = shutil.which(name, path=sysconfig.get_path("scripts"))
    assert command, f"{name} is not installed beside {sys.executable}: run scripts/setup dev"
    done = subprocess.run(
        [command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{name} {' '.join(arguments)}\n{done.stdout}{done.stderr}"


def test_ruff_has_nothing_to_say():
    run_tool("ruff", "check", "--no-cache", *CHECKED)


def test_python_is_formatted():
    run_tool("ruff", "format", "--no-cache", "--check", *CHECKED)


def test_types_hold_in_strict_mode():
    run_tool("basedpyright", "--pythonpath", sys.executable)


@pytest.mark.parametrize("forbidden", ["# type: ignore", "# noqa", "pyright: basic"])
def test_no_rule_is_switched_off_wholesale(forbidden):
    found = [p for p in (ROOT / "src").rglob("*.py") if forbidden in p.read_text()]
    assert found == []
