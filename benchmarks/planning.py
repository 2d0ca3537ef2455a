"""Processor time of the compiler's own work: rewriting, ordering and planning.

The tests count calls and the solver's deterministic time, so that they say the same on a busy
machine; how long that takes is measured here. Prints a markdown table; nothing is judged.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

from random_networks import Network, fake_kernel, fake_target
from tilewright.ir.graph import Graph
from tilewright.ir.target import Streaming
from tilewright.midend.assign import assign
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d
from tilewright.pipeline import Options, compile_model, load_target

TINY = Path(__file__).parents[2] / "shared/models/mlperf_tiny"
NETWORKS = ("kws01", "vww96", "ic01_resnet8", "ad01")
SIZES = (None, 16384, 65536)
"""Bytes of near memory; None: one memory."""


def residual(blocks: int) -> Graph:
    """Blocks of two windows of one tensor and a window of both."""
    net = Network()
    x = net.input(1, 8, 8, 4)
    for _ in range(blocks):
        window = MaxPool2d(Window2d((3, 3), pads=(1, 1, 1, 1)))
        x = net.node(window, net.node(window, net.node(window, x)))
    return net.build(x)


def compiles() -> Iterator[tuple[str, Callable[[], object]]]:
    """Every network in every size."""
    host = load_target("host")
    for name in NETWORKS:
        for size in SIZES:
            options = Options(memory={} if size is None else {"L1": size})
            model = TINY / f"{name}_int8.tflite"
            where = "one memory" if size is None else f"L1 = {size:,} B"
            yield f"compile {name}, {where}", lambda m=model, o=options: compile_model(m, host, o)


def main() -> None:
    """Measure everything once, on one core."""
    kernel = fake_kernel(streaming=Streaming((0, 1, 2), 1))
    graph = residual(166)
    tasks = {"order 498 nodes": lambda: assign(graph, fake_target(kernel)), **dict(compiles())}
    print("| what | processor seconds |\n|---|--:|")
    for name, task in tasks.items():
        begin = process_time()
        task()
        print(f"| {name} | {process_time() - begin:.2f} |", flush=True)


if __name__ == "__main__":
    main()
