"""Drawn networks with real kernels, their plans, and programs in which one thing is not right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from tilewright.backend.stage import stage
from tilewright.errors import CapacityError
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.program import Program
from tilewright.ir.target import Engine, Role, Signature, Target
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import DType, TensorType
from tilewright.ops.arithmetic_tflite import QAdd
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.layout import Reshape
from tilewright.ops.lut import Lut
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding, fixed_point
from tilewright.ops.window2d import Window2d
from tilewright.pipeline import Options, plan_network
from tilewright.targets.host.target import HIERARCHY, HOST
from tilewright.targets.packs.portable.kernels.conv2d_s8 import CONV2D_S8

CLIPPED = Requantise(Rounding.DOUBLE, 0, -128, 127)
SAME = Window2d((3, 3), (1, 1), (1, 1, 1, 1))
HALF = fixed_point(0.5, Rounding.DOUBLE)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A network, the machine that it is planned for, the plan and the program."""

    graph: Graph
    target: Target
    plan: Plan
    program: Program


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program in which one thing was changed; None where staging refuses the plan."""

    kind: str
    program: Program | None


@dataclass(slots=True)
class Network:
    """A network in the making, whose constants are drawn."""

    random: Random
    rng: np.random.Generator
    builder: GraphBuilder
    made: list[ValueName]

    def add(self, op: Op, *inputs: ValueName) -> None:
        type_ = op.infer(*(self.builder.values[n].type for n in inputs))
        value = Value(self.builder.fresh("y"), type_)
        self.made.append(self.builder.node(f"make_{value.name}", op, inputs, value))

    def weights(self, count: int, *shape: int) -> tuple[ValueName, ...]:
        arrays = (
            self.rng.integers(-128, 128, shape).astype(np.int8),
            self.rng.integers(-99, 99, count).astype(np.int32),
            np.full(count, 1 << 30, np.int32), np.full(count, -8, np.int8),
        )  # fmt: skip
        return tuple(self.builder.constant("c", array) for array in arrays)

    def layer(self, *, keeps_size: bool) -> None:
        """One more, of the last result; a sum also of an earlier one."""
        x = self.made[-1]
        type_ = self.builder.values[x].type
        equal = [name for name in self.made[:-1] if self.builder.values[name].type == type_]
        channels = type_.shape[3]
        window = SAME if keeps_size else draw_window(self.random, type_.shape)
        kinds = ["conv", "conv", "depthwise", "pool", "lut", "add"]
        match self.random.choice(["conv"] * 6 + kinds if keeps_size else kinds):
            case "conv":
                count = channels if keeps_size else self.random.choice([2, 4, 8, 16])
                weights = self.weights(count, count, *window.kernel, channels)
                self.add(QConv2d(window, output=CLIPPED), x, *weights)
            case "depthwise":
                weights = self.weights(channels, *window.kernel, channels)
                self.add(QDepthwiseConv2d(window, output=CLIPPED), x, *weights)
            case "pool":
                self.add(MaxPool2d(window), x)
            case "add" if equal:
                self.add(QAdd(0, 0, HALF, HALF, HALF), x, self.random.choice(equal))
            case _:
                table = self.rng.integers(-128, 128, 256).astype(np.int8)
                self.add(Lut(), x, self.builder.constant("c", table))


def draw_network(random: Random) -> Graph:
    """Two to six layers on int8 images, with sums over shortcuts."""
    rng = np.random.default_rng(random.randrange(1 << 30))
    builder = GraphBuilder("net", Contract.TFLITE)
    shape = (1, random.randint(4, 10), random.randint(2, 7), random.choice([2, 4, 8]))
    x = builder.input(Value(ValueName("x"), TensorType(DType.S8, shape)))
    network = Network(random, rng, builder, [x])
    keeps_size = random.random() < 0.5  # outputs then lie below and above their inputs in turns
    for _ in range(random.randint(2, 6)):
        network.layer(keeps_size=keeps_size)
    if random.random() < 0.3 and not keeps_size:
        size = builder.values[network.made[-1]].type.size
        network.add(Reshape((1, size)), network.made[-1])
        network.add(QDense(output=CLIPPED), network.made[-1], *network.weights(5, 5, size))
    builder.outputs = [network.made[-1]]
    return builder.build()


def draw_window(random: Random, shape: tuple[int, ...]) -> Window2d:
    """A window that fits into an image."""
    kernel = (random.randint(1, min(3, shape[1])), random.randint(1, min(3, shape[2])))
    top, left = (random.randint(0, k // 2) for k in kernel)
    strides = (random.choice([1, 1, 2]), random.choice([1, 1, 2]))
    return Window2d(kernel, strides, (top, left, top, left))


def quick(op: Op, signature: Signature) -> int:
    """Cycles of a convolution on an engine that is made for it."""
    return 20 + op.macs(*signature.inputs) // 64


BESIDE = tuple(replace(kernel, cycles=quick) for kernel in CONV2D_S8)
"""Convolutions with all their promises."""


def draw_machine(random: Random) -> Target:
    """One memory or two, one engine or a second one beside it, one core or three."""
    target = random.choice([HOST, HIERARCHY])
    if random.random() < 0.2:
        (core,) = target.engines
        target = replace(target, engines=(replace(core, cores=3),))
    if random.random() < 0.5:
        return target
    npu = Engine("npu", "npu", target.engines[0].reaches, BESIDE, is_asynchronous=True)
    return replace(target, engines=(npu, *target.engines), runtime=HIERARCHY.runtime)


def sized(target: Target, size: int) -> Target:
    """The machine with so many bytes where its engines work."""
    near = target.engines[0].near
    memories = (replace(m, size=size) if m.name == near else m for m in target.memories)
    return replace(target, memories=tuple(memories), alternatives=())


def draw_plan(random: Random) -> Drawn:
    """A plan, mostly for less memory than the network would take as it is."""
    graph, machine = draw_network(random), draw_machine(random)
    near = machine.engines[0].near
    options = Options(effort="quick", name="net")
    free = plan_network(graph, sized(machine, 1 << 20), options)
    if random.random() < 0.4:
        return Drawn(free.graph, sized(machine, 1 << 20), free.plan, free.program)
    size = int(free.plan.arena_bytes[near] * random.uniform(0.25, 1.0))
    for attempt in (size, 2 * size, 1 << 20):
        try:
            target = sized(machine, attempt)
            made = plan_network(graph, target, options)
        except CapacityError:
            continue
        return Drawn(made.graph, target, made.plan, made.program)
    raise AssertionError("a network does not fit into 1 MiB")


def staged(drawn: Drawn, plan: Plan) -> Program | None:
    """The program of a changed plan, in the same memories or larger arenas of them."""
    arenas = dict(plan.arena_bytes)
    for buffer in plan.buffers:
        arenas[buffer.memory] = max(arenas[buffer.memory], buffer.offset + buffer.size)
    try:
        changed = replace(plan, arena_bytes=arenas)
        return stage(drawn.graph, changed, drawn.target, "net")
    except (AssertionError, LookupError, ValueError, StopIteration):
        return None


def with_buffer(plan: Plan, old: Buffer, new: Buffer) -> Plan:
    return replace(plan, buffers=tuple(new if b is old else b for b in plan.buffers))


def move_buffer(random: Random, drawn: Drawn) -> Plan | None:
    """One buffer elsewhere, mostly nearby: another distance from all that it touches."""
    buffer = random.choice(drawn.plan.buffers)
    step = buffer.align * random.choice([1, 1, 2, 3, 5, 8, 16, 40]) * random.choice([-1, 1])
    offset = buffer.offset + step
    arena = drawn.plan.arena_bytes[buffer.memory]
    if random.random() < 0.2:
        offset = random.randrange(0, arena, buffer.align)
    if offset < 0 or offset + buffer.size > arena:
        return None
    return with_buffer(drawn.plan, buffer, replace(buffer, offset=offset))


def move_pair(random: Random, drawn: Drawn) -> Plan | None:
    """An output and an input that share memory, at another distance."""
    if not drawn.plan.overlaps:
        return None
    leave = random.choice(drawn.plan.overlaps)
    reader = next(b for b in drawn.plan.buffers if b.name == leave.reader)
    step = reader.align * random.choice([1, 1, 2, 3, 4, 6]) * random.choice([-1, -1, 1])
    moved = replace(reader, offset=reader.offset + step)
    arena = drawn.plan.arena_bytes[reader.memory]
    if moved.offset < 0 or moved.offset + moved.size > arena:
        return None
    return with_buffer(drawn.plan, reader, moved)


def change_hold(random: Random, drawn: Drawn) -> Plan | None:
    """A tensor lies otherwise while a group works, in as many copies as that means."""
    plan = drawn.plan
    index = random.randrange(len(plan.groups))
    group = plan.groups[index]
    name = random.choice(sorted(group.holds))
    hold = random.choice([hold for hold in Hold if hold is not group.holds[name]])
    if not group.holds[name].is_whole:
        buffer = plan.tile_buffer(index, name)
        size = buffer.size // buffer.copies * hold.copies
        if random.random() < 0.5:
            size = buffer.size
        plan = with_buffer(plan, buffer, replace(buffer, copies=hold.copies, size=size))
    return with_group(plan, index, replace(group, holds={**group.holds, name: hold}))


def change_early(random: Random, drawn: Drawn) -> Plan | None:
    """A transfer starts with the group before, or no longer does."""
    plan = drawn.plan
    index = random.randrange(len(plan.groups))
    group = plan.groups[index]
    travels = sorted(name for name, hold in group.holds.items() if hold.is_copied)
    if not travels:
        return None
    early = group.early ^ {random.choice(travels)}
    return with_group(plan, index, replace(group, early=early))


def with_group(plan: Plan, index: int, group: Group) -> Plan:
    groups = [group if i == index else g for i, g in enumerate(plan.groups)]
    return replace(plan, groups=tuple(groups))


OF_PLANS: dict[str, Callable[[Random, Drawn], Plan | None]] = {
    "offset": move_buffer,
    "distance": move_pair,
    "residency": change_hold,
    "early": change_early,
}


def tile_buffers(plan: Plan) -> Iterator[Buffer]:
    yield from (buffer for buffer in plan.buffers if buffer.role is Role.TILE)
