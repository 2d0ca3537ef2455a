"""What is installed on this machine: Python packages, C compilers, valgrind, emulators."""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from tilewright.errors import ToolError
from tilewright.ir.toolchain import NeededProgram
from tilewright.run.compiler import HOW_TO_GET, find_compiler


@dataclass(frozen=True, slots=True)
class Tool:
    """One program or package. ``found`` is its version, None where it is missing."""

    name: str
    found: str | None
    enables: str
    how_to_get: str
    is_required: bool


_PACKAGES = (
    ("numpy", "everything", True),
    ("onnx", "reading .onnx models", True),
    ("tflite", "reading .tflite models", True),
    ("flatbuffers", "reading .tflite models", True),
    ("ortools", "memory plans that are proven to be the smallest", True),
    ("rich", "tables and progress", True),
    ("ai-edge-litert", "verify: .tflite models against LiteRT", False),
    ("onnxruntime", "verify: .onnx models against ONNX Runtime", False),
)


def installed_tools(needs: Iterable[NeededProgram]) -> tuple[Tool, ...]:
    """All tools that some command uses, the required ones first.

    needs  what the toolchains of installed targets call
    """
    packages = tuple(
        Tool(name, _package(name), enables, f"pip install {name}", is_required)
        for name, enables, is_required in _PACKAGES
    )
    compiler = Tool(
        "C compiler", _compiler(), "run, verify: building the generated C", HOW_TO_GET, False
    )
    valgrind = Tool(
        "valgrind", _version_line("valgrind"), "run --count: instructions per layer",
        "Debian and Ubuntu: apt-get install valgrind", False,
    )  # fmt: skip
    return (*packages, compiler, valgrind, *_needed(needs))


def _needed(needs: Iterable[NeededProgram]) -> tuple[Tool, ...]:
    by_name: dict[str, list[NeededProgram]] = {}
    for program in needs:
        by_name.setdefault(program.name, []).append(program)
    return tuple(
        Tool(
            name, _version_line(name), "; ".join(dict.fromkeys(p.enables for p in asked)),
            asked[0].source or f"Debian and Ubuntu: apt-get install {asked[0].package}",
            is_required=False,
        )
        for name, asked in by_name.items()
    )  # fmt: skip


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _compiler() -> str | None:
    try:
        return find_compiler().version
    except ToolError:
        return None


def _version_line(program: str) -> str | None:
    """The first line that a program says about itself; None where it is not installed."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=20
        )
    except subprocess.TimeoutExpired:
        return "unknown version"
    return done.stdout.strip().partition("\n")[0] or "unknown version"
