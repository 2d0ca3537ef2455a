"""The command ``generate``: its options, and what it calls. Imports the compiler only to run it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tilewright.cli.arguments import positive
from tilewright.cli.command import Command
from tilewright.errors import OptionError

if TYPE_CHECKING:
    from tilewright.report.text import Report

WEIGHT_BITS = {"W8": 8, "W6": 6, "W4": 4}

GENERATE = Command(
    "generate",
    "compile a language model, run its firmware, and print what it says",
    (
        'tilewright generate stories260K.bin --tokenizer tok512.bin --prompt "Once upon a time"',
        "tilewright generate model.gguf --target cortex-m55 --temperature 0.8 --seed 7",
        "tilewright generate folder/ --prompt Hello --context 256 --json",
    ),
    "CHECKPOINT [options]",
)


def add_generate(parser: argparse.ArgumentParser) -> None:
    """The options of ``generate``."""
    parser.add_argument(
        "model", metavar="CHECKPOINT",
        help="a llama2.c .bin, a .gguf, or a Hugging Face folder with config.json",
    )  # fmt: skip
    parser.add_argument(
        "--tokenizer", metavar="FILE",
        help="tokenizer.bin, .model, .json or .gguf (default: the checkpoint's, or beside it)",
    )  # fmt: skip
    parser.add_argument(
        "--target", default="host", metavar="NAME",
        help="where the firmware runs; the same text on every target (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--prompt", default="", metavar="TEXT", help="what the text begins with")
    parser.add_argument(
        "--tokens", type=positive, default=64, metavar="N",
        help="how many tokens to make at most (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--temperature", type=float, default=1.0, metavar="X",
        help="0: the most likely token; above 1: more surprising ones (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--top-p", type=float, default=0.0, metavar="X",
        help="only the fewest most likely tokens whose probabilities exceed X (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--top-k", type=int, default=0, metavar="N",
        help="only the N most likely tokens (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N",
        help="the same seed makes the same text on every target (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--context", type=positive, metavar="N",
        help="tokens that keys and values are kept for (default: the model's, at most 512)",
    )  # fmt: skip
    parser.add_argument(
        "--weights", default="W8", metavar="NAME",
        help="bits of weights: W8, W6 or W4; each has a byte of its own (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--effort", default="quick", metavar="NAME",
        help="how long to look for a plan: quick, normal or best (default: %(default)s)",
    )  # fmt: skip


def generated(arguments: argparse.Namespace) -> "Report":
    """Do the work. Raises CompileError, ToolError."""
    from tilewright.api_language import GenerateSettings, generate
    from tilewright.pipeline import Options

    if arguments.weights not in WEIGHT_BITS:
        raise OptionError(f"--weights {arguments.weights}: there are {', '.join(WEIGHT_BITS)}")
    settings = GenerateSettings(
        arguments.prompt, arguments.tokens, arguments.temperature, arguments.top_p,
        arguments.top_k, arguments.seed, WEIGHT_BITS[arguments.weights],
    )  # fmt: skip
    return generate(
        arguments.model, arguments.target, settings, Options(effort=arguments.effort),
        tokenizer=arguments.tokenizer, context=arguments.context,
    )  # fmt: skip


def inspected_checkpoint(model: str) -> "Report | None":
    """What is in a language model; None where the path is none. Raises CompileError."""
    from tilewright.llm.formats.checkpoint import is_checkpoint

    if not is_checkpoint(Path(model)):
        return None
    from tilewright.api_language import inspect_checkpoint

    return inspect_checkpoint(model)
