"""What tests of emulated boards share: which tools they need, one network on each target."""

import shutil
from functools import cache

import pytest

from digits import MODEL, compiled_digits, some_digits
from tilewright.pipeline import Compilation, Options, compile_model, load_target
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch, match_inputs
from tilewright.run.result import RunResult
from tilewright.run.runners import run_bundle

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm", "make")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
needs_board = pytest.mark.skipif(
    bool(MISSING),
    reason=f"no {', '.join(MISSING)}: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi "
    "qemu-system-arm make",
)
BOARDS = ("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
RUN_ON = (
    "cortex-m4",
    "cortex-m55",
    pytest.param("cortex-m7", marks=pytest.mark.slow),
    pytest.param("cortex-m33", marks=pytest.mark.slow),
)
"""For tests that build and run: two of them where time is short."""


@cache
def digits_for(target: str) -> Compilation:
    """The digits network for one target."""
    return compile_model(MODEL, load_target(target), Options())


def a_batch(inferences: int) -> Batch:
    return match_inputs(compiled_digits().graph, {"image": some_digits(inferences)})


@cache
def ran(target: str, *, observes: bool = False, repeat: int = 2) -> RunResult:
    """Three inferences of the digits network on an emulated board."""
    compiled = digits_for(target)
    options = HostOptions(repeat=repeat, observes=observes)
    toolchain = compiled.target.toolchain
    return run_bundle(compiled.bundle, compiled.program, toolchain, a_batch(3), options)
