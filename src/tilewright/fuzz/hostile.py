"""Damaged files through the compiler, in processes that may crash, hang and run out of memory."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO

from tilewright.errors import OptionError
from tilewright.fuzz.cases import Finding
from tilewright.fuzz.damage import damaged
from tilewright.fuzz.network import draw_network
from tilewright.fuzz.report import FuzzReport

MOST_SECONDS = 5.0
MOST_BYTES = 1 << 30

SLOW_START = 60.0
"""Seconds that a process may take until it has read its first file: it imports the compiler."""


LOOKS = 0.5
"""Seconds between two looks at what a process has spent."""


def _processor_time(process: int) -> float | None:
    """Seconds that a process has computed; None where the system does not say."""
    try:
        fields = (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        )
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # user and system


@dataclass(slots=True)
class _Worker:
    """A process that compiles files one by one; its answers come through a queue."""

    process: "subprocess.Popen[str]"
    answers: "queue.Queue[str]" = field(default_factory=queue.Queue[str])
    is_new: bool = True

    @staticmethod
    def started() -> "_Worker":
        command = [sys.executable, "-m", "tilewright.fuzz.worker", str(MOST_BYTES)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True,
        )  # fmt: skip
        worker = _Worker(process)
        assert process.stdout is not None
        threading.Thread(target=worker._listen, args=(process.stdout,), daemon=True).start()
        return worker

    def _listen(self, said: IO[str]) -> None:
        for line in said:
            self.answers.put(line)
        self.answers.put("")

    def ask(self, path: Path) -> tuple[str, str]:
        """How it ends, and what was said: compiled, refused, crash, hang or memory."""
        assert self.process.stdin is not None
        limit = SLOW_START if self.is_new else MOST_SECONDS
        self.is_new = False
        try:
            self.process.stdin.write(f"{json.dumps(str(path))}\n")
            self.process.stdin.flush()
            line = self._answer(limit)
        except queue.Empty:
            return "hang", f"no answer within {limit:g} s"
        except BrokenPipeError:
            line = ""
        if not line:
            return "crash", f"the process ended with {self.process.wait()}"
        answer = json.loads(line)
        if answer["peak"] > MOST_BYTES:
            return "memory", f"took {answer['peak']:,} B"
        if answer["end"] == "crash" and answer["text"].startswith("MemoryError"):
            return "memory", answer["text"]
        return answer["end"], answer["text"]

    def _answer(self, limit: float) -> str:
        """Within so many seconds of processor time, where that can be seen, and ten times as many
        of waiting; else of waiting. Raises queue.Empty."""
        before = _processor_time(self.process.pid)
        if before is None:
            return self.answers.get(timeout=limit)
        for _ in range(int(10 * limit / LOOKS)):
            try:
                return self.answers.get(timeout=LOOKS)
            except queue.Empty:
                now = _processor_time(self.process.pid)
                if now is not None and now - before > limit:
                    raise
        raise queue.Empty

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()


def hostile(models: Sequence[Path], cases: int, seed: int, folder: Path) -> FuzzReport:
    """Damage and compile ``cases`` files: the given ones and drawn networks by turns.

    Raises OptionError where a model cannot be read. Files that end otherwise than compiled or
    refused in words are written to ``folder``.
    """
    try:
        known = [(path.suffix.lower(), path.read_bytes()) for path in models]
    except OSError as error:
        raise OptionError(f"{error.filename}: cannot be read: {error.strerror}") from None
    counts: Counter[str] = Counter(cases=cases)
    findings: list[Finding] = []
    worker = _Worker.started()
    with tempfile.TemporaryDirectory(prefix="tilewright-") as place:
        for number in range(cases):
            suffix, data = _drawn(Random(f"{seed}/hostile/{number}"), known)
            path = Path(place) / f"case_{number}{suffix}"
            path.write_bytes(data)
            end, text = worker.ask(path)
            counts[end] += 1
            if end not in ("compiled", "refused"):
                findings.append(_written(Finding(number, seed, end, "host", text), path, folder))
                worker.stop()
                worker = _Worker.started()
            path.unlink()
        worker.stop()
    return FuzzReport(cases, 0, tuple(findings), dict(counts))


def _drawn(random: Random, known: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Suffix and bytes of a damaged file."""
    if known and random.random() < 0.6:
        suffix, whole = random.choice(known)
    else:
        suffix, whole = ".onnx", draw_network(random).model.SerializeToString()
    return suffix, damaged(random, whole, is_onnx=suffix == ".onnx")


def _written(found: Finding, path: Path, folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"hostile_{found.seed}_{path.name}"
        copy.write_bytes(path.read_bytes())
    except OSError as error:
        raise OptionError(f"{folder}: cannot be written: {error.strerror}") from None
    return Finding(
        found.case, found.seed, found.kind, found.target, found.detail, reproducer=str(copy)
    )
