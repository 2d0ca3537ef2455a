"""How well plans use near memory: for each network and size of L1, how far from what is possible.

    python benchmarks/fit.py ../shared/models/mlperf_tiny -o benchmarks/results/fit.md

used    bytes of L1, and that over the most bytes that are alive at once in this plan
moved   bytes copied between memories, over what must be: constants, input and output once
cycles  on the clock of the interpreter, over the larger of all kernels and all transfers
gap     by which share of the cycles a faster plan may exist, among those that the planner looks at
s       of one core, for the whole compilation

The machine is the host's emulated hierarchy, with the cores of a cluster: 16 multiply-accumulates
and 8 bytes of DMA per cycle. For machines with one memory, the smallest that was found.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

from tilewright.api import explore_model
from tilewright.errors import CapacityError
from tilewright.ir.plan import Plan
from tilewright.ir.program import Program
from tilewright.ir.target import Target
from tilewright.pipeline import Compilation, Options, compile_model, load_target, with_memory
from tilewright.run.clock import time_program

NETWORKS = ("ad01_int8", "kws01_int8", "ic01_resnet8_int8", "vww96_int8")
SIZES = (8, 16, 32, 64, 128)
MACS_PER_CYCLE = 16
NEAR_SIZES, ONE_SIZES = (4096, 262144), (2048, 65536)
"""Smallest and largest of the memories that curves are drawn over, in bytes."""


def cluster() -> Target:
    """The host with a near memory, and the speed of a small cluster."""
    target = with_memory(load_target("host"), {"L1": 1 << 40})
    engines = tuple(replace(engine, cores=MACS_PER_CYCLE) for engine in target.engines)
    return replace(target, engines=engines)


def compulsory_bytes(program: Program) -> int:
    """What must travel once: constants as kernels want them, inputs and outputs."""
    ends = (*program.inputs, *program.outputs)
    constants = sum(array.nbytes for array in program.constants.values())
    return constants + sum(operand.value.type.nbytes for operand in ends)


def live_bytes(plan: Plan, memory: str) -> int:
    """The most bytes of buffers that are alive at once; shared bytes count twice."""
    return max(
        sum(b.size for b in plan.buffers if b.memory == memory and time in range(
            b.lifetime.start, b.lifetime.stop)) for time in range(len(plan.steps))
    )  # fmt: skip


def compiled(model: Path, target: Target, memory: dict[str, int]) -> tuple[Compilation, float]:
    """A network within memories of given sizes, and the seconds that it took."""
    start = time.process_time()
    made = compile_model(model, target, Options(memory=memory))
    return made, time.process_time() - start


def row_of(model: Path, kib: int) -> str:
    """One line of the table."""
    try:
        made, seconds = compiled(model, cluster(), {"L1": kib * 1024})
    except CapacityError as error:
        needed = str(error).rpartition("--memory L1=")[2].partition(")")[0]
        return f"| {model.stem} | {kib} KiB | needs {int(needed):,} B | | | | | | |"
    proof = made.plan.proof
    gap = "" if proof is None else f"{100 * proof.gap:.2f} %"
    timing, used = time_program(made.program), made.plan.arena_bytes["L1"]
    must = compulsory_bytes(made.program)
    return (
        f"| {model.stem} | {kib} KiB | {used:,} | {used / live_bytes(made.plan, 'L1'):.2f} "
        f"| {timing.moved:,} | {timing.moved / must:.2f} | {timing.cycles:,} "
        f"| {timing.bound / timing.cycles:.3f} | {gap} | {seconds:.1f} |"
    )


def smallest_row(model: Path) -> str:
    """The smallest memory of a machine that has one, and what the whole network takes."""
    whole, _ = compiled(model, load_target("host"), {})
    arena = whole.plan.arena_bytes["ram"]
    try:
        compiled(model, load_target("host"), {"ram": 64})
    except CapacityError as error:
        needed = int(str(error).rpartition("--memory ram=")[2].partition(")")[0])
    else:
        needed = 64
    small, seconds = compiled(model, load_target("host"), {"ram": needed})
    cycles, least = (time_program(c.program).cycles for c in (small, whole))
    return (
        f"| {model.stem} | {arena:,} | {needed:,} | {100 * (cycles / least - 1):.1f} % "
        f"| {seconds:.1f} |"
    )


def curve_rows(model: Path, target: Target, memory: str, sizes: tuple[int, int]) -> list[str]:
    """Cycles by size of one memory, where a larger one is faster."""
    return [
        f"| {model.stem} | {point.size:,} | {point.used:,} | {point.moved:,} | {point.cycles:,} |"
        for point in explore_model(model, memory, sizes, target).best
    ]


def _curve_head(memory: str) -> tuple[str, str]:
    title = f"| network | {memory} [B] | used [B] | moved [B] | cycles |"
    return title, "|---|---:|---:|---:|---:|"


def report(folder: Path) -> str:
    """All tables."""
    host = load_target("host")
    models = [folder / f"{name}.tflite" for name in NETWORKS]
    lines = ["# How well plans use memory", "", "Made by `benchmarks/fit.py`; see there.", ""]
    lines += [
        "## Near and far memory",
        "",
        "| network | L1 | used [B] | used / alive | moved [B] | moved / compulsory | cycles "
        "| bound / cycles | gap | s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(row_of(model, kib) for model in models for kib in SIZES),
        "",
        "Sizes from which a network is faster than in any smaller near memory:",
        "",
        *_curve_head("L1"),
        *(row for model in models for row in curve_rows(model, cluster(), "L1", NEAR_SIZES)),
        "",
        "## One memory",
        "",
        "Everything in one arena: input, output, scratch. Nothing is computed twice.",
        "",
        "| network | whole steps [B] | smallest found [B] | more cycles | s |",
        "|---|---:|---:|---:|---:|",
        *map(smallest_row, models),
        "",
        "Sizes from which a network is faster than in any smaller memory:",
        "",
        *_curve_head("ram"),
        *(row for model in models for row in curve_rows(model, host, "ram", ONE_SIZES)),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, help="where the four .tflite files are")
    parser.add_argument("-o", dest="output", type=Path, help="where to write the tables")
    arguments = parser.parse_args()
    text = report(arguments.folder)
    if arguments.output:
        arguments.output.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
