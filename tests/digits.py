"""The network that stands in the repository, compiled once per test session."""

from functools import cache
from pathlib import Path

import numpy as np

from tilewright.ir.types import Array
from tilewright.pipeline import Compilation, Options, compile_model, load_target

FOLDER = Path(__file__).parents[1] / "examples" / "digits"
MODEL = FOLDER / "digits_int8.onnx"


@cache
def compiled_digits() -> Compilation:
    """The digits network for this machine."""
    return compile_model(MODEL, load_target("host"), Options())


def some_digits(inferences: int) -> Array:
    """Test images as the network takes them, [inferences, 1, 1, 8, 8]."""
    with np.load(FOLDER / "digits_test.npz") as archive:
        return archive["image"][:inferences]
