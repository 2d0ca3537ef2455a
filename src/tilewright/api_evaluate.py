"""What a language model loses as integers: the same as the command line's, as data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilewright.errors import OptionError
from tilewright.ir.types import Array
from tilewright.llm.budget import Weights
from tilewright.llm.calibrate import FIRST_TOKEN, measured_on, measured_on_itself
from tilewright.llm.formats.checkpoint import read_checkpoint
from tilewright.llm.formats.tokenizer_files import find_tokenizer, read_tokenizer
from tilewright.llm.model import Llama
from tilewright.llm.quantise import quantised_llama
from tilewright.llm.score import layer_losses, scored
from tilewright.report.evaluated import EvaluateReport
from tilewright.run.inputs import read_arrays

LENGTH = 256
"""Tokens of the parts that a text file is cut into, where the context has room for them."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What to evaluate on, one of the two, and what to calibrate on.

    tokens     .npz file with an array ``tokens`` [texts, length]
    text       text file; it is cut into parts that begin with BOS
    calibrate  text file; None: text that the model makes up
    tokenizer  for text files; None: the checkpoint's, or beside it
    """

    tokens: Path | None = None
    text: Path | None = None
    calibrate: Path | None = None
    tokenizer: Path | None = None


def evaluate_model(
    model: Path | str, texts: Texts, bits: int = 8, budget: int | None = None
) -> EvaluateReport:
    """Perplexity and agreement of a checkpoint with weights of ``bits`` against float32.

    budget  bytes that all constants may take instead: bits are chosen matrix by matrix

    Raises CompileError where a file or an option is at fault.
    """
    path = Path(model)
    llama = read_checkpoint(path)
    if (texts.tokens is None) == (texts.text is None):
        raise OptionError("evaluate takes --tokens FILE.npz or --text FILE, one of the two")
    if texts.tokens is not None:
        parts = _from_arrays(texts.tokens, llama)
    else:
        assert texts.text is not None
        parts = _from_text(texts.text, llama, path, texts.tokenizer)
    if texts.calibrate is None:
        seen = measured_on_itself(llama)
    else:
        seen = measured_on(llama, _from_text(texts.calibrate, llama, path, texts.tokenizer))
    widths = Weights(bits, budget).widths(llama, seen)
    integers = quantised_llama(llama, seen, widths)
    predicted = sum(len(part) - 1 for part in parts)
    score = scored(llama, integers, parts)
    return EvaluateReport(
        llama.name, predicted, widths, score, layer_losses(llama, integers, parts[0])
    )


def _from_arrays(path: Path, llama: Llama) -> list[Array]:
    arrays = read_arrays(path)
    if "tokens" not in arrays:
        raise OptionError(f"{path}: no array 'tokens' in it, but {', '.join(arrays) or 'none'}")
    tokens, shape = arrays["tokens"], llama.shape
    if tokens.ndim != 2 or tokens.dtype.kind not in "iu" or tokens.shape[0] < 1:
        raise OptionError(
            f"{path}: tokens is {tokens.dtype.name}{list(tokens.shape)}; integers [texts, length] "
            "are wanted"
        )
    if not 2 <= tokens.shape[1] <= shape.context:
        raise OptionError(
            f"{path}: texts of {tokens.shape[1]} tokens; {llama.name} takes 2 to {shape.context}"
        )
    if tokens.min() < 0 or tokens.max() >= shape.vocabulary:
        raise OptionError(
            f"{path}: tokens from {tokens.min()} to {tokens.max()}; the vocabulary of {llama.name} "
            f"has 0 to {shape.vocabulary - 1}: was the file made with another tokenizer?"
        )
    return [*tokens.astype(np.int64)]


def _from_text(path: Path, llama: Llama, model: Path, tokenizer: Path | None) -> list[Array]:
    """Parts of up to LENGTH tokens, each after BOS."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise OptionError(f"{path}: cannot be read: {error.strerror or error}") from None
    words = find_tokenizer(model) if tokenizer is None else read_tokenizer(tokenizer)
    words.check_fits(str(tokenizer or model), llama.shape.vocabulary)
    tokens = np.array(words.encode(raw)[1:], np.int64)
    size = min(LENGTH, llama.shape.context) - 1
    if not len(tokens):
        raise OptionError(f"{path}: there is no text in it")
    cut = [tokens[start : start + size] for start in range(0, len(tokens), size)]
    return [np.concatenate([[FIRST_TOKEN], part]) for part in cut]
