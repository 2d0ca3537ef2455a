"""A network that takes indices: int64 in the file, int32 in the C, compared by every judge."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import Model, random_integers, saved
from tilewright import verify_model
from tilewright.pipeline import Options, compile_model, load_target

MEMORIES = {"one": {}, "two": {"L2": 16384, "L1": 512}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Word indices to embeddings, a dense layer on each, all in int8."""
    made = Model()
    made.constant("table", random_integers(0, (50, 16), np.int8))
    table = made.dequantise("table", 0.02, 3, np.int8)
    rows = made.node("Gather", (table, made.input("words", (1, 12), np.int64)), "rows")
    made.quantise(rows, 0.02, 3, np.int8, "rows.q")
    made.constant("w", random_integers(1, (16, 10), np.int8))
    operands = made.dequantise("rows.q", 0.02, 3, np.int8), made.dequantise("w", 0.01, 0, np.int8)
    made.quantise(made.node("MatMul", operands, "y"), 0.2, 0, np.int8, "scores")
    return saved(tmp_path_factory.mktemp("words"), made.proto({"scores": np.int8}))


def test_the_header_takes_int32_and_a_note_says_so(model: Path) -> None:
    compiled = compile_model(model, load_target("host"))
    assert "int32_t *words; // [1][12]" in compiled.bundle.files[f"{compiled.bundle.name}.h"]
    assert "input words: int64 in the file, int32 here" in compiled.graph.notes


@pytest.mark.parametrize("memory", MEMORIES)
def test_every_judge_agrees(model: Path, memory: str) -> None:
    verification = verify_model(model, options=Options(memory=MEMORIES[memory])).verification
    assert verification.holds
    assert verification.skipped == ()
