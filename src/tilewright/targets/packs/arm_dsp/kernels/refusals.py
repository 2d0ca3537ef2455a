"""Why a kernel of this pack leaves an operator to the portable one."""

from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense

Product = QConv2d | QDepthwiseConv2d | QDense


def refuse_dilation(dilations: tuple[int, int]) -> str | None:
    """None for windows without holes."""
    return None if dilations == (1, 1) else f"dilation is {dilations[0]}x{dilations[1]}, not 1x1"
