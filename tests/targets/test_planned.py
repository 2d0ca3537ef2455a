"""What plans promise, beside what machines execute: one small network on every machine."""

import shutil
from pathlib import Path

import pytest
from planned import MACHINES, Machine, compare

from tilewright.errors import ToolError
from tilewright.run.callgrind import find_valgrind
from tilewright.run.sim.program import RISCV_GCC
from tilewright.targets.cortex_m.qemu.runner import find_tool

MODEL = Path(__file__).parents[2] / "examples/digits/digits_int8.onnx"
*COUNTED, SIRACUSA = MACHINES
TOOLS = {"arm-none-eabi-gcc", "qemu-system-arm"}


def missing(target: str) -> str | None:
    """Why nothing can be counted here; None if it can."""
    try:
        if target == "siracusa":
            return None if shutil.which(RISCV_GCC.name) else f"{RISCV_GCC.name} is missing"
        if target == "host":
            find_valgrind()
        else:
            for tool in sorted(TOOLS):
                find_tool(tool)
    except ToolError as error:
        return str(error)
    return None


@pytest.mark.parametrize("machine", COUNTED, ids=[machine.target for machine in COUNTED])
def test_plans_promise_what_machines_execute(machine: Machine) -> None:
    """Layers that take no hundredth of the network are too short to be judged alone: on the host,
    what becomes of 32 means depends on how the compiler splits one loop."""
    if reason := missing(machine.target):
        pytest.skip(reason)
    found = compare("digits", MODEL, machine)
    assert abs(found.off) <= machine.most
    long = [layer for layer in found.layers if 100 * layer.counted >= found.counted]
    assert len(long) >= 5
    assert {layer.name: layer.off for layer in long if abs(layer.off) > machine.most_layer} == {}


def test_plans_promise_what_cycles_siracusa_takes() -> None:
    """In all: layers here are shorter than what prepares them, which is at times hidden."""
    if reason := missing(SIRACUSA.target):
        pytest.skip(reason)
    assert abs(compare("digits", MODEL, SIRACUSA).off) <= SIRACUSA.most
