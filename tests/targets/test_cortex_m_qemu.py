"""Building for boards, running under QEMU: outputs, layers, sizes, stack, faults, refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bare_metal import RUN_ON, a_batch, digits_for, needs_board, ran
from digits import MODEL as DIGITS
from evaluate import evaluate_graph
from tilewright import api
from tilewright.errors import MismatchError, OptionError, ToolError
from tilewright.ir.target import Target
from tilewright.run.host import HostOptions
from tilewright.run.runners import run_bundle


@needs_board
@pytest.mark.parametrize("target", RUN_ON)
def test_every_board_computes_what_the_definitions_say_twice(target: str) -> None:
    graph, batch, result = digits_for(target).graph, a_batch(3), ran(target)
    (output,) = graph.outputs
    for index in range(3):
        wanted = evaluate_graph(graph, dict(batch.one(index)))[output]
        assert np.array_equal(result.outputs[output][index], wanted)
    assert (result.runs, result.runs_identical) == (2, True)


@needs_board
def test_every_layer_can_be_looked_at() -> None:
    compiled, result = digits_for("cortex-m4"), ran("cortex-m4", observes=True)
    for index in range(3):
        wanted = evaluate_graph(compiled.graph, dict(a_batch(3).one(index)))
        for call, raw in zip(compiled.program.calls, result.layers[index], strict=True):
            assert raw == wanted[call.output.value.name].tobytes(), call.node.name


@needs_board
def test_counts_repeat_and_add_up() -> None:
    count = ran("cortex-m4").count
    assert count is not None
    assert ran("cortex-m4", repeat=3).count == count
    assert 0 < count.total - sum(count.layers) < 100, "what runs before the first layer"
    assert [sum(functions.values()) for functions in count.functions] == list(count.layers)
    executed = sum(sum(mix.values()) for mix in count.mixes.values())
    assert executed == count.total
    assert "?" not in {mnemonic for mix in count.mixes.values() for mnemonic in mix}


@needs_board
@pytest.mark.parametrize("target", RUN_ON)
def test_flash_and_ram_of_the_firmware_are_what_check_says(target: str) -> None:
    compiled, linked = digits_for(target), ran(target).linked
    assert linked is not None
    assert linked.constants == compiled.bundle.symbols
    assert linked.writable == 0
    assert 0 < linked.startup < 2000
    report = api.run_model(DIGITS, target, inputs={"image": a_batch(1).arrays["image"][0]})
    checked = {m.name: m.parts for m in api.check_model(DIGITS, target).memories}
    for memory in report.memories:
        planned = checked[memory.name]
        assert {part: memory.parts[part] for part in planned} == planned


@needs_board
def test_the_stack_is_measured() -> None:
    stack = ran("cortex-m4").stack
    assert stack is not None
    assert 100 < stack < 2048


@needs_board
def test_a_fault_is_told_and_not_waited_for() -> None:
    compiled = digits_for("cortex-m4")
    name = f"{compiled.bundle.name}.c"
    broken = compiled.bundle.files[name].replace("  return TW_OK;", "  __builtin_trap();")
    bundle = replace(compiled.bundle, files={**compiled.bundle.files, name: broken})
    toolchain = compiled.target.toolchain
    with pytest.raises(MismatchError, match="took a fault"):
        run_bundle(bundle, compiled.program, toolchain, a_batch(1), HostOptions())


def test_sanitizers_are_refused() -> None:
    compiled = digits_for("cortex-m4")
    options = HostOptions(sanitizes=True)
    with pytest.raises(OptionError, match="need an operating system"):
        run_bundle(
            compiled.bundle, compiled.program, compiled.target.toolchain, a_batch(1), options
        )


def test_missing_tools_are_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get install gcc-arm-none-eabi") as caught:
        api.run_model(DIGITS, "cortex-m4")
    assert caught.value.exit_code == 3
    (tmp_path / "arm-none-eabi-gcc").write_text("#!/bin/sh\n")
    (tmp_path / "arm-none-eabi-gcc").chmod(0o755)
    with pytest.raises(ToolError, match="apt-get install qemu-system-arm"):
        api.run_model(DIGITS, "cortex-m4")


@needs_board
def test_the_arena_lies_in_the_ram_that_the_user_names() -> None:
    image = {"image": a_batch(1).arrays["image"][0]}
    fast = api.run_model(DIGITS, "cortex-m55", inputs=image)
    named = api.run_model(DIGITS, "cortex-m55", api.Options(memory={"sram": 65536}), inputs=image)
    by_name = {memory.name: memory.parts for memory in named.memories}
    assert set(by_name["dtcm"]) == {"stack"}
    assert "arena" in by_name["sram"]
    assert {m.name for m in fast.memories} == {"dtcm", "flash"}
    for name, output in fast.outputs.items():
        assert np.array_equal(named.outputs[name], output)


def test_a_toolchain_that_nobody_runs_is_refused() -> None:
    compiled = digits_for("cortex-m4")
    unknown = replace(compiled.target.toolchain, kind="abacus", run=None)
    target: Target = replace(compiled.target, toolchain=unknown)
    with pytest.raises(ToolError, match="kind abacus"):
        api.run_model(DIGITS, target)
