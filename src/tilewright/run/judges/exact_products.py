"""uint8 x int8 products written so that ONNX Runtime computes them exactly on every processor.

On x86 without VNNI, ONNX Runtime multiplies uint8 by int8 with an instruction that adds two
products in 16 bits and saturates (its documentation on quantisation says so, and names the way
out: weights as uint8). Written with weights + 128 and zero points + 128 the products are the same
integers, and uint8 x uint8 is added in 32 bits everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

UNSIGNED = "tilewright_uint8/"
"""Before the name of a tensor that is written as uint8."""

CENTRE = 128


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Which inputs of an operator are the activation, the weights and the weights' zero point."""

    activation: int
    weights: int
    zero: int


_PRODUCTS: Mapping[str, _Inputs] = {
    "QLinearConv": _Inputs(0, 3, 5),
    "QLinearMatMul": _Inputs(0, 3, 5),
    "QGemm": _Inputs(0, 3, 5),
    "ConvInteger": _Inputs(0, 1, 3),
    "MatMulInteger": _Inputs(0, 1, 3),
}


def exact_products(model: onnx.ModelProto, kinds: Mapping[str, int]) -> tuple[onnx.ModelProto, int]:
    """The model with every uint8 x int8 product as uint8 x uint8; how many were rewritten.

    kinds  element type (onnx.TensorProto) of every tensor of the main graph
    """
    exact = onnx.ModelProto()
    exact.CopyFrom(model)
    writer = _Writer(exact.graph)
    rewritten = 0
    for node in model.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        form = _PRODUCTS.get(node.op_type)
        if form is not None and _saturates(node, form, kinds):
            writer.unsign(copy, form)
            rewritten += 1
        writer.nodes.append(copy)
    exact.graph.ClearField("node")
    exact.graph.node.extend(writer.nodes)
    return exact, rewritten


def _saturates(node: onnx.NodeProto, form: _Inputs, kinds: Mapping[str, int]) -> bool:
    operands = (node.input[form.activation], node.input[form.weights])
    return tuple(map(kinds.get, operands)) == (TensorProto.UINT8, TensorProto.INT8)


class _Writer:
    """Nodes and constants of the rewritten graph; each tensor is written as uint8 once."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._written: set[str] = set()

    def unsign(self, node: onnx.NodeProto, form: _Inputs) -> None:
        """Let a product read its weights, and their zero point, as uint8."""
        while len(node.input) <= form.zero:
            node.input.append("")
        for index in (form.weights, form.zero):
            node.input[index] = self._unsigned(node.input[index])

    def _unsigned(self, name: str) -> str:
        """``name`` + 128 as uint8; a zero point that is left out is 0."""
        new = UNSIGNED + name
        if new in self._written:
            return new
        self._written.add(new)
        if name == "":
            self._constant(new, np.array(CENTRE, np.uint8))
        elif name in self._constants:
            stored = numpy_helper.to_array(self._constants[name])
            self._constant(new, (stored.astype(np.int16) + CENTRE).astype(np.uint8))
        else:
            self._compute(name, new)
        return new

    def _compute(self, name: str, new: str) -> None:
        """In int32, because older versions do not add 8-bit integers."""
        centre, wide, sum_ = (f"{new}/{part}" for part in ("centre", "wide", "sum"))
        self._constant(centre, np.array(CENTRE, np.int32))
        self.nodes += [
            helper.make_node("Cast", [name], [wide], to=TensorProto.INT32),
            helper.make_node("Add", [wide, centre], [sum_]),
            helper.make_node("Cast", [sum_], [new], to=TensorProto.UINT8),
        ]

    def _constant(
        self, name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
    ) -> None:
        self._graph.initializer.append(numpy_helper.from_array(array, name))
