"""Runs the gadget's programs: on the machine that compiles, with the gadget's emulated engines."""

from dataclasses import replace

from tilewright.backend.bundle import Bundle
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import Batch
from tilewright.run.result import RunResult


def run_on_gadget(
    bundle: Bundle, program: Program, toolchain: Toolchain, batch: Batch, options: HostOptions
) -> RunResult:
    """As on the host; the log says who ran it."""
    result = run_on_host(bundle, program, toolchain, batch, options)
    return replace(result, log=f"{result.log}gadget: {batch.inferences} inferences\n")
