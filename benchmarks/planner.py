"""How long the planner takes, and how much memory: processor time of a process that makes one plan.

    python benchmarks/planner.py ../shared/models/mlperf_tiny -o benchmarks/results/planner.md

Every row is a process of its own on one core: start-up, planning, the plan's check, staging and
printing are counted; the import of a model file is for those rows that name one.

chain N      N convolutions 3x3 of 16 channels over 32x32, alike but for their weights
sum N        N convolutions of which every second adds what came two layers before
mobilenet    MobileNetV2, 224x224, width 1.0, random weights
too large    the same chain of 10, with an input that no memory holds: refused

The machine is the host's emulated hierarchy. Fails where a bound is missed.
"""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from large_networks import chain, mobilenet, sums
from tilewright.backend.print_bundle import print_bundle
from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Plan
from tilewright.ir.target import Target
from tilewright.pipeline import Options, compile_model, load_target, plan_network, with_memory

KIB = 1024


@dataclass(frozen=True, slots=True)
class Case:
    """What is planned. ``bound``: seconds of processor time; ``memory``: bytes."""

    name: str
    bound: float
    memory: dict[str, int]
    network: Callable[[], Graph] | str


CASES = (
    Case("chain 10", 1.5, {"L1": 16 * KIB}, lambda: chain(10)),
    Case("chain 50", 5, {"L1": 16 * KIB}, lambda: chain(50)),
    Case("chain 59", 6, {"L1": 16 * KIB}, lambda: chain(59)),
    Case("chain 61", 6, {"L1": 16 * KIB}, lambda: chain(61)),
    Case("chain 119", 10, {"L1": 16 * KIB}, lambda: chain(119)),
    Case("chain 121", 10, {"L1": 16 * KIB}, lambda: chain(121)),
    Case("chain 400", 25, {"L1": 16 * KIB}, lambda: chain(400)),
    Case("chain 500", 30, {"L1": 16 * KIB}, lambda: chain(500)),
    Case("sum 58", 15, {"L1": 16 * KIB}, lambda: sums(58)),
    Case("sum 62", 15, {"L1": 16 * KIB}, lambda: sums(62)),
    Case("kws01_int8 8 KiB", 3, {"L1": 8 * KIB}, "kws01_int8.tflite"),
    Case("kws01_int8 16 KiB", 3, {"L1": 16 * KIB}, "kws01_int8.tflite"),
    Case("mobilenet", 15, {"L1": 64 * KIB}, mobilenet),
    Case("chain 10 in 600 B", 3, {"L1": 600}, lambda: chain(10)),
    Case("too large near", 1, {"L1": 16 * KIB, "L2": 256 * KIB}, lambda: chain(10, 512)),
    Case("too large alone", 1, {"ram": 64 * KIB}, lambda: chain(10, 512)),
    Case("kws01_int8 in 700 B", 5, {"L1": 700}, "kws01_int8.tflite"),
)


def planned(case: Case, folder: Path) -> tuple[Plan, int]:
    """(plan, bytes of C). Raises CapacityError."""
    target: Target = load_target("host")
    if isinstance(case.network, str):
        made = compile_model(folder / case.network, target, Options(memory=case.memory))
        return made.plan, _size(made.bundle.files)
    target = with_memory(target, case.memory)
    graph, _, plan, program = plan_network(case.network(), target, Options(memory=case.memory))
    return plan, _size(print_bundle(program, plan, graph, "").files)


def _size(files: object) -> int:
    return sum(len(text) for text in dict(files).values())


def outcome(case: Case, folder: Path) -> str:
    """The columns that the plan fills."""
    try:
        plan, size = planned(case, folder)
    except CapacityError as error:
        return f"refused: {str(error).splitlines()[0][:60]} | | |"
    near = next(iter(case.memory))
    cycles, gap = "", ""
    if plan.proof is not None:
        cycles, gap = f"{plan.proof.cycles:,}", f"{100 * plan.proof.gap:.2f} %"
    return f"{cycles} | {gap} | {plan.arena_bytes.get(near, 0):,} | {size:,}"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process used: seconds of processor time, bytes of memory at most."""

    seconds: float
    peak: int


def measured(case: Case, folder: Path) -> tuple[str, Cost]:
    """(the plan's columns, what it cost), by a process of its own."""
    read, write = os.pipe()
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, __file__, str(folder), "--only", case.name],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)],
    )
    os.close(write)
    with os.fdopen(read) as stream:
        text = stream.read()
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{case.name}: the process that plans ended with {status}")
    return text.strip(), Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


HEAD = (
    "# What planning costs",
    "",
    "Made by `benchmarks/planner.py`; see there. Processor time, and what was planned.",
    "",
    "| network | memory [B] | s | at most | peak [MB] | cycles | gap | used [B] | C [B] |",
    "|---|---|---:|---:|---:|---:|---:|---:|---:|",
)


def main() -> None:
    """Make the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, help="where kws01_int8.tflite is")
    parser.add_argument("-o", dest="output", type=Path, help="where to write the table")
    parser.add_argument("--only", help="plan one network and print its columns")
    parser.add_argument("--some", default="", help="rows that begin so")
    arguments = parser.parse_args()
    if arguments.only:
        (case,) = (case for case in CASES if case.name == arguments.only)
        print(outcome(case, arguments.folder))
        return
    lines, missed = [*HEAD], 0
    print(*HEAD, sep="\n")
    for case in CASES:
        if not case.name.startswith(arguments.some):
            continue
        columns, cost = measured(case, arguments.folder)
        missed += cost.seconds > case.bound
        sizes = ", ".join(f"{name} {size:,}" for name, size in case.memory.items())
        lines.append(
            f"| {case.name} | {sizes} | {cost.seconds:.1f} | {case.bound} "
            f"| {cost.peak / 1e6:.0f} | {columns} |"
        )
        print(lines[-1], flush=True)
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
