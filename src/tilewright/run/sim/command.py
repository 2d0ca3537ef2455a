"""``tilewright sim``: run a program on a simulated machine."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilewright.run.sim.elf_image import Image
    from tilewright.run.sim.machine import Machine
    from tilewright.run.sim.simulator import Counters, Outcome, Simulator

_STOPPED = 2  # exit code where the program did not end by itself: what is run is at fault
_GUARD_BYTES = 16
_SOURCES = (".c", ".S")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command. Imports nothing heavy: --help stays fast."""
    parser.add_argument(
        "program", type=Path, nargs="+", metavar="PROGRAM",
        help="an ELF file for 32-bit RISC-V; or C files, built with the runtime that ships here",
    )  # fmt: skip
    parser.add_argument(
        "--machine", default="siracusa", metavar="NAME",
        help="siracusa, snitch, snitch-ita, snitch-ita-shift5, rv32imac or rv32imfc "
        "(default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--timing", metavar="NAME",
        help="gvsoc: as its model (default for siracusa); silicon: corrected where that is known "
        "to differ; rtl: as the hardware (snitch machines only, and their default)",
    )  # fmt: skip
    parser.add_argument("--max-cycles", type=int, metavar="N", help="stop at this cluster cycle")
    parser.add_argument("--trace", action="store_true", help="print each instruction on stderr")
    parser.add_argument(
        "--trace-to", type=Path, metavar="FILE", help="write each instruction to a file"
    )
    parser.add_argument("--profile", action="store_true", help="cycles by function and core")
    parser.add_argument("--timeline", type=Path, metavar="FILE", help="write Perfetto trace JSON")
    parser.add_argument(
        "--check", action="append", default=[], metavar="WHAT",
        choices=("uninitialised", "dma"),
        help="uninitialised: stop at reads of memory nobody wrote; dma: at accesses of a core to "
        "the buffer of a transfer in flight; may be repeated",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Simulated:
    """How a run on a simulated machine ended.

    outcome    exited, faulted, deadlocked, limit or breakpoint
    exit_code  of the program; 2 where it did not end by itself
    printed    what the program wrote to its console
    reason     what stopped it, in words; empty where it exited
    cores      counters of every core that executed something, by its index
    """

    outcome: str
    exit_code: int
    printed: str
    reason: str
    cores: "dict[int, Counters]"

    def json(self) -> dict[str, object]:
        """The machine form."""
        cores = [
            {
                "core": index, "cycles": counters.cycles, "instructions": counters.instructions,
                "lost": counters.lost,
            }
            for index, counters in self.cores.items()
        ]  # fmt: skip
        return {
            "outcome": self.outcome, "exit_code": self.exit_code, "printed": self.printed,
            "reason": self.reason, "cores": cores,
        }  # fmt: skip


def simulate(
    program: Path | list[Path],
    machine: str = "siracusa",
    timing: str | None = None,
    max_cycles: int | None = None,
) -> Simulated:
    """Run an ELF file, or C files with the runtime that ships here, to its end.

    Raises ModelError, OptionError, ToolError, SimulationError.
    """
    sim = _machine(machine, timing, shows_output=False)
    image = _load(sim, [program] if isinstance(program, Path) else program)
    guard_stacks(sim, image)
    return _ended(sim, sim.run(max_cycles=max_cycles))


def execute(args: argparse.Namespace) -> int:
    """Run the program; what it prints goes to stdout, everything else to stderr.

    Returns the program's exit code, or 2 where it did not end by itself.
    Raises ModelError, OptionError, ToolError, SimulationError.
    """
    from tilewright.run.sim.timeline import write_timeline

    wants_json = bool(getattr(args, "json", False))
    sim = _machine(args.machine, args.timing, shows_output=not wants_json)
    sim.check(uninitialised="uninitialised" in args.check, dma="dma" in args.check)
    image = _load(sim, args.program)
    guard_stacks(sim, image)
    if args.trace or args.trace_to is not None:
        sim.trace_to(args.trace_to or Path("-"))
    if args.timeline is not None:
        sim.record_timeline()
    table = _profiled(sim, image) if args.profile else None
    ended = _ended(sim, sim.run(max_cycles=args.max_cycles))
    if args.timeline is not None:
        write_timeline(sim, args.timeline)
    if table is not None:
        _to_stderr(table())
    if wants_json:
        _to_stdout(json.dumps(ended.json()) + "\n")
    elif ended.reason:
        _to_stderr(ended.reason)
    return ended.exit_code


def _machine(machine: str, timing: str | None, *, shows_output: bool) -> "Simulator":
    from tilewright.run.sim.machines import find_machine
    from tilewright.run.sim.simulator import Simulator

    return Simulator(find_machine(machine, timing), _to_stdout if shows_output else None)


def _load(sim: "Simulator", files: list[Path]) -> "Image":
    from tilewright.run.sim.elf_image import read_image

    with _built(files, sim.machine) as program:
        image = read_image(program)
    sim.load(image)
    return image


def _ended(sim: "Simulator", outcome: "Outcome") -> Simulated:
    from tilewright.run.sim.faults import explain
    from tilewright.run.sim.simulator import Outcome

    cores = {index: sim.counters(index) for index in range(len(sim.machine.cores))}
    return Simulated(
        outcome.name.lower(),
        sim.exit_code if outcome is Outcome.EXITED else _STOPPED,
        sim.printed,
        explain(sim, outcome),
        {index: counters for index, counters in cores.items() if counters.instructions},
    )


@contextmanager
def _built(files: list[Path], machine: "Machine") -> Generator[Path]:
    """The ELF file; C files are built first."""
    from tilewright.errors import OptionError
    from tilewright.run.sim.program import build_program, runtime_of

    if all(path.suffix in _SOURCES for path in files):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "program.elf"
            build_program(files, program, runtime=runtime_of(machine))
            yield program
    elif len(files) == 1:
        yield files[0]
    else:
        raise OptionError("sim: several programs; give one ELF file, or C files only")


def _profiled(sim: "Simulator", image: "Image") -> Callable[[], str]:
    from tilewright.run.sim.profile import map_functions, profile_table, read_profile

    functions = map_functions(image, sim.machine)
    sim.start_profile(functions)
    return lambda: profile_table(read_profile(sim, functions))


def guard_stacks(sim: "Simulator", image: "Image") -> None:
    """Guard the lowest bytes of each stack that the program's symbols describe.

    __cluster_stacks_end and __cluster_stack_size: core i's stack is the i-th from the end; and
    __fc_stack_start for the fabric controller. (The linker script of runtime/ defines them.)
    """
    end = image.symbols.get("__cluster_stacks_end")
    size = image.symbols.get("__cluster_stack_size")
    fabric = image.symbols.get("__fc_stack_start")
    for index, core in enumerate(sim.machine.cores):
        if core.is_snitch and end is not None and size is not None:
            sim.guard(index, end - (index + 1) * size, _GUARD_BYTES)
        elif core.starts and fabric is not None:
            sim.guard(index, fabric, _GUARD_BYTES)
        elif not core.starts and end is not None and size is not None:
            sim.guard(index, end - (index + 1) * size, _GUARD_BYTES)


def _to_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _to_stderr(text: str) -> None:
    sys.stderr.write(text + "\n")
