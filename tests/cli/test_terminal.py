"""Progress is silent for two seconds, then says what goes on; it leaves logging as it was."""

import logging
from collections.abc import Callable

import pytest

from tilewright.cli import terminal
from tilewright.cli.terminal import Progress


class HandTimer:
    """A timer that a test rings when it wants to."""

    daemon = True

    def __init__(
        self, made: list["HandTimer"], seconds: float, function: Callable[[], None]
    ) -> None:
        assert seconds == terminal.PATIENCE_SECONDS == 2
        self._function = function
        self._is_ringing = False
        made.append(self)

    def start(self) -> None:
        self._is_ringing = True

    def cancel(self) -> None:
        self._is_ringing = False

    def is_alive(self) -> bool:
        return False

    def ring(self) -> None:
        assert self._is_ringing
        self._function()


def test_quick_commands_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress():
        logging.getLogger("tilewright.anything").info("compiling x")
    assert capsys.readouterr() == ("", "")


def test_slow_commands_say_the_latest_message_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    timers: list[HandTimer] = []
    monkeypatch.setattr(terminal.threading, "Timer", lambda *given: HandTimer(timers, *given))
    with Progress():
        logging.getLogger("tilewright.api").info("reading %s", "x.onnx")
        logging.getLogger("tilewright.api").info("compiling %s", "x.onnx")
        (timer,) = timers
        timer.ring()
    assert capsys.readouterr() == ("", "tilewright: compiling x.onnx ...\n")


def test_logging_is_left_as_it_was() -> None:
    logger = logging.getLogger("tilewright")
    before = (logger.level, list(logger.handlers))
    with Progress():
        assert logger.handlers != before[1]
    assert (logger.level, list(logger.handlers)) == before
