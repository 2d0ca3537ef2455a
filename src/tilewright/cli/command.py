"""One command of the command line; and the one that writes networks."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from tilewright.cli.arguments import positive


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it does in a line, and examples of how to call it."""

    name: str
    summary: str
    examples: tuple[str, ...]
    takes: str = "MODEL [options]"


WRITE_MODEL = Command(
    "model",
    "write a network of a known shape with drawn weights, quantised, as an .onnx file",
    (
        "tilewright model mobilebert -o mobilebert.onnx",
        "tilewright model dinov2-s -o dinov2-s.onnx",
        "tilewright model mobilebert --sequence 256 --layers 1 -o layer.onnx",
    ),
    "NETWORK -o FILE.onnx [options]",
)


def add_model(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``tilewright model``."""
    parser.add_argument(
        "network",
        metavar="NETWORK",
        help="mobilebert (its encoder), dinov2-s or whisper-tiny-encoder",
    )
    parser.add_argument("-o", "--output", metavar="FILE.onnx", type=Path, required=True)
    parser.add_argument(
        "--sequence", metavar="S", type=positive, default=None,
        help="tokens, up to 960 (default: 128, 241 or 512); mobilebert's are a multiple of 64",
    )  # fmt: skip
    parser.add_argument(
        "--layers", metavar="N", type=positive, default=None, help="instead of all of them"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the weights")
