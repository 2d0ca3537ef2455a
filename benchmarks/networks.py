"""Instructions of networks like public ones, layer by layer, against half of TFLite Micro's.

The layers have the windows, strides and channels of networks that nobody tuned for, with random
weights: their files are not part of this repository. Each layer is compiled for the board and
counted by QEMU's plugin. TFLite Micro with CMSIS-NN was counted on the real files with the same
emulator and counter; ours may take half of that. Exit code 1 where it takes more.

    benchmarks/networks.py cortex-m4               all networks; writes benchmarks/results/
    benchmarks/networks.py cortex-m4 micro wake    those with these words in their names
"""

import argparse
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

from calibrate import programs
from chosen import Call, Draw
from counted import measure
from shape_classes import tables, window_of

from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.arithmetic_tflite import QAdd
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding, fixed_point
from tilewright.ops.softmax_tflite import QSoftmax, exp_table
from tilewright.pipeline import load_target

RESULTS = Path(__file__).parent / "results"
SHARE = 0.5
"""Of TFLite Micro's instructions, at most."""
LINEAR, RELU = Requantise(Rounding.DOUBLE, 3), Requantise(Rounding.DOUBLE, -128)


@dataclass(slots=True)
class Builder:
    """Layers one after the other; ``shape``: NHWC of what the next one reads."""

    draw: Draw
    shape: tuple[int, ...]
    w_zero: int = 0
    calls: list[Call] = field(default_factory=list[Call])

    def conv(
        self, o: int, kernel: tuple[int, int] = (1, 1), stride: tuple[int, int] = (1, 1), *,
        output: Requantise = RELU, is_same: bool = True,
    ) -> None:  # fmt: skip
        """Ungrouped."""
        _, h, w, c = self.shape
        window = window_of(kernel, stride, 1, (h, w), is_same=is_same)
        op = QConv2d(window, 1, False, output, -128, self.w_zero)
        weights = self.draw.weights(o, *kernel, c)
        self._add(op, weights, *tables(self.draw, prod(kernel) * c, o, Rounding.DOUBLE))

    def depthwise(
        self, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1), *,
        multiplier: int = 1, is_same: bool = True,
    ) -> None:  # fmt: skip
        """Followed by a Relu, as nearly everywhere."""
        _, h, w, c = self.shape
        window = window_of(kernel, stride, 1, (h, w), is_same=is_same)
        op = QDepthwiseConv2d(window, RELU, -128, self.w_zero)
        o = c * multiplier
        weights = self.draw.weights(*kernel, o)
        self._add(op, weights, *tables(self.draw, prod(kernel), o, Rounding.DOUBLE))

    def dense(self, o: int) -> None:
        """Of everything there is."""
        k = prod(self.shape)
        self.shape = (1, k)
        made = tables(self.draw, k, o, Rounding.DOUBLE)
        self._add(QDense(LINEAR, self.w_zero), self.draw.weights(o, k), *made)

    def add(self) -> None:
        """A residual of the same shape."""
        points = fixed_point(0.5, Rounding.DOUBLE), fixed_point(0.37, Rounding.DOUBLE)
        total = fixed_point(2.0**-19 * 0.7, Rounding.DOUBLE)
        op = QAdd(3, -128, *points, total, RELU)
        self.calls.append(Call(op, (self.draw.s8(*self.shape), self.draw.s8(*self.shape)), 2))

    def max_pool(
        self, kernel: tuple[int, int] = (2, 2), stride: tuple[int, int] | None = None
    ) -> None:
        """Over windows that lie inside the image, side by side where nothing else is said."""
        _, h, w, _ = self.shape
        window = window_of(kernel, stride or kernel, 1, (h, w), is_same=False)
        self._add(MaxPool2d(window))

    def fire(self, squeezed: int, expanded: int) -> None:
        """Of SqueezeNet: 1x1, then 1x1 and 3x3 side by side."""
        self.conv(squeezed)
        narrow = self.shape
        self.conv(expanded)
        self.shape = narrow
        self.conv(expanded, (3, 3))
        self.shape = (*narrow[:3], 2 * expanded)

    def softmax(self) -> None:
        """Of the last layer."""
        self._add(QSoftmax(), exp_table(1.0, 0.1))

    def inverted(self, o: int, expansion: int, kernel: int, stride: int = 1) -> None:
        """An inverted residual of MobileNetV2 or MCUNet."""
        c = self.shape[3]
        self.conv(c * expansion)
        self.depthwise((kernel, kernel), (stride, stride))
        self.conv(o, output=LINEAR)
        if stride == 1 and o == c:
            self.add()

    def separable(self, o: int, stride: int = 1) -> None:
        """Of MobileNetV1 and the detectors that follow it."""
        self.depthwise((3, 3), (stride, stride))
        self.conv(o)

    def _add(self, op: Op, *constants: Array) -> None:
        call = Call(op, (self.draw.s8(*self.shape), *constants))
        self.calls.append(call)
        self.shape = call.signature.output.shape


def micro_speech(b: Builder) -> None:
    """TensorFlow's: [49][40] features of a second of speech."""
    b.depthwise((10, 8), (2, 2), multiplier=8)
    b.dense(4)
    b.softmax()


def wake_word(b: Builder) -> None:
    """MLPerf Tiny's streaming wake word: [30][1][40] features."""
    for kernel, o in ((3, 128), (5, 128), (10, 128), (15, 32)):
        b.depthwise((kernel, 1), is_same=False)
        b.conv(o)
    b.dense(3)
    b.softmax()


def mcunet(b: Builder) -> None:
    """MCUNet for visual wake words, [80][80][3]: 12 M products."""
    b.conv(16, (3, 3), (2, 2))
    b.separable(8)
    for o, expansion, kernel, stride in (
        (16, 3, 7, 2), (16, 3, 3, 1), (16, 5, 5, 1), (24, 5, 7, 2), (24, 4, 5, 1), (24, 5, 5, 1),
        (40, 5, 7, 2), (40, 5, 7, 1), (48, 4, 5, 1), (48, 4, 5, 1),
        (96, 5, 5, 2), (96, 5, 5, 1), (160, 4, 7, 1),
    ):  # fmt: skip
        b.inverted(o, expansion, kernel, stride)
    b.dense(2)


def ssd_slim(b: Builder) -> None:
    """A slim face detector, [120][160][3], with two of its heads."""
    b.conv(16, (3, 3), (2, 2))
    for o, stride in (
        (32, 1), (32, 2), (32, 1), (64, 2), (64, 1), (64, 1), (64, 1),
        (128, 2), (128, 1), (128, 1), (256, 2), (256, 1),
    ):  # fmt: skip
        b.separable(o, stride)
    b.conv(12, (3, 3), output=LINEAR)


def resnet(b: Builder) -> None:
    """ResNet-20 for CIFAR-10: 41 M products."""
    b.conv(16, (3, 3))
    for o in (16, 32, 64):
        for block in range(3):
            b.conv(o, (3, 3), (1 + (o > 16 and block == 0),) * 2)
            b.conv(o, (3, 3), output=LINEAR)
            b.add()


def mobilenet(b: Builder) -> None:
    """MobileNetV1 0.25 at 128x128 in uint8: weights have a zero point."""
    b.conv(8, (3, 3), (2, 2))
    for o, stride in (
        (16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *((128, 1),) * 5, (256, 2), (256, 1),
    ):  # fmt: skip
        b.separable(o, stride)
    b.dense(10)


def person_detect(b: Builder) -> None:
    """MobileNetV1 0.25 at 96x96 from one channel."""
    b.depthwise((3, 3), (2, 2), multiplier=8)
    for o, stride in (
        (16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *((128, 1),) * 5, (256, 2), (256, 1),
    ):  # fmt: skip
        b.separable(o, stride)
    b.dense(2)


def cnn_small(b: Builder) -> None:
    """CNN-S of Zhang, Suda, Lai and Chandra, Hello Edge, 2017: [49][10] features."""
    b.conv(28, (10, 4), is_same=False)
    b.conv(30, (10, 4), (2, 1), is_same=False)
    b.dense(16)
    b.dense(128)
    b.dense(12)
    b.softmax()


def micronet(b: Builder) -> None:
    """The small keyword network of Banbury et al., MicroNets, 2021: 8.4 M products."""
    b.conv(84, (10, 4))
    for o, stride in ((112, 2), (84, 1), (84, 1), (84, 1), (196, 1)):
        b.separable(o, stride)
    b.dense(12)
    b.softmax()


def mcunet_v2(b: Builder) -> None:
    """Inverted residuals of MCUNetV2's kind, in a band of a seventh of the image: rows are as long
    as they are there."""
    b.conv(32, (3, 3), (2, 2))
    b.separable(16)
    for o, expansion, kernel, stride in (
        (24, 6, 7, 2), (24, 4, 5, 1), (24, 5, 3, 1), (40, 5, 7, 2), (40, 4, 5, 1), (40, 6, 7, 1),
        (80, 6, 5, 2), (80, 5, 5, 1), (80, 4, 7, 1), (96, 6, 5, 1), (96, 5, 7, 1),
        (192, 6, 5, 2), (192, 5, 7, 1), (192, 6, 5, 1), (320, 6, 5, 1),
    ):  # fmt: skip
        b.inverted(o, expansion, kernel, stride)


def squeezenet(b: Builder) -> None:
    """SqueezeNet 1.0 of Iandola et al., 2016, in a band of a seventh of the image."""
    b.conv(96, (7, 7), (2, 2))
    for stage in ((16, 16, 32), (32, 48, 48, 64), (64,)):
        b.max_pool((3, 3), (2, 2))
        for squeezed in stage:
            b.fire(squeezed, 4 * squeezed)
    b.conv(1000)


@dataclass(frozen=True, slots=True)
class Like:
    """A network like a public one.

    peers     what TFLite Micro executes for the public one, in millions, by board; none where it
              refuses it
    products  of the public one, in millions, where the like one has a part of them
    """

    build: Callable[[Builder], None]
    shape: tuple[int, ...]
    peers: dict[str, float]
    w_zero: int = 0
    products: float | None = None


NETWORKS = {
    "micro_speech": Like(micro_speech, (1, 49, 40, 1), {"cortex-m4": 1.50, "cortex-m55": 1.01}),
    "streaming wake word": Like(
        wake_word, (1, 30, 1, 40), {"cortex-m4": 2.23, "cortex-m55": 0.407}
    ),
    "MCUNet VWW": Like(mcunet, (1, 80, 80, 3), {"cortex-m4": 48.5, "cortex-m55": 11.96}),
    "person_detect": Like(person_detect, (1, 96, 96, 1), {"cortex-m4": 22.9, "cortex-m55": 6.51}),
    "SSD slim face": Like(ssd_slim, (1, 120, 160, 3), {"cortex-m4": 70.5, "cortex-m55": 20.0}),
    "ResNet large": Like(resnet, (1, 32, 32, 3), {"cortex-m4": 145.5, "cortex-m55": 18.7}),
    "MobileNetV1 0.25 uint8": Like(mobilenet, (1, 128, 128, 3), {}, w_zero=11),
    "Arm CNN-S": Like(cnn_small, (1, 49, 10, 1), {"cortex-m4": 5.37, "cortex-m55": 0.958}),
    "micro KWS": Like(micronet, (1, 49, 10, 1), {"cortex-m4": 18.4, "cortex-m55": 4.95}),
    "MCUNetV2 large": Like(
        mcunet_v2, (1, 32, 224, 3), {"cortex-m4": 861, "cortex-m55": 313}, products=256
    ),
    "SqueezeNet": Like(
        squeezenet, (1, 32, 224, 3), {"cortex-m4": 1663, "cortex-m55": 292}, products=837
    ),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """One network on one board: of each layer what it is, its kernel, MACs and instructions."""

    name: str
    layers: tuple[tuple[str, str, int, int], ...]
    peer: float | None

    @property
    def total(self) -> int:
        """Instructions of all layers."""
        return sum(layer[3] for layer in self.layers)

    @property
    def share(self) -> float | None:
        """Of TFLite Micro's instructions."""
        return self.total / (self.peer * 1e6) if self.peer else None

    def text(self) -> str:
        """A line of the table."""
        macs = sum(layer[2] for layer in self.layers)
        peer = f"{self.peer:.3g} | {self.share:.2f}" if self.peer else "refused | "
        return (
            f"| {self.name} | {len(self.layers)} | {macs / 1e6:.3g} | {self.total / 1e6:.4g} "
            f"| {self.total / macs:.2f} | {peer} |"
        )


def counted(name: str, like: Like, board: str) -> Counted:
    """Build and count one network."""
    machine = replace(load_target(board), alternatives=())
    builder = Builder(Draw(zlib.crc32(name.encode())), like.shape, like.w_zero)
    like.build(builder)
    counts = [one for some in programs(builder.calls) for one in measure(machine, some)]
    layers = tuple(
        (described(call), kernel, call.op.macs(*call.signature.inputs), count)
        for call, (count, kernel) in zip(builder.calls, counts, strict=True)
    )
    peer, here = like.peers.get(board), sum(layer[2] for layer in layers) / 1e6
    return Counted(name, layers, peer and peer * here / (like.products or here))


def described(call: Call) -> str:
    """Window and shapes."""
    window = getattr(call.op, "window", "")
    shapes = " x ".join("x".join(map(str, t.shape)) for t in call.signature.inputs[:2])
    return f"{type(call.op).__name__} {window} on {shapes}"


def report(board: str, found: Sequence[Counted]) -> str:
    """The whole page."""
    lines = [
        f"# Networks like public ones on {board}", "",
        "Written by `benchmarks/networks.py`: executed instructions of every layer; TFLM: millions",
        "that TFLite Micro with CMSIS-NN executes for the public network; of MCUNetV2 and",
        "SqueezeNet for as many products as the band of the image has.", "",
        "| like | layers | M products | M instructions | per product | TFLM | ours / TFLM |",
        "|---|--:|--:|--:|--:|--:|--:|", *(one.text() for one in found), "",
    ]  # fmt: skip
    for one in found:
        lines += [f"{one.name}:", "", "| layer | kernel | instructions | per product | of all |"]
        lines += ["|---|---|--:|--:|--:|"]
        for what, kernel, macs, count in one.layers:
            each = f"{count / macs:.2f}" if macs else ""
            lines.append(f"| {what} | `{kernel}` | {count} | {each} | {count / one.total:.1%} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Count, say, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("board")
    parser.add_argument("words", nargs="*", help="parts of networks' names; all if left out")
    wish = parser.parse_args()
    found: list[Counted] = []
    for name, like in NETWORKS.items():
        if not wish.words or any(word in name.lower() for word in wish.words):
            found.append(counted(name, like, wish.board))
            print(found[-1].text(), flush=True)
    page = report(wish.board, found)
    if wish.words:
        print(page)
    else:
        (RESULTS / f"networks_{wish.board}.md").write_text(page, encoding="utf-8")
    return int(any(one.share is not None and one.share > SHARE for one in found))


if __name__ == "__main__":
    sys.exit(main())
