"""Small networks and a target whose kernels accept everything: for the mid end's tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.op import Access, Op
from tilewright.ir.plan import Step
from tilewright.ir.target import (
    Engine,
    Kernel,
    Memory,
    Reach,
    Role,
    Signature,
    Streaming,
    Target,
    Toolchain,
)
from tilewright.ir.types import Array, DType, TensorType
from tilewright.midend.places import Places, choices_of_places
from tilewright.ops.elementwise import broadcast_reads
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.quantise import Dequantize, Quantize
from tilewright.ops.window2d import Window2d


@dataclass(frozen=True, slots=True)
class Largest(Op):
    """Elementwise maximum of any number of equal int8 tensors."""

    def infer(self, *inputs: TensorType) -> TensorType:
        return inputs[0]

    def evaluate(self, *inputs: Array) -> Array:
        return np.maximum.reduce(inputs)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        return broadcast_reads(*inputs)


def fake_kernel(
    symbol: str = "anything",
    *,
    op: type[Op] = Op,
    streaming: Streaming | None = None,
    scratch: Callable[[Op, Signature], int] = lambda op, signature: 0,
    refuse: Callable[[Op, Signature], str | None] = lambda op, signature: None,
    cycles: Callable[[Op, Signature], int] = lambda op, signature: 1,
    items: Callable[[Op, Signature], int] | None = None,
) -> Kernel:
    """Items are blocks unless ``items`` says otherwise."""
    block_axes = 0 if streaming is None else streaming.block_axes

    def blocks(op: Op, signature: Signature) -> int:
        return prod(signature.output.shape[: len(signature.output.shape) - block_axes])

    return Kernel(
        op=op, symbol=symbol, struct=f"{symbol}_args", header=Path("fake.h"), source=Path("fake.c"),
        pointers=(), refuse=refuse, fields=lambda op, signature: {},
        items=items or blocks, cycles=cycles, scratch_bytes=scratch, streaming=streaming,
    )  # fmt: skip


REACHES = (Reach("ram"), Reach("flash", frozenset({Role.WEIGHT})))


def places_of(graph: Graph, steps: Sequence[Step], target: Target) -> Places:
    """The first choice of memories."""
    return next(choices_of_places(graph, steps, target))


def fake_target(
    *kernels: Kernel, size: int | None = None, cores: int = 1, tiles: bool = False
) -> Target:
    roles = {Role.ACTIVATION, Role.SCRATCH, *((Role.TILE,) if tiles else ())}
    ram = Memory("ram", size, 4, frozenset(roles))
    return Target(
        name="fake", summary="accepts everything",
        memories=(ram, Memory("flash", None)),
        engines=(Engine("core", "core", REACHES, kernels or (fake_kernel(),), cores),),
        toolchain=Toolchain("none", "none", ()),
    )  # fmt: skip


class Network:
    """A graph in the making, with one line per node."""

    def __init__(self) -> None:
        self.builder = GraphBuilder("net", Contract.TFLITE)

    def input(self, *shape: int, dtype: DType = DType.S8) -> ValueName:
        name = self.builder.fresh("input")
        return self.builder.input(Value(name, TensorType(dtype, shape)))

    def node(self, op: Op, *inputs: ValueName, name: str = "t") -> ValueName:
        output = self.builder.fresh(name)
        inferred = op.infer(*(self.builder.values[i].type for i in inputs))
        return self.builder.node(f"make_{output}", op, inputs, Value(output, inferred))

    def build(self, *outputs: ValueName) -> Graph:
        self.builder.outputs = list(outputs)
        return self.builder.build()


def evaluate_graph(graph: Graph, inputs: Mapping[ValueName, Array]) -> dict[ValueName, Array]:
    values = {**graph.constants, **inputs}
    for node in graph.nodes:
        values[node.output] = node.op.evaluate(*(values[name] for name in node.inputs))
    return values


def random_inputs(graph: Graph, seed: int) -> dict[ValueName, Array]:
    random = np.random.default_rng(seed)
    return {
        name: random.integers(-128, 128, graph.type(name).shape).astype(np.int8)
        for name in graph.inputs
    }


@st.composite
def unary_ops(draw: st.DrawFn, x: TensorType) -> Op:
    """An operator that takes ``x``, a 4-dimensional int8 or float32 tensor."""
    n, h, w, c = x.shape
    kinds = ["pool", "transpose", "pad", "reshape"]
    match draw(st.sampled_from([*kinds, "quantise"])):
        case "pool":
            kernel = (draw(st.integers(1, min(h, 3))), draw(st.integers(1, min(w, 3))))
            strides = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
            pads = tuple(draw(st.integers(0, kernel[d % 2] - 1)) for d in range(4))
            return MaxPool2d(Window2d(kernel, strides, (pads[0], pads[1], pads[2], pads[3])))
        case "transpose":
            return Transpose(tuple(draw(st.permutations(range(4)))))
        case "pad":
            pads = st.tuples(*[st.integers(0, 1)] * 4)
            return Pad(draw(pads), draw(pads))
        case "reshape":
            return Reshape(
                draw(st.sampled_from([(n, h, w, c), (1, n * h, c, w), (n, c, h * w, 1)]))
            )
        case _:
            return Dequantize(0.5, 1) if x.dtype is DType.S8 else Quantize(0.5, 1)


@st.composite
def graphs(draw: st.DrawFn, max_nodes: int = 12) -> Graph:
    """Directed acyclic networks with branches, joins, views, dead ends and several outputs."""
    net = Network()
    sides = st.integers(1, 4)
    names = [
        net.input(1, draw(sides), draw(sides), draw(sides)) for _ in range(draw(st.integers(1, 2)))
    ]
    for _ in range(draw(st.integers(1, max_nodes))):
        # Recent values more often: networks are deep rather than wide.
        x = names[-draw(st.integers(1, min(len(names), 4)))]
        type_ = net.builder.values[x].type
        equal = [n for n in names if net.builder.values[n].type == type_]
        match draw(st.sampled_from(["unary", "unary", "join", "concat"])):
            case "unary":
                op = draw(unary_ops(type_))
                too_large = op.infer(type_).size > 300
                names.append(x if too_large else net.node(op, x))
            case "join":
                others = draw(st.lists(st.sampled_from(equal), min_size=1, max_size=2))
                names.append(net.node(Largest(), x, *others))
            case _:
                if type_.size <= 100:
                    names.append(net.node(Concat(draw(st.integers(0, 3))), x, x))
    made = list(dict.fromkeys(names))
    read = {name for node in net.builder.nodes for name in node.inputs}
    ends = [name for name in made if name not in read]
    extra = draw(st.lists(st.sampled_from(made), max_size=2))
    dead = draw(st.booleans()) and len(ends) > 1
    return net.build(*dict.fromkeys([*(ends[1:] if dead else ends), *extra]))


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """One core whose only kernel makes some promise, and wants some scratch."""
    promises = [None, Streaming((0,), 1), Streaming((0, 1, 2), 0), Streaming((0, 1, 2), 2)]
    bytes_ = draw(st.sampled_from([0, 0, 4, 40]))

    def scratch(op: Op, signature: Signature) -> int:
        return bytes_ if isinstance(op, (MaxPool2d, Transpose)) else 0

    return fake_target(fake_kernel(streaming=draw(st.sampled_from(promises)), scratch=scratch))
