"""Writes the cost tables of kernel packs: what calls cost, fitted to counted instructions.

Draws calls of each kernel (draws.py), counts each with the machine's own counter (QEMU's plugin on
Cortex-M, callgrind on the host), and fits one coefficient per term of the kernel's binding. Writes
src/tilewright/targets/packs/PACK/costs/MACHINE.toml: the same text for the same tools.

    benchmarks/calibrate.py                            all packs on all machines
    benchmarks/calibrate.py arm_dsp cortex-m4          one pack on one machine
    benchmarks/calibrate.py portable host conv2d_s8    kernels whose names have this in them
    ... --verbose                                      the calls that fit worst, too
"""

import argparse
import subprocess
import tomllib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from chosen import Call, Draw
from counted import count
from draws import CALLS
from fitted import fit

from tilewright.ir.costs import CALL
from tilewright.ir.target import Kernel
from tilewright.pipeline import load_target
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP
from tilewright.targets.packs.helium.pack import HELIUM
from tilewright.targets.packs.portable.kernels.contract_variants import ROUNDINGS
from tilewright.targets.packs.portable.pack import PORTABLE

ROOT = Path(__file__).parents[1]
PACKS = ROOT / "src/tilewright/targets/packs"

TABLES = (
    ("portable", PORTABLE, "host"),
    ("portable", PORTABLE, "cortex-m4"),
    ("portable", PORTABLE, "cortex-m55"),
    ("arm_dsp", ARM_DSP, "cortex-m4"),
    ("helium", HELIUM, "cortex-m55"),
)
"""Pack, its kernels, and a machine that calls them; M7 and M33 execute what the M4 does."""

CALLS_EACH = 24
"""Drawn calls per kernel, and for every term a few more."""
PER_TERM = 3
AT_ONCE = 50
"""Calls in one program, if there is room for their inputs and outputs."""
ROOM = 120_000
"""Bytes of those: boards hold them twice."""
MOST_DRAWS = 6000
HEADER = """\
# Written by benchmarks/calibrate.py with {tool}: run it again instead of editing.
# Executed instructions of a call are the sum of these, times how many of each it has; the terms
# are those of the bindings. error: of the drawn calls' relative errors, the median and the worst.

unit = "instructions"
"""


@dataclass(frozen=True, slots=True)
class Fit:
    """One kernel's line of a table. ``errors``: relative, of every drawn call."""

    kernel: Kernel
    names: tuple[str, ...]
    factors: tuple[float, ...]
    errors: tuple[float, ...]
    calls: tuple[Call, ...]

    def text(self) -> str:
        """TOML."""
        cost = ", ".join(f"{n} = {f:.10g}" for n, f in zip(self.names, self.factors, strict=True))
        sizes = np.abs(self.errors)
        error = f"{{ median = {np.median(sizes):.3f}, worst = {sizes.max():.3f} }}"
        head = f"[kernels.{self.kernel.symbol}]"
        return f"{head}\ncost = {{ {cost} }}\nerror = {error}\ncalls = {len(self.errors)}\n"


def drawn(kernel: Kernel) -> list[Call]:
    """Calls that the kernel computes, always the same ones. No two are alike: compilers would make
    one function of both, and counters could not tell them apart."""
    assert kernel.terms is not None
    seen: set[str] = set()
    wanted = CALLS_EACH + PER_TERM * len(kernel.terms.names)
    draw = Draw(zlib.crc32(kernel.symbol.encode()))
    found: list[Call] = []
    for _, rounding in zip(range(MOST_DRAWS), cycle(ROUNDINGS), strict=False):
        call = CALLS[kernel.op](draw, rounding)
        if kernel.objection(call.op, call.signature) is not None:
            continue
        work = kernel.fields(call.op, call.signature), kernel.items(call.op, call.signature)
        if str(work) not in seen:
            seen.add(str(work))
            found.append(call)
            if len(found) == wanted:
                break
    return found


def programs(calls: Sequence[Call]) -> Iterator[list[Call]]:
    """The calls, so many at a time as a board holds."""
    some: list[Call] = []
    taken = 0
    for call in calls:
        inputs = call.signature.inputs[: call.varying]
        size = call.signature.output.nbytes + sum(t.nbytes for t in inputs)
        if some and (len(some) == AT_ONCE or taken + size > ROOM):
            yield some
            some, taken = [], 0
        some.append(call)
        taken += size
    yield some


def calibrate(kernel: Kernel, machine: str) -> Fit:
    """Draw, count, fit."""
    assert kernel.terms is not None
    calls = drawn(kernel)
    target = load_target(machine)
    counts = [number for some in programs(calls) for number in count(kernel, target, some)]
    terms = np.array([(1, *kernel.terms.count(c.op, c.signature)) for c in calls], np.float64)
    factors = fit(terms, np.array(counts, np.float64))
    errors = terms @ factors / np.array(counts) - 1
    names = (CALL, *kernel.terms.names)
    return Fit(kernel, names, tuple(factors.tolist()), tuple(errors.tolist()), tuple(calls))


def tools(machine: str) -> str:
    """What counted."""
    named = ("gcc", "valgrind") if machine == "host" else ("arm-none-eabi-gcc", "qemu-system-arm")
    said = (
        subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
        for tool in named
    )
    return " and ".join(text.partition("\n")[0] for text in said)


def write(path: Path, machine: str, fits: Iterable[Fit], kept: Sequence[str]) -> None:
    """The table; kernels that were not calibrated now keep their text."""
    blocks = {f"[kernels.{f.kernel.symbol}]": f.text() for f in fits}
    if kept and path.is_file():
        _, *old = path.read_text(encoding="utf-8").split("\n[kernels.")
        for block in old:
            head = f"[kernels.{block.partition(chr(10))[0]}"
            if head[len("[kernels.") : -1] in kept:
                blocks.setdefault(head, f"[kernels.{block.strip()}\n")
    text = HEADER.format(tool=tools(machine)) + "".join(f"\n{blocks[h]}" for h in sorted(blocks))
    tomllib.loads(text)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def say(fit_: Fit, *, is_verbose: bool) -> None:
    """One line, and what fits worst."""
    sizes = np.abs(fit_.errors)
    print(
        f"{fit_.kernel.symbol:38} {len(sizes):3} calls, error {np.median(sizes):6.1%} median, "
        f"{np.quantile(sizes, 0.9):6.1%} of nine in ten, {sizes.max():6.1%} worst", flush=True,
    )  # fmt: skip
    if is_verbose:
        print("   ", ", ".join(f"{n} {f:g}" for n, f in zip(fit_.names, fit_.factors, strict=True)))
        for index in np.argsort(-sizes)[:4]:
            call = fit_.calls[index]
            types = ", ".join(map(str, call.signature.inputs[:2]))
            print(f"    {fit_.errors[index]:+.0%} {call.op} on {types}")


def main() -> None:
    """Calibrate what the words name."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pack", nargs="?", default="", help="name of a pack; all if left out")
    parser.add_argument("machine", nargs="?", default="", help="name of a target")
    parser.add_argument("kernel", nargs="?", default="", help="part of a kernel's name")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what fits worst")
    wish = parser.parse_args()
    for pack, kernels, machine in TABLES:
        if wish.pack not in ("", pack) or wish.machine not in ("", machine):
            continue
        print(f"{pack} on {machine}")
        chosen = [k for k in kernels if wish.kernel in k.symbol and k.terms is not None]
        fits: list[Fit] = []
        for kernel in chosen:
            fits.append(calibrate(kernel, machine))
            say(fits[-1], is_verbose=wish.verbose)
        kept = [kernel.symbol for kernel in kernels] if wish.kernel else []
        write(PACKS / pack / "costs" / f"{machine}.toml", machine, fits, kept)


if __name__ == "__main__":
    main()
