"""Which module runs programs of which kind of toolchain."""

from tilewright.backend.bundle import Bundle
from tilewright.errors import ToolError
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.run import qemu
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import Batch
from tilewright.run.result import RunResult

RUNNERS = {"host": run_on_host, qemu.KIND: qemu.run_on_qemu}


def run_bundle(
    bundle: Bundle, program: Program, toolchain: Toolchain, batch: Batch, options: HostOptions
) -> RunResult:
    """Build and run ``batch`` where programs of this toolchain run.

    Raises ToolError where nothing here runs them, or what runs them is missing.
    """
    runner = RUNNERS.get(toolchain.kind)
    if runner is None:
        raise ToolError(
            f"no runner for programs of kind {toolchain.kind}; compile and check work, run and "
            f"verify need a target of kind {', '.join(RUNNERS)}"
        )
    return runner(bundle, program, toolchain, batch, options)
