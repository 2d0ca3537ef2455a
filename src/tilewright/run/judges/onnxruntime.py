"""ONNX Runtime without graph optimisations, layer by layer on the inputs that we give each layer.

Differences of one step grow through a network, so a layer is judged on equal inputs: the model is
cut at every tensor that we know, in one copy whose nodes read our tensors and not each other's.

uint8 x int8 products are judged with their weights as uint8: see ``exact_products``.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, shape_inference

from tilewright.errors import ToolError
from tilewright.ir.types import Array
from tilewright.run.judges.exact_products import exact_products

PACKAGE = "onnxruntime"
OURS = "tilewright_ours/"

_Signature = Mapping[str, tuple[np.dtype[np.generic], tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Layer:
    """One tensor of the file as two parties have it.

    roundings  how often values are rounded to integers between the tensors that both were given
               and this one; more than one where we do not hold a tensor in between
    """

    ours: Array
    theirs: Array
    roundings: int


@dataclass(frozen=True, slots=True)
class _Cut:
    """A session whose layers read tensors of these types and shapes, all given from outside."""

    signature: _Signature
    session: Any
    roundings: Mapping[str, int]


class OnnxRuntime:
    """An .onnx model in ONNX Runtime, optimisations off, one thread, products exact."""

    def __init__(self, model: Path | onnx.ModelProto) -> None:
        """Raises ToolError where the package is missing, or cannot load this model."""
        try:
            self._runtime = importlib.import_module("onnxruntime")
        except ImportError:
            raise ToolError(
                f"no ONNX Runtime to compare with: pip install {PACKAGE}, or "
                "pip install tilewright[verify]"
            ) from None
        loaded = onnx.load(model) if isinstance(model, Path) else model
        source = shape_inference.infer_shapes(loaded)
        self._kinds = self._element_types(source)
        self._model, self._rewritten = exact_products(source, self._kinds)
        self._whole: Any = None
        self._cut: _Cut | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was judged in another form than the file's, and why."""
        if not self._rewritten:
            return ()
        layers = "one layer" if self._rewritten == 1 else f"{self._rewritten} layers"
        return (
            f"ONNX Runtime judged {layers} of uint8 x int8 products with the weights as uint8 "
            "(weights and zero points + 128, the same integers): as the file has them, it adds "
            "them in 16 bits that saturate on x86 processors without VNNI",
        )

    def outputs(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs of the whole network. ``inputs`` by name."""
        if self._whole is None:
            self._whole = self._session(self._model)
        return _run(self._whole, inputs)

    def layers(self, inputs: Mapping[str, Array], known: Mapping[str, Array]) -> dict[str, Layer]:
        """Each known tensor that a node makes: ours, and ONNX Runtime's from our tensors.

        known  by the name in the file, in the file's layout; an int8 array may stand for a uint8
               tensor (stored minus 128), and is returned as uint8 then
        """
        ours = self._as_in_the_file(known)
        made = {name for node in self._model.graph.node for name in node.output} & ours.keys()
        signature = {name: (ours[name].dtype, ours[name].shape) for name in sorted(made)}
        if not signature:
            return {}
        if self._cut is None or self._cut.signature != signature:
            self._cut = self._cut_at(signature)
        cut = self._cut
        theirs = _run(cut.session, {**inputs, **{OURS + name: ours[name] for name in made}})
        return {
            name: Layer(ours[name], theirs[name], cut.roundings[name]) for name in cut.signature
        }

    def _cut_at(self, signature: _Signature) -> _Cut:
        """The model whose nodes read our tensors and not each other's."""
        cut = onnx.ModelProto()
        cut.CopyFrom(self._model)
        graph = cut.graph
        for node in graph.node:
            for index, name in enumerate(node.input):
                if name in signature:
                    node.input[index] = OURS + name
        graph.ClearField("output")
        for name, (dtype, shape) in signature.items():
            kind = helper.np_dtype_to_tensor_dtype(dtype)
            graph.input.append(helper.make_tensor_value_info(OURS + name, kind, shape))
            graph.output.append(helper.make_tensor_value_info(name, kind, None))
        return _Cut(signature, self._session(cut), _roundings(graph))

    def _as_in_the_file(self, known: Mapping[str, Array]) -> dict[str, Array]:
        """The tensors whose type agrees with the file's, int8 turned to uint8 where it has that."""
        found: dict[str, Array] = {}
        for name, array in known.items():
            kind = self._kinds.get(name)
            if kind == TensorProto.UINT8 and array.dtype == np.int8:
                found[name] = array.view(np.uint8) ^ np.uint8(128)
            elif kind == helper.np_dtype_to_tensor_dtype(array.dtype):
                found[name] = array
        return found

    def _element_types(self, model: onnx.ModelProto) -> dict[str, int]:
        """The element type of every tensor of the main graph, as ONNX Runtime infers it.

        onnx alone does not know the operators of com.microsoft, nor what follows them.
        """
        graph = model.graph
        kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
        for info in (*graph.input, *graph.value_info, *graph.output):
            kinds[info.name] = info.type.tensor_type.elem_type
        made = [name for node in graph.node for name in node.output if name]
        unknown = [name for name in made if not kinds.get(name)]
        if not unknown:
            return kinds
        whole = onnx.ModelProto()
        whole.CopyFrom(model)
        whole.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in unknown)
        for entry in self._session(whole).get_outputs():
            kinds[entry.name] = _element_type(entry.type)
        return kinds

    def _session(self, model: onnx.ModelProto) -> Any:
        options: Any = self._runtime.SessionOptions()
        options.graph_optimization_level = self._runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            return self._runtime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no other base
            words = " ".join(str(error).split())
            raise ToolError(f"ONNX Runtime does not take this model: {words}") from None


def _run(session: Any, feeds: Mapping[str, Array]) -> dict[str, Array]:
    takes = {entry.name: entry.type for entry in session.get_inputs()}
    names = [entry.name for entry in session.get_outputs()]
    given = {name: _as_taken(array, takes[name]) for name, array in feeds.items() if name in takes}
    return dict(zip(names, session.run(names, given), strict=True))


def _as_taken(array: Array, words: str) -> Array:
    """The same integers in the file's type: here plain integers are int32, whatever it has."""
    kind = _element_type(words)
    if array.dtype.kind not in "iu" or kind not in _INTEGERS:
        return np.asarray(array)
    return np.asarray(array).astype(helper.tensor_dtype_to_np_dtype(kind))


_INTEGERS = frozenset({
    TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16, TensorProto.INT32,
    TensorProto.UINT32, TensorProto.INT64, TensorProto.UINT64, TensorProto.BOOL,
})  # fmt: skip


def _element_type(words: str) -> int:
    """``tensor(uint8)`` as onnx's number of that type; UNDEFINED for what is no tensor."""
    name = words.removeprefix("tensor(").removesuffix(")").upper()
    return int(getattr(TensorProto, name, TensorProto.UNDEFINED))


def _roundings(graph: onnx.GraphProto) -> dict[str, int]:
    """For each tensor that a node makes: roundings since the graph's inputs, on the longest way."""
    found: dict[str, int] = {}
    for node in graph.node:  # in topological order, as the format demands
        before = max((found.get(name, 0) for name in node.input), default=0)
        found.update(dict.fromkeys(node.output, before + _rounds(node.op_type)))
    return found


def _rounds(kind: str) -> bool:
    """Whether an operator stores integers that it has rounded from real numbers."""
    return kind in ("QuantizeLinear", "DynamicQuantizeLinear", "QGemm") or kind.startswith(
        "QLinear"
    )
