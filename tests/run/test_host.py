"""Building and running on this machine: outputs, layers, sizes, stack, counts, refusals."""

import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from digits import compiled_digits, some_digits
from evaluate import evaluate_graph
from tilewright.errors import MismatchError, ToolError
from tilewright.run import compiler
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import Batch, match_inputs
from tilewright.run.result import RunResult

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, compiler.CANDIDATES)), reason="no C compiler: apt-get install gcc"
)


def a_batch(inferences: int) -> Batch:
    return match_inputs(compiled_digits().graph, {"image": some_digits(inferences)})


def run(inferences: int, options: HostOptions) -> RunResult:
    compiled = compiled_digits()
    toolchain = compiled.target.toolchain
    return run_on_host(compiled.bundle, compiled.program, toolchain, a_batch(inferences), options)


@cache
def measured(inferences: int) -> RunResult:
    return run(inferences, HostOptions(repeat=3, counts=bool(shutil.which("valgrind"))))


@needs_compiler
def test_a_batch_runs_as_the_definitions_say_in_the_arena_and_outside_of_it() -> None:
    compiled, batch = compiled_digits(), a_batch(5)
    (output,) = compiled.graph.outputs
    for index in range(5):
        wanted = evaluate_graph(compiled.graph, dict(batch.one(index)))[output]
        assert np.array_equal(measured(5).outputs[output][index], wanted)
    assert measured(5).runs == 3
    assert measured(5).runs_identical


@needs_compiler
def test_the_linker_agrees_with_the_plan_about_every_constant() -> None:
    compiled, linked = compiled_digits(), measured(5).linked
    if linked is None:
        pytest.skip("this system's programs are no ELF files")
    assert linked.constants == compiled.bundle.symbols
    assert sum(linked.constants.values()) == sum(
        array.nbytes for array in compiled.program.constants.values()
    )
    assert linked.writable == 0
    assert linked.code > 0


@needs_compiler
def test_the_stack_is_measured_and_is_the_same_every_time() -> None:
    stack = measured(5).stack
    if stack is None:
        pytest.skip("the stack is measured on Linux only")
    assert stack == measured(1).stack
    assert 0 < stack < 65_536


@needs_compiler
def test_layers_are_observed_under_sanitizers() -> None:
    compiled, batch = compiled_digits(), a_batch(2)
    result = run(2, HostOptions(observes=True, sanitizes=True))
    assert len(result.layers) == 2
    for index, layers in enumerate(result.layers):
        wanted = evaluate_graph(compiled.graph, dict(batch.one(index)))
        for call, raw in zip(compiled.program.observed, layers, strict=True):
            assert raw == wanted[call.output.value.name].tobytes()
    assert result.linked is None


@needs_compiler
def test_a_write_behind_the_arena_is_found_by_the_sanitizer() -> None:
    compiled = compiled_digits()
    name = compiled.bundle.name
    size = sum(compiled.program.arena_bytes.values())
    shrunk = compiled.bundle.files[f"{name}.h"].replace(
        f"_ARENA_BYTES = {size}", f"_ARENA_BYTES = {size - 16}"
    )
    bundle = replace(compiled.bundle, files={**compiled.bundle.files, f"{name}.h": shrunk})
    with pytest.raises(MismatchError, match="AddressSanitizer"):
        run_on_host(
            bundle, compiled.program, compiled.target.toolchain, a_batch(1),
            HostOptions(sanitizes=True),
        )  # fmt: skip


@needs_compiler
@pytest.mark.skipif(not shutil.which("valgrind"), reason="no valgrind: apt-get install valgrind")
def test_counts_are_of_one_inference_and_layers_sum_to_almost_all_of_it() -> None:
    once, batch = measured(1).count, measured(5).count
    assert once is not None
    assert batch is not None
    assert once.unit == "instructions"
    assert len(once.layers) == len(compiled_digits().program.observed)
    assert min(once.layers) > 0
    assert 0.95 * once.total < sum(once.layers) < once.total
    assert once.total == batch.total


def test_a_missing_compiler_is_named_with_a_way_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler-here")
    compiler.find_compiler.cache_clear()
    try:
        with pytest.raises(ToolError, match=r"tried CC=no-such-compiler-here; .*apt-get install"):
            run(1, HostOptions())
    finally:
        compiler.find_compiler.cache_clear()


def test_missing_valgrind_is_named_with_a_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match="apt-get install valgrind"):
        run(1, HostOptions(counts=True))
