"""A core and an engine beside it around a near memory, and chains that both have a part in."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from random_networks import Network, fake_kernel, places_of
from tilewright.ir.graph import Graph
from tilewright.ir.op import Op
from tilewright.ir.target import (
    Dma,
    Engine,
    Kernel,
    Memory,
    Reach,
    Role,
    Signature,
    Target,
    Toolchain,
)
from tilewright.midend.assign import assign
from tilewright.midend.tiling.cut import Cut
from tilewright.midend.tiling.cuts import Cuts
from tilewright.midend.tiling.fusible import beside_first
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d

NEAR = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
WINDOW, POINT = Window2d((3, 3), (1, 1), (1, 1, 1, 1)), Window2d((1, 1))
ONE_ROW = Window2d((1, 3), (1, 1), (0, 1, 0, 1))

windows = st.sampled_from([WINDOW, POINT, Window2d((2, 1), (2, 1)), Window2d((2, 2))])


def per_element(op: Op, signature: Signature) -> int:
    del op
    return 2 * signature.output.size


def scratch(op: Op, signature: Signature) -> int:
    del op
    return 4 * signature.output.shape[-1]


def only_windows(op: Op, signature: Signature) -> str | None:
    del signature
    return None if isinstance(op, MaxPool2d) and op.window != POINT else "the NPU slides windows"


def not_windows(op: Op, signature: Signature) -> str | None:
    return "the NPU does that" if only_windows(op, signature) is None else None


def named(symbol: str, **answers: Any) -> Kernel:
    kernel = fake_kernel(symbol, cycles=per_element, scratch=scratch, **answers)
    return replace(kernel, pointers=("a", "b", "c", "y"))


def machine(*, shares: bool = False, size: int = 1 << 16) -> Target:
    """A core and an NPU, which slides windows; ``shares``: the core would do that, too."""
    core = named("core") if shares else named("core", refuse=not_windows)
    return Target(
        name="fake", summary="two engines around a near memory",
        memories=(Memory("flash", None), Memory("L2", None), Memory("L1", size, 4, NEAR)),
        engines=(
            Engine(
                "npu", "npu", (Reach("L1"),), (named("npu", refuse=only_windows),),
                fork_cycles=5, is_asynchronous=True,
            ),
            Engine("core", "core", (Reach("L1"),), (core,), fork_cycles=3),
        ),
        toolchain=Toolchain("none", "none", ()),
        dmas=(Dma("dma", ("L2", "L1"), 3, 4, 8.0), Dma("dma", ("flash", "L1"), 3, 4, 8.0)),
    )  # fmt: skip


def chain(*windows: Window2d, rows: int = 16) -> Graph:
    """One pooling after the other; the last one may need what the first one made."""
    net = Network()
    x = net.input(1, rows, 5, 4)
    for window in windows:
        x = net.node(MaxPool2d(window), x)
    return net.build(x)


def every_way(graph: Graph, target: Target) -> list[Cut]:
    """Every way that is looked at to compute a network as one run, good or bad."""
    steps = dict(enumerate(assign(graph, target).steps))
    ends = frozenset((*graph.inputs, *graph.outputs))
    members = tuple(steps[index] for index in beside_first(steps))
    return Cuts(graph, places_of(graph, members, target), ends, 40).of(members, 0)
