"""Runs a bundle where programs of its target run: with the runner that the target brings."""

from typing import Protocol

from tilewright.backend.bundle import Bundle
from tilewright.errors import ToolError
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.result import RunResult


class Runner(Protocol):
    """What ``Toolchain.run`` is, for a target whose programs can be run."""

    def __call__(
        self,
        bundle: Bundle,
        program: Program,
        toolchain: Toolchain,
        batch: Batch,
        options: HostOptions,
        /,
    ) -> RunResult:
        """Build in a folder of its own and run ``batch``. Raises ToolError where a tool is missing
        or fails, MismatchError where the program itself fails."""
        ...


def run_bundle(
    bundle: Bundle, program: Program, toolchain: Toolchain, batch: Batch, options: HostOptions
) -> RunResult:
    """Build and run ``batch`` where programs of this toolchain run.

    Raises ToolError where nothing runs them, or what runs them is missing.
    """
    if toolchain.run is None:
        raise ToolError(
            f"no runner for programs of kind {toolchain.kind}: the target brings none; compile and "
            "check work, run and verify need a target whose toolchain has one"
        )
    result = toolchain.run(bundle, program, toolchain, batch, options)
    assert isinstance(result, RunResult), f"the runner of {toolchain.kind} returns no RunResult"
    return result
