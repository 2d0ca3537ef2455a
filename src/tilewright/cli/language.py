"""The command ``generate``: its options, and what it calls. Imports the compiler only to run it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tilewright.cli.arguments import positive, size
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
    _add_sampling(parser)
    parser.add_argument(
        "--context", type=positive, metavar="N",
        help="tokens that keys and values are kept for (default: the model's, at most 512)",
    )  # fmt: skip
    add_weight_bits(parser)
    parser.add_argument(
        "--drafts", type=positive, default=0, metavar="K",
        help="check up to K tokens at once that followed the last two before; the text is the same "
        "(default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="where to write the C, with tokenizer and sampler"
    )
    parser.add_argument(
        "--effort", default="quick", metavar="NAME",
        help="how long to look for a plan: quick, normal or best (default: %(default)s)",
    )  # fmt: skip


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    """How tokens are chosen."""
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


def add_weight_bits(parser: argparse.ArgumentParser) -> None:
    """The options of how many bits weights have."""
    parser.add_argument(
        "--weights", metavar="NAME",
        help="bits of weights: W8, W6 or W4, in groups of 32 (default: W8)",
    )  # fmt: skip
    parser.add_argument(
        "--weights-budget", metavar="SIZE", type=size,
        help="instead: bytes for weights and tables; each matrix gets 8, 6 or 4 bits by what it "
        "loses",
    )  # fmt: skip


def weight_bits(arguments: argparse.Namespace) -> tuple[int, int | None]:
    """Bits and budget. Raises OptionError for a name that is not known, or both."""
    name, budget = arguments.weights, arguments.weights_budget
    if name is not None and budget is not None:
        raise OptionError(f"--weights {name} and --weights-budget {budget}: give one of them")
    if name is not None and name not in WEIGHT_BITS:
        raise OptionError(f"--weights {name}: there are {', '.join(WEIGHT_BITS)}")
    return WEIGHT_BITS[name or "W8"], budget


def generated(arguments: argparse.Namespace) -> "Report":
    """Do the work. Raises CompileError, ToolError."""
    from tilewright.api_language import GenerateSettings, generate
    from tilewright.pipeline import Options

    settings = GenerateSettings(
        arguments.prompt, arguments.tokens, arguments.temperature, arguments.top_p,
        arguments.top_k, arguments.seed, *weight_bits(arguments), arguments.drafts,
        arguments.output,
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
