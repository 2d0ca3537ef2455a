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
    "write a network of a known shape with drawn weights: a quantised .onnx, or a .gguf",
    (
        "tilewright model mobilebert -o mobilebert.onnx",
        "tilewright model dinov2-s -o dinov2-s.onnx",
        "tilewright model tinyllama-v0 -o tinyllama.gguf",
        "tilewright model mobilebert --sequence 256 --layers 1 -o layer.onnx",
    ),
    "NETWORK -o FILE [options]",
)


def add_model(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``tilewright model``."""
    parser.add_argument(
        "network", metavar="NETWORK",
        help="mobilebert, dinov2-s, whisper-tiny-encoder: encoders for ITA, as .onnx; tinyllama-v0 "
        "(4.6 M parameters) and tw-4.2m: language models with a vocabulary, as GGUF in float16",
    )  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True)
    parser.add_argument(
        "--sequence", metavar="S", type=positive, default=None,
        help="tokens (default: 128, 241 or 512, or the model's context); of an encoder up to 960, "
        "of mobilebert a multiple of 64",
    )  # fmt: skip
    parser.add_argument(
        "--layers", metavar="N", type=positive, default=None, help="instead of all of them"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the weights")
