"""The MLPerf Tiny networks on emulated Cortex-M boards, byte for byte what their judges say."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bare_metal import BOARDS, needs_board
from tilewright.pipeline import Options, compile_model, load_target
from tilewright.run.host import HostOptions
from tilewright.run.inputs import random_batch
from tilewright.run.interpret import interpret
from tilewright.run.judges.litert import LiteRt
from tilewright.run.runners import run_bundle

CORPUS = Path(__file__).parents[3] / "shared" / "models"
TINY = CORPUS / "mlperf_tiny"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TINY.is_dir(), reason=f"no models in {TINY}"),
    needs_board,
]

TFLITE = (
    ("ad01_int8", True),
    ("ic01_resnet8_int8", True),
    ("kws01_int8", True),
    ("vww96_int8", True),
    ("vww96_int8", False),
)
"""Model, and whether dead channels are removed: only vww96 has some."""
ONNX = (
    TINY / "ad_qdq.onnx",
    TINY / "kws_qdq.onnx",
    TINY / "resnet8_qdq.onnx",
    TINY / "vww_qdq.onnx",
    CORPUS / "onnx_quant" / "micro_kws_m_static_qdq.onnx",
)


@cache
def judge(model: str) -> LiteRt:
    pytest.importorskip("ai_edge_litert", reason="no LiteRT: pip install ai-edge-litert")
    return LiteRt(TINY / f"{model}.tflite")


@pytest.mark.parametrize("target", BOARDS)
@pytest.mark.parametrize(("model", "prunes"), TFLITE)
def test_outputs_are_those_of_litert_in_both_runs(model: str, prunes: bool, target: str) -> None:
    path = TINY / f"{model}.tflite"
    c = compile_model(path, load_target(target), Options(prune=prunes))
    batch = random_batch(c.graph, 3, seed=11)
    result = run_bundle(c.bundle, c.program, c.target.toolchain, batch, HostOptions())
    assert result.runs_identical
    for index in range(3):
        wanted = judge(model).tensors(batch.one(index))
        for made, name in zip(result.outputs.values(), c.source.outputs, strict=True):
            assert np.array_equal(made[index], wanted[name])


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("model", ONNX, ids=lambda path: path.stem)
def test_every_layer_of_onnx_networks_is_what_the_definition_says(model: Path, target: str) -> None:
    c = compile_model(model, load_target(target), Options())
    batch = random_batch(c.graph, 1, seed=12)
    options = HostOptions(observes=True)
    result = run_bundle(c.bundle, c.program, c.target.toolchain, batch, options)
    values = interpret(c.program, c.graph, batch.one(0)).values
    for call, raw in zip(c.program.calls, result.layers[0], strict=True):
        assert raw == values[call.output.value.name].tobytes(), call.node.name
