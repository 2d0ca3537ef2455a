"""The command ``evaluate``: its options, and what it calls."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tilewright.cli.arguments import positive
from tilewright.cli.command import Command
from tilewright.cli.language import add_weight_bits, weight_bits
from tilewright.errors import OptionError

if TYPE_CHECKING:
    from tilewright.ir.target import Target
    from tilewright.pipeline import Options
    from tilewright.report.text import Report

EVALUATE = Command(
    "evaluate",
    "accuracy of a network on data, and where noise comes in; of a language model, perplexity",
    (
        "tilewright evaluate model.tflite data.npz --labels y",
        "tilewright evaluate model.onnx data.npz --reference float.onnx --target cortex-m4",
        "tilewright evaluate stories260K.bin --text stories.txt --tokenizer tok512.bin",
        "tilewright evaluate model.gguf --text stories.txt --weights W6",
        "tilewright evaluate folder/ --tokens tokens.npz --json",
    ),
    "MODEL [DATA.npz] [options]",
)


def add_evaluate(command: argparse.ArgumentParser) -> None:
    """The options of ``evaluate``."""
    command.add_argument(
        "model", metavar="MODEL",
        help="a .tflite or .onnx file; or a llama2.c .bin, a .gguf, or a Hugging Face folder with "
        "config.json",
    )  # fmt: skip
    network = command.add_argument_group("a network")
    network.add_argument("data", metavar="DATA.npz", nargs="?", help="inputs by name or in order")
    network.add_argument(
        "--labels", metavar="NAME",
        help="array with one integer per inference (default: y, labels, label or targets)",
    )  # fmt: skip
    network.add_argument(
        "--reference", metavar="MODEL", type=Path,
        help="a second model whose numbers are the reference (default: the network, not rounded)",
    )  # fmt: skip
    network.add_argument(
        "--inferences", metavar="N", type=positive, help="only the first N (default: all)"
    )
    network.add_argument(
        "--target", default="host", metavar="NAME",
        help="what computes the answers (default: %(default)s)",
    )  # fmt: skip
    network.add_argument(
        "--contract", metavar="NAME",
        help="arithmetic contract: tflite, onnx, pulp or float32 (default: the file format's)",
    )  # fmt: skip
    command.add_argument(
        "--tokens",
        metavar="FILE.npz",
        type=Path,
        help="of a language model: array tokens [texts, length]",
    )
    command.add_argument("--text", metavar="FILE", type=Path, help="of a language model: a text")
    command.add_argument(
        "--calibrate", metavar="FILE", type=Path,
        help="a text to measure ranges on (default: text that the model makes up)",
    )  # fmt: skip
    command.add_argument(
        "--tokenizer", metavar="FILE", type=Path,
        help="tokenizer.bin, .model, .json or .gguf (default: the checkpoint's, or beside it)",
    )  # fmt: skip
    add_weight_bits(command)


def takes_network(arguments: argparse.Namespace) -> bool:
    """Whether the model is a network. Raises OptionError for options of the other kind."""
    is_network = Path(arguments.model).suffix.lower() in (".tflite", ".onnx")
    given = {"--tokens": arguments.tokens, "--text": arguments.text}
    if not is_network:
        given = {"DATA.npz": arguments.data, "--labels": arguments.labels}
        given["--reference"] = arguments.reference
    wrong = next((name for name, value in given.items() if value is not None), None)
    if wrong is not None:
        other = "a language model" if is_network else "a .tflite or .onnx file"
        raise OptionError(f"evaluate {arguments.model}: {wrong} is for {other}")
    if is_network and arguments.data is None:
        raise OptionError(
            f"evaluate {arguments.model}: no data; give an .npz file with inputs, and labels where "
            "there are some: tilewright evaluate MODEL data.npz --labels y"
        )
    return is_network


def evaluated_network(
    arguments: argparse.Namespace, target: "Target", options: "Options"
) -> "Report":
    """Accuracy and noise. Raises CompileError, ToolError."""
    from tilewright.api_accuracy import Judged, evaluate_network
    from tilewright.run.inputs import read_arrays

    judged = Judged(arguments.labels, arguments.reference, arguments.inferences)
    data = read_arrays(Path(arguments.data))
    return evaluate_network(arguments.model, data, target, options, judged)


def evaluated(arguments: argparse.Namespace) -> "Report":
    """What a language model loses. Raises CompileError."""
    from tilewright.api_evaluate import Texts, evaluate_model

    texts = Texts(arguments.tokens, arguments.text, arguments.calibrate, arguments.tokenizer)
    return evaluate_model(arguments.model, texts, *weight_bits(arguments))
