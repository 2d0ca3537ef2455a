"""The MLPerf Tiny networks and a keyword spotter, as C on this machine, against their judges."""

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tilewright import api
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array
from tilewright.pipeline import Compilation, Options, compile_model, load_target
from tilewright.report.memory import memory_use
from tilewright.run import compiler
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import match_inputs, random_batch
from tilewright.run.judges.litert import LiteRt

CORPUS = Path(__file__).parents[3] / "shared" / "models"
TINY = CORPUS / "mlperf_tiny"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TINY.is_dir(), reason=f"no models in {TINY}"),
    pytest.mark.skipif(
        not any(map(shutil.which, compiler.CANDIDATES)), reason="no C compiler: apt-get install gcc"
    ),
]

TFLITE = {
    "ad01_int8": ("ad_golden", 768),
    "ic01_resnet8_int8": ("resnet8_golden", 33_296),
    "kws01_int8": ("kws_golden", 8_384),
    "vww96_int8": ("vww_golden", 36_864),
}
"""Model → its golden outputs, and the bytes that activations with input and output may take."""

ONNX = (
    TINY / "ad_qdq.onnx",
    TINY / "kws_qdq.onnx",
    TINY / "resnet8_qdq.onnx",
    TINY / "vww_qdq.onnx",
    CORPUS / "onnx_quant" / "micro_kws_m_static_qdq.onnx",
)


@cache
def compiled(model: Path) -> Compilation:
    return compile_model(model, load_target("host"), Options())


def outputs(model: Path, arrays: dict[ValueName, Array]) -> Array:
    """The only output of two runs in one process, which gave the same bytes."""
    c = compiled(model)
    batch = match_inputs(c.graph, arrays)
    result = run_on_host(c.bundle, c.program, c.target.toolchain, batch, HostOptions())
    assert result.runs_identical
    (made,) = result.outputs.values()
    return made


@pytest.mark.parametrize("model", [*(TINY / f"{name}.tflite" for name in TFLITE), *ONNX], ids=str)
def test_all_parties_agree_under_sanitizers(model: Path) -> None:
    pytest.importorskip("onnxruntime" if model.suffix == ".onnx" else "ai_edge_litert")
    report = api.verify_model(model, inputs=2, sanitizes=True)
    broken = [c for c in report.verification.comparisons if not c.holds]
    assert broken == []
    assert report.verification.skipped == ()


@pytest.mark.parametrize("name", TFLITE)
def test_the_c_equals_litert_on_200_random_inputs(name: str) -> None:
    pytest.importorskip("ai_edge_litert")
    model = TINY / f"{name}.tflite"
    batch = random_batch(compiled(model).graph, 200, seed=20)
    made = outputs(model, dict(batch.arrays))
    judge = LiteRt(model)
    (output,) = compiled(model).source.outputs
    for index in range(200):
        wanted = judge.tensors({str(k): v for k, v in batch.one(index).items()})[output]
        assert np.array_equal(made[index], wanted), f"inference {index}"


@pytest.mark.parametrize(("name", "golden"), [(n, g) for n, (g, _) in TFLITE.items()])
def test_the_c_equals_the_goldens(name: str, golden: str) -> None:
    with np.load(TINY / f"{golden}.npz") as archive:
        inputs, wanted = archive["x_nhwc"], archive["y_litert_ref"]
    model = TINY / f"{name}.tflite"
    made = outputs(model, {compiled(model).graph.inputs[0]: inputs})
    assert np.array_equal(made, wanted)


def test_keyword_spotting_is_as_accurate_as_litert() -> None:
    with np.load(TINY / "kws01_eval.npz") as archive:
        samples, labels = archive["x"], archive["y"]
    model = TINY / "kws01_int8.tflite"
    made = outputs(model, {compiled(model).graph.inputs[0]: samples})
    assert (made.reshape(1000, 12).argmax(axis=1) == labels).mean() == pytest.approx(0.901)


@pytest.mark.parametrize(("name", "limit"), [(n, limit) for n, (_, limit) in TFLITE.items()])
def test_activations_with_input_and_output_take_no_more_than_promised(
    name: str, limit: int
) -> None:
    c = compiled(TINY / f"{name}.tflite")
    ram = next(m for m in memory_use(c.target, c.plan, c.program) if m.name == "ram")
    assert ram.parts["arena"] <= limit


@pytest.mark.parametrize("name", TFLITE)
def test_check_says_what_the_linker_says(name: str) -> None:
    c = compiled(TINY / f"{name}.tflite")
    batch = random_batch(c.graph, 1, seed=0)
    result = run_on_host(c.bundle, c.program, c.target.toolchain, batch, HostOptions(repeat=1))
    if result.linked is None:
        pytest.skip("this system's programs are no ELF files")
    flash = next(m for m in memory_use(c.target, c.plan, c.program) if m.name == "flash")
    align = c.target.memory("flash").align
    assert sum(n + -n % align for n in result.linked.constants.values()) == flash.used
    assert result.linked.constants == c.bundle.symbols
    assert result.linked.writable == 0
