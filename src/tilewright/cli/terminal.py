"""What the terminal sees while a command works: nothing for two seconds, then what is going on."""

import logging
import os
import sys
import threading
from types import TracebackType

PATIENCE_SECONDS = 2.0


class Progress:
    """Shows the latest log message on stderr once a command takes longer than two seconds.

    A terminal gets a moving status line, anything else one plain line.
    """

    def __init__(self) -> None:
        self._handler = _Latest()
        self._timer = threading.Timer(PATIENCE_SECONDS, self._begin)
        self._timer.daemon = True
        self._stop = threading.Event()
        self._level = logging.NOTSET

    def __enter__(self) -> "Progress":
        logger = logging.getLogger("tilewright")
        self._level = logger.level
        logger.addHandler(self._handler)
        logger.setLevel(logging.INFO)
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self._stop.set()
        if self._timer.is_alive():
            self._timer.join()
        logger = logging.getLogger("tilewright")
        logger.removeHandler(self._handler)
        logger.setLevel(self._level)

    def _begin(self) -> None:
        if not sys.stderr.isatty():
            print(f"tilewright: {self._handler.latest} ...", file=sys.stderr, flush=True)
            return
        from rich.console import Console

        console = Console(stderr=True)
        with console.status(self._handler.latest) as status:
            while not self._stop.wait(0.2):
                status.update(self._handler.latest)


class _Latest(logging.Handler):
    """Keeps the latest message."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.latest = "working"

    def emit(self, record: logging.LogRecord) -> None:
        self.latest = record.getMessage()


def say_error(text: str) -> None:
    """An error on stderr, its first word red on a terminal that wants colours."""
    word = "error"
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        word = f"\033[1;31m{word}\033[0m"
    print(f"tilewright: {word}: {text}", file=sys.stderr)
