"""LiteRT's reference kernels, with every intermediate tensor kept."""

import importlib
import os
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from tilewright.errors import ToolError
from tilewright.frontend.tflite_file import read_tflite
from tilewright.ir.types import Array

PACKAGE = "ai-edge-litert"


class LiteRt:
    """A .tflite model in LiteRT, by its reference kernels."""

    def __init__(self, model: Path) -> None:
        """Raises ToolError where the package is missing, or cannot run this model."""
        # LiteRT reads this when it is imported; its banner on stderr tells the user nothing.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        try:
            litert = importlib.import_module("ai_edge_litert.interpreter")
        except ImportError:
            raise ToolError(
                f"no LiteRT to compare with: pip install {PACKAGE}, or "
                "pip install tilewright[verify]"
            ) from None
        try:
            self._interpreter = litert.Interpreter(
                model_path=str(model),
                experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
                experimental_preserve_all_tensors=True,
            )
        except (RuntimeError, ValueError) as error:
            raise _turned_down(error) from None
        _refuse_states_of_bytes(model)

    def tensors(
        self, inputs: Mapping[str, Array], kept: Collection[str] = frozenset()
    ) -> dict[str, Array]:
        """Every tensor of one inference by its name in the file, where the name is unique.

        inputs  by name, or in order where the names are others
        kept    those of them that LiteRT keeps from the inference before
        Raises ToolError where LiteRT cannot prepare or run the model.
        """
        try:
            given = {name: array for name, array in inputs.items() if name not in kept}
            return self._invoked(given)
        except RuntimeError as error:
            raise _turned_down(error) from None

    def _invoked(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        interpreter = self._interpreter
        details = interpreter.get_input_details()
        for detail, by_order in zip(details, inputs.values(), strict=True):
            array = inputs.get(detail["name"], by_order)
            if tuple(detail["shape"]) != array.shape:
                interpreter.resize_tensor_input(detail["index"], array.shape)
        interpreter.allocate_tensors()
        for detail, by_order in zip(details, inputs.values(), strict=True):
            array = inputs.get(detail["name"], by_order)
            if detail["dtype"] == np.int64:  # indices, which are int32 inside
                array = array.astype(np.int64)
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        details = interpreter.get_tensor_details()
        times = Counter(str(detail["name"]) for detail in details)
        found: dict[str, Array] = {}
        for detail in details:
            if times[str(detail["name"])] == 1 and detail["dtype"] is not np.object_:
                try:
                    found[str(detail["name"])] = np.array(interpreter.get_tensor(detail["index"]))
                except ValueError:
                    continue  # a temporary that this operator never filled
        return found


def _refuse_states_of_bytes(model: Path) -> None:
    """SVDF with a state of int8 is TFLite Micro's: LiteRT writes 16-bit numbers into it."""
    file = read_tflite(model)
    for op in file.operators:
        if op.kind == "SVDF" and file.tensors[op.inputs[4]].dtype == "int8":
            raise _turned_down(ValueError(f"SVDF (operator {op.index}) keeps a state of int8"))


def _turned_down(error: Exception) -> ToolError:
    """LiteRT's own words: some legal files need what its reference kernels do not have."""
    words = " ".join(str(error).split())
    return ToolError(f"LiteRT's reference kernels do not take this model: {words}")
