"""The command ``evaluate``: its options, and what it calls."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tilewright.cli.command import Command
from tilewright.cli.language import add_weight_bits, weight_bits

if TYPE_CHECKING:
    from tilewright.report.text import Report

EVALUATE = Command(
    "evaluate",
    "say what a language model loses as integers: perplexity, agreement, layers",
    (
        "tilewright evaluate stories260K.bin --text stories.txt --tokenizer tok512.bin",
        "tilewright evaluate model.gguf --text stories.txt --weights W6",
        "tilewright evaluate folder/ --tokens tokens.npz --json",
    ),
    "CHECKPOINT [options]",
)


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate``."""
    parser.add_argument(
        "model", metavar="CHECKPOINT",
        help="a llama2.c .bin, a .gguf, or a Hugging Face folder with config.json",
    )  # fmt: skip
    parser.add_argument(
        "--tokens", metavar="FILE.npz", type=Path, help="array tokens [texts, length]"
    )
    parser.add_argument("--text", metavar="FILE", type=Path, help="a text, cut into parts")
    parser.add_argument(
        "--calibrate", metavar="FILE", type=Path,
        help="a text to measure ranges on (default: text that the model makes up)",
    )  # fmt: skip
    parser.add_argument(
        "--tokenizer", metavar="FILE", type=Path,
        help="tokenizer.bin, .model, .json or .gguf (default: the checkpoint's, or beside it)",
    )  # fmt: skip
    add_weight_bits(parser)


def evaluated(arguments: argparse.Namespace) -> "Report":
    """Do the work. Raises CompileError."""
    from tilewright.api_evaluate import Texts, evaluate_model

    texts = Texts(arguments.tokens, arguments.text, arguments.calibrate, arguments.tokenizer)
    return evaluate_model(arguments.model, texts, *weight_bits(arguments))
