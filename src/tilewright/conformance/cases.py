"""Cases: one small ONNX model each, with inputs and the outputs that the standard demands."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import onnx
from onnx import numpy_helper

from tilewright.ir.types import Array


@dataclass(frozen=True, slots=True)
class NodeCase:
    """One case of onnx.backend.test.case.node.

    inputs, outputs  in the order of the graph's; None for what is no tensor (a sequence)
    rtol, atol       what the case itself allows
    """

    name: str
    model: onnx.ModelProto
    inputs: tuple[Array | None, ...]
    outputs: tuple[Array | None, ...]
    rtol: float
    atol: float


def node_cases() -> tuple[NodeCase, ...]:
    """Every case that the installed onnx package has, in its order."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases("")
    cases: list[NodeCase] = []
    for case in found:
        if case.model is None or not case.data_sets:
            continue
        given, wanted = cast(tuple[Sequence[object], Sequence[object]], case.data_sets[0])
        arrays = (tuple(map(_array, given)), tuple(map(_array, wanted)))
        cases.append(NodeCase(case.name, case.model, *arrays, case.rtol, case.atol))
    return tuple(cases)


def _array(item: object) -> Array | None:
    if isinstance(item, onnx.TensorProto):
        item = numpy_helper.to_array(item)
    if not isinstance(item, (np.ndarray, np.generic)):
        return None
    return np.asarray(cast(Array, item))


def bindings(case: NodeCase) -> Iterator[tuple[int, ...]]:
    """Which inputs become initialisers: none; the integers, which are shapes, axes and indices in
    most cases; all but the first; all but the first two; all where there are only shapes and
    numbers. Exporters write these as initialisers, the cases have inputs only."""
    count = len(case.inputs)
    integers = tuple(
        i for i, a in enumerate(case.inputs) if i and a is not None and a.dtype.kind in "iub"
    )
    rest = tuple(range(1, count))
    every = tuple(range(count)) if all(map(_is_size, case.inputs)) else rest
    yield from dict.fromkeys(((), integers, rest[1:], rest, every))


def _is_size(array: Array | None) -> bool:
    """Whether an input is one number, or a list of integers that may be a shape."""
    if array is None:
        return False
    return array.ndim == 0 or (array.ndim == 1 and array.dtype.name == "int64")


def bound(case: NodeCase, constant: Sequence[int]) -> onnx.ModelProto:
    """The model with these inputs as initialisers."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    names = [item.name for item in case.model.graph.input]
    for index in constant:
        array = case.inputs[index]
        if array is not None:
            model.graph.initializer.append(numpy_helper.from_array(array, names[index]))
    return model
