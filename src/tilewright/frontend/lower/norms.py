"""Layer and RMS normalisation in integers: the same for the onnx and the pulp contract."""

import numpy as np

from tilewright.frontend.lower.lowering import Lowering, LowerRules, dequantised
from tilewright.ir.graph import Node, ValueName
from tilewright.ir.types import Array
from tilewright.ops.norm_onnx import norm_tables, rescaled_norm
from tilewright.ops.normalisation import LayerNorm, RmsNorm


def lower_norm(lowering: Lowering, node: Node) -> None:
    """LayerNorm and RmsNorm → RescaledNorm with tables over the output's scale."""
    op = node.op
    assert isinstance(op, (LayerNorm, RmsNorm))
    x, y = (lowering.quantisation(node, name) for name in (node.inputs[0], node.output))
    scale, *rest = (_real(lowering, name) / y.scale for name in node.inputs[1:])
    bias = rest[0] if rest else np.zeros_like(scale)
    lowered = rescaled_norm(
        lowering.source.type(node.output).shape[-1],
        is_centred=isinstance(op, LayerNorm), x_zero=x.zero_point,
        epsilon=op.epsilon / x.scale**2,
        gain=float(np.abs(scale).max()), offset=float(np.abs(bias).max()),
    )  # fmt: skip
    factors, offsets = norm_tables(lowered, scale, bias, y.zero_point)
    tables = (
        lowering.constant(node, "factors", factors),
        lowering.constant(node, "offsets", offsets),
    )
    lowering.emit(node, lowered, (lowering.value(node.inputs[0]), *tables))


def _real(lowering: Lowering, name: ValueName) -> Array:
    array = lowering.source.constants[name]
    quantisation = lowering.source.values[name].quantisation
    real = array if quantisation is None else dequantised(array, quantisation)
    return real.astype(np.float64)


NORM_RULES: LowerRules = {LayerNorm: lower_norm, RmsNorm: lower_norm}
