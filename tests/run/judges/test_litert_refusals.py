"""A model that LiteRT turns down is no fault of ours: its words are passed on."""

from pathlib import Path

import pytest

from tilewright.errors import ToolError
from tilewright.run.judges.litert import LiteRt


def test_a_model_that_litert_cannot_read_is_said_in_its_own_words(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="pip install ai-edge-litert")
    path = tmp_path / "odd.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(64))
    with pytest.raises(ToolError, match=r"^LiteRT's reference kernels do not take this model: \S"):
        LiteRt(path)
