"""``tilewright sim``: run a program on a simulated machine."""

import argparse
import sys
from pathlib import Path

from tilewright.run.sim.elf_image import Image, read_image
from tilewright.run.sim.faults import explain
from tilewright.run.sim.machines import MACHINES, find_machine
from tilewright.run.sim.profile import map_functions, profile_table, read_profile
from tilewright.run.sim.simulator import Outcome, Simulator
from tilewright.run.sim.timeline import write_timeline

_STOPPED = 70  # exit code where the program did not end by itself (EX_SOFTWARE)
_GUARD_BYTES = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("program", type=Path, help="ELF file for 32-bit RISC-V")
    parser.add_argument("--machine", default="siracusa", choices=sorted(MACHINES))
    parser.add_argument(
        "--timing", default="gvsoc", choices=("gvsoc", "silicon"),
        help="follow GVSoC's model, or silicon where it is known to differ",
    )  # fmt: skip
    parser.add_argument("--max-cycles", type=int, metavar="N", help="stop at this cluster cycle")
    parser.add_argument(
        "--trace", nargs="?", const=Path("trace.txt"), type=Path, metavar="FILE",
        help="write a line per instruction (default: trace.txt)",
    )  # fmt: skip
    parser.add_argument("--profile", action="store_true", help="cycles by function and core")
    parser.add_argument("--timeline", type=Path, metavar="FILE", help="Perfetto trace JSON")
    parser.add_argument(
        "--check", action="append", default=[], choices=("uninitialised", "dma"),
        help="stop at reads of memory nobody wrote; at CPU accesses to a DMA transfer's buffer",
    )  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Run the program; its output goes to stdout, everything else to stderr.

    Returns the program's exit code, or 70 where it did not end by itself.
    Raises ModelError, OptionError, ToolError.
    """
    image = read_image(args.program)
    sim = Simulator(find_machine(args.machine, args.timing), _to_stdout)
    sim.check(uninitialised="uninitialised" in args.check, dma="dma" in args.check)
    sim.load(image)
    guard_stacks(sim, image)
    if args.trace is not None:
        sim.trace_to(args.trace)
    functions = map_functions(image, sim.machine)
    if args.profile:
        sim.start_profile(functions)
    if args.timeline is not None:
        sim.record_timeline()
    outcome = sim.run(max_cycles=args.max_cycles)
    if args.timeline is not None:
        write_timeline(sim, args.timeline)
    if args.profile:
        _to_stderr(profile_table(read_profile(sim, functions)))
    if outcome is Outcome.EXITED:
        return sim.exit_code
    _to_stderr(explain(sim, outcome))
    return _STOPPED


def guard_stacks(sim: Simulator, image: Image) -> None:
    """Guard the lowest bytes of each stack that the program's symbols describe.

    __cluster_stacks_end and __cluster_stack_size: core i's stack ends i sizes below; and
    __fc_stack_start for the fabric controller. (The linker script of runtime/ defines them.)
    """
    end = image.symbols.get("__cluster_stacks_end")
    size = image.symbols.get("__cluster_stack_size")
    fabric = image.symbols.get("__fc_stack_start")
    for index, core in enumerate(sim.machine.cores):
        if core.starts and fabric is not None:
            sim.guard(index, fabric, _GUARD_BYTES)
        elif not core.starts and end is not None and size is not None:
            sim.guard(index, end - (index + 1) * size, _GUARD_BYTES)


def _to_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _to_stderr(text: str) -> None:
    sys.stderr.write(text + "\n")


def main() -> int:
    """``python -m tilewright.run.sim.command``."""
    parser = argparse.ArgumentParser(prog="tilewright sim", description=__doc__)
    add_arguments(parser)
    return execute(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
