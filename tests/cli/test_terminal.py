"""Progress is silent for two seconds, then says what goes on; it leaves logging as it was."""

import logging
import time

import pytest

from tilewright.cli import terminal
from tilewright.cli.terminal import Progress


def test_quick_commands_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress():
        logging.getLogger("tilewright.anything").info("compiling x")
    assert capsys.readouterr() == ("", "")


def test_slow_commands_say_the_latest_message_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "PATIENCE_SECONDS", 0.05)
    with Progress():
        logging.getLogger("tilewright.api").info("reading %s", "x.onnx")
        logging.getLogger("tilewright.api").info("compiling %s", "x.onnx")
        time.sleep(0.3)
    assert capsys.readouterr() == ("", "tilewright: compiling x.onnx ...\n")


def test_logging_is_left_as_it_was() -> None:
    logger = logging.getLogger("tilewright")
    before = (logger.level, list(logger.handlers))
    with Progress():
        assert logger.handlers != before[1]
    assert (logger.level, list(logger.handlers)) == before
