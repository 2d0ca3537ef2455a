"""MAC per cycle of N-EUREKA's kernels over a grid of layers, by the cycle model that equals the
simulated engine: the tables of the pack's README."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature
from tilewright.ir.types import DType, TensorType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.ops.window2d import Window2d
from tilewright.targets.packs.neureka.pack import NEUREKA

OUTPUT = Requantise(Rounding.HALF_UP)
SAME = (1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with its input and its weights."""

    name: str
    op: Op
    x: tuple[int, ...]
    w: tuple[int, ...]

    @property
    def signature(self) -> Signature:
        """With a scale for every channel."""
        outputs = self.w[2] if isinstance(self.op, QDepthwiseConv2d) else self.w[0]
        x, w = TensorType(DType.S8, self.x), TensorType(DType.S8, self.w)
        tables = (
            TensorType(DType.S32, (outputs,)),
            TensorType(DType.S32, (outputs,)),
            TensorType(DType.S8, (outputs,)),
        )
        inputs = (x, w, *tables)
        return Signature(inputs, self.op.infer(*inputs))


def conv2d(size: int, inputs: int, outputs: int, kernel: int, stride: int = 1) -> Layer:
    """A square image, padded on all sides where the window is 3x3."""
    pads = SAME if kernel == 3 else (0, 0, 0, 0)
    if stride > 1 and kernel == 3:
        pads = (0, 0, 1, 1)
    window = Window2d((kernel, kernel), (stride, stride), pads)
    moves = f"/{stride}" if stride > 1 else ""
    name = f"{kernel}x{kernel}{moves}, {inputs} to {outputs} channels, {size}x{size}"
    shape, weights = (1, size, size, inputs), (outputs, kernel, kernel, inputs)
    return Layer(name, QConv2d(window, output=OUTPUT), shape, weights)


def depthwise(size: int, channels: int) -> Layer:
    """3x3 over a padded square image."""
    op = QDepthwiseConv2d(Window2d((3, 3), pads=SAME), OUTPUT)
    name = f"depthwise 3x3, {channels} channels, {size}x{size}"
    return Layer(name, op, (1, size, size, channels), (3, 3, channels))


def dense(vectors: int, length: int, outputs: int) -> Layer:
    """So many vectors by one matrix."""
    name = f"dense, {vectors} x {length} to {outputs}"
    return Layer(name, QDense(OUTPUT), (vectors, length), (outputs, length))


LAYERS = (
    conv2d(6, 32, 32, 1),
    conv2d(12, 64, 64, 1),
    conv2d(24, 128, 128, 1),
    conv2d(24, 33, 33, 1),
    conv2d(6, 28, 32, 3),
    conv2d(12, 56, 64, 3),
    conv2d(32, 16, 16, 3),
    conv2d(8, 64, 64, 3),
    conv2d(32, 16, 32, 3, 2),
    conv2d(96, 3, 8, 3, 2),
    conv2d(32, 16, 32, 1, 2),
    depthwise(12, 28),
    depthwise(24, 64),
    depthwise(48, 8),
    dense(1, 252, 128),
    dense(1, 640, 128),
    dense(1, 128, 640),
    dense(1, 64, 64),
    dense(64, 64, 64),
    dense(64, 256, 64),
)


def fastest(layer: Layer) -> tuple[Kernel, int]:
    """The kernel that takes the layer in the fewest cycles, and how many those are."""
    signature = layer.signature
    willing = [k for k in NEUREKA if k.objection(layer.op, signature) is None]
    best = min(willing, key=lambda kernel: kernel.cycles(layer.op, signature))
    return best, best.cycles(layer.op, signature)


def table(layers: Sequence[Layer] = LAYERS) -> str:
    """A table in Markdown."""
    return "\n".join(_lines(layers))


def _lines(layers: Sequence[Layer]) -> Iterator[str]:
    yield "| layer | kernel | cycles | MAC/cycle |"
    yield "|---|---|--:|--:|"
    for layer in layers:
        kernel, cycles = fastest(layer)
        macs = layer.op.macs(*layer.signature.inputs)
        yield f"| {layer.name} | `{kernel.symbol}` | {cycles:,} | {macs / cycles:.1f} |"


if __name__ == "__main__":
    print(table())
