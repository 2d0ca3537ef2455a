"""What plans promise, beside what machines execute: one small network on every machine."""

from pathlib import Path

import pytest
from planned import MOST_OFF, MOST_OFF_LAYER, compare

from tilewright.errors import ToolError
from tilewright.run.callgrind import find_valgrind
from tilewright.targets.cortex_m.qemu.runner import find_tool

MODEL = Path(__file__).parents[2] / "examples/digits/digits_int8.onnx"
TOOLS = {"arm-none-eabi-gcc", "qemu-system-arm"}


def missing(target: str) -> str | None:
    """Why nothing can be counted here; None if it can."""
    try:
        if target == "host":
            find_valgrind()
        else:
            for tool in sorted(TOOLS):
                find_tool(tool)
    except ToolError as error:
        return str(error)
    return None


@pytest.mark.parametrize("target", ["host", "cortex-m4", "cortex-m55"])
def test_plans_promise_what_machines_execute(target: str) -> None:
    """Layers that take no hundredth of the network are too short to be judged alone: on the host,
    what becomes of 32 means depends on how the compiler splits one loop."""
    if reason := missing(target):
        pytest.skip(reason)
    found = compare("digits", MODEL, target)
    assert abs(found.off) <= MOST_OFF
    long = [layer for layer in found.layers if 100 * layer.counted >= found.counted]
    assert len(long) >= 5
    assert {layer.name: layer.off for layer in long if abs(layer.off) > MOST_OFF_LAYER} == {}
