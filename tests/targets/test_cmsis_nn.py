"""The user's CMSIS-NN is called as its interface says, and only where it costs less.

The library itself is not here: tests/targets/cmsis_nn computes what its documentation says.
"""

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bare_metal import a_batch, needs_board
from digits import MODEL
from evaluate import evaluate_graph
from tilewright.cli.main import main
from tilewright.errors import OptionError
from tilewright.ir.graph import Contract
from tilewright.ir.target import Target
from tilewright.ops.conv2d import QConv2d
from tilewright.pipeline import Compilation, Options, compile_model, load_target
from tilewright.run.host import HostOptions
from tilewright.run.runners import run_bundle
from tilewright.targets.cortex_m.cmsis_nn.kernels import cmsis_nn_kernels
from tilewright.targets.cortex_m.cmsis_nn.target import with_cmsis_nn

LIBRARY = Path(__file__).parent / "cmsis_nn"


def with_portable_rivals(name: str) -> Target:
    """CMSIS-NN beside the portable pack alone, so that it is chosen."""
    target = with_cmsis_nn(load_target(name), LIBRARY)
    portable = {kernel.symbol for kernel in load_target("host").engines[0].kernels}
    (engine,) = target.engines
    kernels = tuple(
        k for k in engine.kernels if k.symbol in portable or k.symbol.startswith("cmsis_")
    )
    return replace(target, engines=(replace(engine, kernels=kernels),))


@cache
def compiled(name: str) -> Compilation:
    return compile_model(MODEL, with_portable_rivals(name), Options(contract=Contract.TFLITE))


@needs_board
@pytest.mark.parametrize("name", ["cortex-m4", "cortex-m55"])
def test_every_call_computes_what_the_definition_says(name: str) -> None:
    made = compiled(name)
    options = HostOptions(observes=True)
    batch, toolchain = a_batch(3), made.target.toolchain
    result = run_bundle(made.bundle, made.program, toolchain, batch, options)
    for index in range(3):
        wanted = evaluate_graph(made.graph, dict(batch.one(index)))
        for call, raw in zip(made.program.calls, result.layers[index], strict=True):
            assert raw == wanted[call.output.value.name].tobytes(), call.node.name
    assert result.runs_identical


def test_every_convolution_is_called() -> None:
    symbols = Counter(call.kernel.symbol for call in compiled("cortex-m4").program.calls)
    called = {s: n for s, n in symbols.items() if s.startswith("cmsis_")}
    assert called == {"cmsis_conv2d_s8": 3, "cmsis_depthwise_s8": 1}


def test_the_cheaper_kernel_is_chosen_for_each_node() -> None:
    target = with_portable_rivals("cortex-m4")
    (engine,) = target.engines
    slow = tuple(
        replace(k, cycles=lambda op, signature: 10**12) if k.symbol == "cmsis_conv2d_s8" else k
        for k in engine.kernels
    )
    target = replace(target, engines=(replace(engine, kernels=slow),))
    made = compile_model(MODEL, target, Options(contract=Contract.TFLITE))
    symbols = {call.kernel.symbol for call in made.program.calls}
    assert "cmsis_depthwise_s8" in symbols
    assert "cmsis_conv2d_s8" not in symbols


def test_the_bias_is_the_files_own_because_the_library_adds_the_zero_point() -> None:
    made = compiled("cortex-m4")
    call = next(c for c in made.program.calls if c.kernel.symbol == "cmsis_conv2d_s8")
    constants = tuple(made.graph.constants.get(name) for name in call.node.inputs)
    _, w, bias, multiplier, shift = call.kernel.pack(call.node.op, constants)
    _, lowered_w, folded, _, _ = constants
    assert lowered_w is not None
    assert folded is not None
    assert isinstance(call.node.op, QConv2d)
    x_zero = call.node.op.x_zero
    sums = lowered_w.astype(np.int64).sum(axis=(1, 2, 3))
    assert x_zero != 0
    assert np.array_equal(bias, folded + x_zero * sums)
    assert np.array_equal(w, lowered_w)
    for table in (multiplier, shift):
        assert table is not None
        assert (table.shape, table.dtype) == (folded.shape, np.int32)


def test_other_contracts_are_left_to_other_kernels() -> None:
    made = compile_model(MODEL, with_cmsis_nn(load_target("cortex-m4"), LIBRARY), Options())
    assert not [c for c in made.program.calls if c.kernel.symbol.startswith("cmsis_")]


def test_the_default_knows_nothing_of_it() -> None:
    symbols = {kernel.symbol for kernel in cmsis_nn_kernels(has_helium=False)}
    (engine,) = load_target("cortex-m4").engines
    assert symbols.isdisjoint(kernel.symbol for kernel in engine.kernels)
    assert load_target("cortex-m4").toolchain.sources == ()


def test_a_folder_without_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no Include/arm_nnfunctions\.h there"):
        with_cmsis_nn(load_target("cortex-m4"), tmp_path)


def test_it_is_an_option_of_cortex_m_only(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    compiled = ["compile", str(MODEL), "-o", str(tmp_path / "out"), "--cmsis-nn", str(LIBRARY)]
    assert main([*compiled, "--target", "cortex-m4"]) == 0
    with pytest.raises(SystemExit):
        main([*compiled, "--target", "host"])
    assert "--cmsis-nn" in capsys.readouterr().err
    assert main([*compiled[:-1], str(tmp_path), "--target", "cortex-m4"]) == 2
    assert main(["targets"]) == 0
    assert "--cmsis-nn PATH" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["compile", "--target", "cortex-m55", "--help"])
    assert "your copy of Arm's CMSIS-NN" in capsys.readouterr().out
