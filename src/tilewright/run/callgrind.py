"""Counts instructions with valgrind's callgrind: one inference, and each layer of it.

Source: the Callgrind format specification of the Valgrind manual (name compression, calls lines).
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tilewright.errors import ToolError
from tilewright.run.result import Count

COUNTED = "harness_counted"
"""The function of harness/main.c that runs the one inference to count."""

_NAME = re.compile(r"^(c?fn)=\((\d+)\)(?: (.*))?$")
_COST = re.compile(r"^[+\-*\d]\S* (\d+)")


def find_valgrind() -> str:
    """The path of valgrind. Raises ToolError where it is missing."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise ToolError(
            "counting instructions needs valgrind, which is not installed; install it (Debian and "
            "Ubuntu: apt-get install valgrind) or leave --count out"
        )
    return valgrind


def count_instructions(
    command: Sequence[str], folder: Path, run: str, layers: Sequence[str]
) -> Count:
    """Run ``command`` under callgrind.

    run     the function whose inclusive cost is the total: tw_NAME_run
    layers  the layers' functions, in issue order
    Raises ToolError where valgrind is missing or fails.
    """
    profile = folder / "callgrind.out"
    call = [
        find_valgrind(), "--tool=callgrind", f"--callgrind-out-file={profile}",
        "--collect-atstart=no",
        f"--toggle-collect={COUNTED}", *command,
    ]  # fmt: skip
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not profile.is_file():
        raise ToolError(
            f"valgrind did not finish (exit code {done.returncode})\n"
            f"  called   {shlex.join(call)}\n"
            f"{done.stderr.strip()}\n  try      leave --count out"
        )
    costs = inclusive_costs(profile.read_text(encoding="utf-8", errors="replace"))
    return Count("instructions", costs.get(run, 0), tuple(costs.get(name, 0) for name in layers))


def inclusive_costs(profile: str) -> dict[str, int]:
    """Function → cost of itself and everything that it called; correct without recursion.

    Suffixes that compilers give to clones (``.constprop.0``) are dropped.
    """
    names: dict[str, str] = {}
    costs: dict[str, int] = {}
    current = ""
    for line in profile.splitlines():
        if match := _NAME.match(line):
            kind, number, name = match.groups()
            if name is not None:
                names[number] = name.split("'")[0].partition(".")[0]
            if kind == "fn":
                current = names[number]
        elif current and (match := _COST.match(line)):
            costs[current] = costs.get(current, 0) + int(match.group(1))
    return costs
