"""The commands ``conformance`` and ``fuzz``: their options, and what they call."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tilewright.cli.arguments import positive
from tilewright.cli.command import Command

if TYPE_CHECKING:
    from tilewright.conformance.report import ConformanceReport
    from tilewright.report.text import Report

CONFORMANCE = Command(
    "conformance",
    "the ONNX package's node cases, compiled and run: passed, refused, wrong",
    (
        "tilewright conformance",
        "tilewright conformance --json --case softmax",
        "tilewright conformance --target cortex-m4 --kind int8",
    ),
    "[options]",
)

FUZZ = Command(
    "fuzz",
    "draw networks, compile and compare them; what differs is made small and written",
    (
        "tilewright fuzz --cases 1000 --seed 7",
        "tilewright fuzz --cases 100000 --seconds 600 --json",
        "tilewright fuzz --target siracusa --cases 200",
        "tilewright fuzz --cases 10000 --hostile model.tflite model.onnx",
    ),
    "[options]",
)


def add_compare(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``compare``."""
    parser.add_argument("before", metavar="BEFORE", help="a plan from compile --save-plan")
    parser.add_argument("after", metavar="AFTER", help="another one of the same network")
    parser.add_argument(
        "--cycles", metavar="PERCENT", type=float,
        help="exit code 1 where planned cycles grew by more than this",
    )  # fmt: skip
    parser.add_argument(
        "--bytes", metavar="PERCENT", type=float,
        help="exit code 1 where the arena of a memory grew by more than this",
    )  # fmt: skip


def add_conformance(parser: argparse.ArgumentParser) -> None:
    """The options of ``conformance``."""
    parser.add_argument(
        "--target", default="host", metavar="NAME",
        help="what to compile for, and where to run it (default: %(default)s; a board's emulator "
        "takes half a second per case)",
    )  # fmt: skip
    parser.add_argument(
        "--kind", choices=("float", "int8"),
        help="only the cases as they are, or only their quantised versions (default: both)",
    )  # fmt: skip
    parser.add_argument(
        "--case", metavar="WORD", action="append", default=[],
        help="only cases whose names contain this word; may be repeated",
    )  # fmt: skip


def add_fuzz(parser: argparse.ArgumentParser) -> None:
    """The options of ``fuzz``."""
    parser.add_argument(
        "--cases", metavar="N", type=positive, default=1000,
        help="networks to draw (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", metavar="S", type=int, default=0, help="what is drawn (default: %(default)s)"
    )
    parser.add_argument(
        "--first", metavar="N", type=int, default=0,
        help="number of the first case, to look at one again (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--target", metavar="NAME",
        help="what all of them are compiled for (default: host, Cortex-M and Siracusa by turns)",
    )  # fmt: skip
    parser.add_argument(
        "--hostile", metavar="MODEL", nargs="*",
        help="damage these files and drawn ones instead: each is compiled or refused in words, "
        "within 5 s and 1 GiB",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", metavar="T", type=float, help="begin no further case after so long"
    )
    parser.add_argument(
        "--in-c", metavar="N", type=positive, default=8,
        help="run one in N cases for the host as C under sanitizers (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", default="fuzz-findings",
        help="where the smallest models that show a finding go (default: %(default)s)",
    )  # fmt: skip


def conforming(arguments: argparse.Namespace) -> "ConformanceReport":
    """Run the cases. Raises CompileError, ToolError."""
    from tilewright.api_conformance import run_conformance
    from tilewright.conformance.run import KINDS

    kinds = (arguments.kind,) if arguments.kind else KINDS
    return run_conformance(arguments.target, tuple(arguments.case), kinds)


def fuzzed(arguments: argparse.Namespace) -> tuple["Report", bool]:
    """Do the work; the report, and whether nothing was found. Raises CompileError, ToolError."""
    from tilewright.api_fuzz import fuzz_files, fuzz_networks
    from tilewright.fuzz.run import FuzzSettings

    if arguments.hostile is not None:
        report = fuzz_files(arguments.hostile, arguments.cases, arguments.seed, arguments.output)
        return report, not report.findings
    settings = FuzzSettings(
        arguments.first, arguments.in_c, arguments.seconds, Path(arguments.output)
    )
    report = fuzz_networks(arguments.cases, arguments.seed, arguments.target, settings)
    return report, not report.findings
