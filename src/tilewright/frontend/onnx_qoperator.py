"""QOperator form → QDQ form: QLinearConv(x, ...) means Q(Conv(DQ(x), ...)), and so on.

ONNX and ONNX Runtime define these operators by that identity, so one importer serves both forms.
Tensors that the file does not have are named with "//", which exporters do not write.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import Attribute, OnnxNode
from tilewright.frontend.onnx_forms import CHANNELS_LAST
from tilewright.frontend.onnx_tensors import Constant
from tilewright.ir.types import Quantisation


@dataclass(slots=True)
class _Expansion:
    """One QOperator node being written as several."""

    node: OnnxNode
    constants: dict[str, Constant]
    nodes: list[OnnxNode]

    def real(self, index: int, axis: int = 0) -> str:
        """Inputs ``index`` .. ``index + 2`` (tensor, scale, zero point) as real numbers."""
        name = f"{self.node.output}//real{index}"
        inputs = tuple(
            self.node.inputs[i] if self.node.has(i) else "" for i in range(index, index + 3)
        )
        attributes: Mapping[str, Attribute] = {"axis": axis}
        self.nodes.append(
            OnnxNode(
                f"{self.node.name}.real{index}", "DequantizeLinear", inputs, (name,), attributes
            )
        )
        return name

    def bias(self, index: int, scale_indices: tuple[int, int], factor: float) -> str:
        """An int32 bias, whose scale is the product of two others; "" where it is absent."""
        node = self.node
        if not node.has(index):
            return ""
        arrays = [self._array(i) for i in (index, *scale_indices)]
        steps = (arrays[1].astype(np.float64) * arrays[2].astype(np.float64)).reshape(-1) * factor
        name = f"{node.output}//bias"
        scales = tuple(float(s) for s in steps)
        axis = None if len(scales) == 1 else 0
        self.constants[name] = Constant(
            arrays[0].reshape(-1), Quantisation(scales, (0,) * len(scales), axis)
        )
        return name

    def compute(self, kind: str, inputs: Iterable[str], scale_index: int) -> None:
        """The operator itself, then its QuantizeLinear."""
        node = self.node
        result = f"{node.output}//real"
        self.nodes.append(replace(node, kind=kind, inputs=tuple(inputs), outputs=(result,)))
        zero = node.inputs[scale_index + 1] if node.has(scale_index + 1) else ""
        quantised = (result, node.input(scale_index), zero)
        self.nodes.append(
            OnnxNode(f"{node.name}.stored", "QuantizeLinear", quantised, (node.output,), {})
        )

    def _array(self, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        name = self.node.input(index)
        if name not in self.constants:
            raise UnsupportedError(f"{self.node}: {name} is computed at run time, not constant")
        return self.constants[name].array


def expanded(node: OnnxNode, constants: dict[str, Constant]) -> tuple[OnnxNode, ...]:
    """The node in QDQ form; other nodes as they are. Bias constants are added to ``constants``."""
    if node.kind not in _FORMS:
        return (node,)
    expansion = _Expansion(node, constants, [])
    _FORMS[node.kind](expansion)
    return tuple(expansion.nodes)


def _conv(e: _Expansion) -> None:
    bias = e.bias(8, (1, 4), 1.0)
    e.compute("Conv", filter(None, (e.real(0), e.real(3), bias)), 6)


def _matmul(e: _Expansion) -> None:
    e.compute("MatMul", (e.real(0), e.real(3, axis=-1)), 6)


def _gemm(e: _Expansion) -> None:
    axis = 0 if e.node.integer("transB", 0) else 1
    bias = e.bias(6, (1, 4), e.node.number("alpha", 1.0))
    inputs = tuple(filter(None, (e.real(0), e.real(3, axis), bias)))
    if e.node.has(7):
        e.compute("Gemm", inputs, 7)
    else:  # the result is real
        e.nodes.append(replace(e.node, kind="Gemm", inputs=inputs))


def _binary(kind: str) -> Callable[[_Expansion], None]:
    return lambda e: e.compute(kind, (e.real(0), e.real(3)), 6)


def _unary(kind: str) -> Callable[[_Expansion], None]:
    return lambda e: e.compute(kind, (e.real(0),), 3)


def _pool(kind: str) -> Callable[[_Expansion], None]:
    """``channels_last``: the form of the same pool whose channels are the last dimension."""

    def write(e: _Expansion) -> None:
        is_last = e.node.integer("channels_last", 0)
        e.compute(CHANNELS_LAST + kind if is_last else kind, (e.real(0),), 3)

    return write


def _where(e: _Expansion) -> None:
    e.compute("Where", (e.node.input(0), e.real(1), e.real(4)), 7)


def _concat(e: _Expansion) -> None:
    if len(e.node.inputs) < 5 or len(e.node.inputs) % 3 != 2:
        raise ModelError(f"{e.node}: has {len(e.node.inputs)} inputs; 2 + 3 per tensor are meant")
    e.compute("Concat", [e.real(i) for i in range(2, len(e.node.inputs), 3)], 0)


_FORMS: Mapping[str, Callable[[_Expansion], None]] = {
    "QLinearConv": _conv,
    "QLinearMatMul": _matmul,
    "QGemm": _gemm,
    "QLinearAdd": _binary("Add"),
    "QLinearMul": _binary("Mul"),
    "QLinearAveragePool": _pool("AveragePool"),
    "QLinearGlobalAveragePool": _pool("GlobalAveragePool"),
    "QLinearReduceMean": _unary("ReduceMean"),
    "QLinearWhere": _where,
    "QLinearSigmoid": _unary("Sigmoid"),
    "QLinearLeakyRelu": _unary("LeakyRelu"),
    "QLinearSoftmax": _unary("Softmax"),
    "QLinearConcat": _concat,
}
