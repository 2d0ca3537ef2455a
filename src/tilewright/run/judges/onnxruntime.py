"""ONNX Runtime without graph optimisations, layer by layer on the inputs that we give each layer.

Differences of one step grow through a network, so a layer is judged on equal inputs: the model is
cut at every tensor that we know, in one copy whose nodes read our tensors and not each other's.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, shape_inference

from tilewright.errors import ToolError
from tilewright.ir.types import Array

PACKAGE = "onnxruntime"
OURS = "tilewright_ours/"


class OnnxRuntime:
    """An .onnx model in ONNX Runtime, optimisations off, one thread."""

    def __init__(self, model: Path) -> None:
        """Raises ToolError where the package is missing."""
        try:
            self._runtime = importlib.import_module("onnxruntime")
        except ImportError:
            raise ToolError(
                f"no ONNX Runtime to compare with: pip install {PACKAGE}, or "
                "pip install tilewright[verify]"
            ) from None
        self._model = shape_inference.infer_shapes(onnx.load(model))

    def outputs(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs of the whole network. ``inputs`` by name."""
        return self._run(self._model, inputs)

    def layers(
        self, inputs: Mapping[str, Array], known: Mapping[str, Array]
    ) -> dict[str, tuple[Array, Array]]:
        """For each known tensor that a node makes: (ours, ONNX Runtime's from our tensors).

        known  by the name in the file, in the file's layout; an int8 array may stand for a uint8
               tensor (stored minus 128), and is returned as uint8 then
        """
        ours = self._as_in_the_file(known)
        cut = onnx.ModelProto()
        cut.CopyFrom(self._model)
        graph = cut.graph
        made = {name for node in graph.node for name in node.output} & ours.keys()
        for node in graph.node:
            for index, name in enumerate(node.input):
                if name in made:
                    node.input[index] = OURS + name
        graph.ClearField("output")
        feeds = dict(inputs)
        for name in sorted(made):
            kind = helper.np_dtype_to_tensor_dtype(ours[name].dtype)
            graph.input.append(helper.make_tensor_value_info(OURS + name, kind, ours[name].shape))
            graph.output.append(helper.make_tensor_value_info(name, kind, None))
            feeds[OURS + name] = ours[name]
        theirs = self._run(cut, feeds)
        return {name: (ours[name], theirs[name]) for name in sorted(made)}

    def _as_in_the_file(self, known: Mapping[str, Array]) -> dict[str, Array]:
        """The tensors whose type agrees with the file's, int8 turned to uint8 where it has that."""
        infos = (*self._model.graph.value_info, *self._model.graph.output)
        kinds = {
            info.name: helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
            for info in infos
        }
        found: dict[str, Array] = {}
        for name, array in known.items():
            kind = kinds.get(name)
            if kind == np.uint8 and array.dtype == np.int8:
                found[name] = array.view(np.uint8) ^ np.uint8(128)
            elif kind == array.dtype:
                found[name] = array
        return found

    def _run(self, model: onnx.ModelProto, feeds: Mapping[str, Array]) -> dict[str, Array]:
        options: Any = self._runtime.SessionOptions()
        options.graph_optimization_level = self._runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session: Any = self._runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        takes = {entry.name: entry.type for entry in session.get_inputs()}
        names = [entry.name for entry in session.get_outputs()]
        given = {
            name: np.asarray(array, np.int64) if takes[name] == "tensor(int64)" else array
            for name, array in feeds.items()
            if name in takes
        }
        results = session.run(names, given)
        return dict(zip(names, results, strict=True))
