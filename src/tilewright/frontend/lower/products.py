"""Matrix products of two activations, alike for every integer contract: only the rescaling differs.

Sums and their bound are exact; the scale is the product of both inputs' over the output's. The
tflite reference multiplies the two scales in float32 (GetQuantizedConvolutionMultipler).
"""

import numpy as np

from tilewright.errors import QuantisationError
from tilewright.frontend.lower.lowering import Lowering, LowerRules
from tilewright.ir.graph import Contract, Node
from tilewright.ops.matmul import MatMul, QMatMul, largest_product
from tilewright.ops.rescale import (
    INT32_MAX,
    FixedPoint,
    Rounding,
    fixed_point,
    fixed_point_within,
)


def lower_matmul(lowering: Lowering, node: Node) -> None:
    """MatMul → QMatMul."""
    op = node.op
    assert isinstance(op, MatMul)
    a, b, y = (lowering.quantisation(node, name) for name in (*node.inputs, node.output))
    depth = lowering.source.type(node.inputs[0]).shape[-1]
    reach = depth * largest_product(a.zero_point, b.zero_point)
    if reach > INT32_MAX:
        raise QuantisationError(
            f"{node}: sums of {depth} products can reach {reach}, which int32 ({INT32_MAX}) "
            "cannot hold; split the inner dimension, or quantise with zero points near 0"
        )
    lowered = QMatMul(
        transposes_b=op.transposes_b,
        a_zero=a.zero_point,
        b_zero=b.zero_point,
        scale=_scale(lowering, node, _step(lowering, a.scale, b.scale) / y.scale, reach),
        output=lowering.requantise(node),
    )
    lowering.emit(node, lowered, tuple(lowering.value(name) for name in node.inputs))


PRODUCT_RULES: LowerRules = {MatMul: lower_matmul}


def _step(lowering: Lowering, a_scale: float, b_scale: float) -> float:
    """Real value of one accumulator step."""
    if lowering.contract is Contract.TFLITE:
        return float(np.float32(a_scale) * np.float32(b_scale))
    return a_scale * b_scale


def _scale(lowering: Lowering, node: Node, real: float, reach: int) -> FixedPoint:
    """The fixed-point scale. Rescaled sums must leave room for the output's zero point."""
    # The double rounding shifts sums left before it multiplies by a half or more.
    if 2 * reach * real >= INT32_MAX - 2**9:
        raise QuantisationError(
            f"{node}: sums reach {reach * real:.4g} in units of {node.output}'s scale, which "
            f"saturates at 128 and overflows int32 beyond {INT32_MAX // 2}; the scale of "
            f"{node.output} is too small by far"
        )
    if lowering.rounding is Rounding.HALF_UP:
        return fixed_point_within(real, reach)
    return fixed_point(real, lowering.rounding)
