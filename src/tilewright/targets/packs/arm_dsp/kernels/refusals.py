"""Why a kernel of this pack leaves an operator to the portable one."""

from tilewright.ir.op import Op
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.rescale import Rounding

Product = QConv2d | QDepthwiseConv2d | QDense


def refuse_product(op: Op, kind: type[Product], rounding: Rounding) -> str | None:
    """None for a product of one class that rounds in one way, with symmetric weights."""
    if not isinstance(op, kind):
        return f"not a {kind.__name__} but a {type(op).__name__}"
    assert isinstance(op, Product)
    if op.output.rounding is not rounding:
        return f"rounds as {rounding.value}, the operator as {op.output.rounding.value}"
    if op.w_zero:
        return f"the weights' zero point is {op.w_zero}, not 0"
    return None


def refuse_dilation(dilations: tuple[int, int]) -> str | None:
    """None for windows without holes."""
    return None if dilations == (1, 1) else f"dilation is {dilations[0]}x{dilations[1]}, not 1x1"
