"""How depthwise kernels lay out input rows in scratch."""

from dataclasses import dataclass

from tilewright.ir.target import Signature
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.targets.packs.helium.kernels.weights import LANES
from tilewright.targets.packs.terms import groups

AT_ONCE = 32
"""Output pixels whose sums of four channels wait in scratch."""

MOST_TURNED = 256
"""Elements of a window whose weights a gather by bytes can follow."""

BLOCK_BYTES = 4096
"""Of the rows that a block of channels holds, unless four channels take more."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How input rows lie in scratch: one plane per channel, the bytes of kernel_h rows alternating.

    Padding at a row's right end is the padding at the left end of the next channel's rows, as far
    as both go.
    """

    taps: int
    """Elements of a window, the zeros between dilated columns too."""
    columns: int
    """Of the input, that windows read."""
    plane: int
    """Bytes from channel to channel."""
    shared: int
    """Bytes of padding after the last channel."""

    @staticmethod
    def of(op: QDepthwiseConv2d, signature: Signature) -> "Geometry":
        """What a call needs."""
        window = op.window
        rows, extent_w = window.kernel[0], window.extent[1]
        wanted = (signature.output.shape[2] - 1) * window.strides[1] + extent_w
        left = min(window.pads[1], wanted)
        columns = min(signature.inputs[0].shape[2], wanted - left)
        shared = min(left, wanted - left - columns)
        return Geometry(rows * extent_w, columns, rows * (wanted - shared), rows * shared)

    @property
    def vectors(self) -> int:
        """Of a window."""
        return groups(self.taps, LANES)

    def turns(self, op: QDepthwiseConv2d) -> bool:
        """Whether a new input row takes the place of the oldest."""
        return op.window.dilations[0] == 1 and self.taps <= MOST_TURNED

    def planes(self, channels: int) -> int:
        """Bytes of scratch for the rows of so many channels."""
        return channels * self.plane + self.shared

    def block(self, channels: int) -> int:
        """Channels that go together where not all do: all, or a multiple of eight, or four."""
        eights = BLOCK_BYTES // (8 * self.plane)
        return min(channels, 8 * eights or (8 if channels < 8 else 4))
