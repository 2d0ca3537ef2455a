"""Plans with groups made by hand: every buffer has bytes of its own, nothing is clever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from case import Case
from random_networks import places_of
from strategies import STRATEGIES
from tilewright.backend.bundle import Bundle
from tilewright.backend.print_bundle import print_bundle
from tilewright.backend.stage import stage
from tilewright.ir.geometry import region_type
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.op import Along
from tilewright.ir.plan import Buffer, BufferName, Plan, Step
from tilewright.ir.program import Program
from tilewright.ir.target import Role, Signature, Target
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, Span, TensorType
from tilewright.midend.tiling.tiles import tiles_of
from tilewright.ops.layout import Reshape
from tilewright.targets.host.target import HIERARCHY

COMPUTED = [op for op in STRATEGIES if op is not Reshape]
"""A Reshape moves no byte: no kernel, no tiles."""

ALIGN = 16
INSIDE = (Hold.LOCAL, Hold.CARRIED)


@dataclass(frozen=True)
class Tiled:
    graph: Graph
    plan: Plan
    program: Program

    @property
    def bundle(self) -> Bundle:
        return print_bundle(self.program, self.plan, self.graph, "0")


def graph_of(case: Case) -> tuple[Graph, dict[ValueName, Array]]:
    """One node, its varying operands as graph inputs."""
    builder = GraphBuilder("net", Contract.TFLITE)
    names: list[ValueName] = []
    arrays: dict[ValueName, Array] = {}
    for index, array in enumerate(case.inputs):
        if index < case.varying:
            name = builder.input(Value(ValueName(f"x{index}"), TensorType.of(array)))
            arrays[name] = array
        else:
            name = builder.constant(f"c{index}", array)
        names.append(name)
    output = Value(ValueName("y"), case.signature.output)
    builder.outputs.append(builder.node("node", case.op, tuple(names), output))
    return builder.build(), arrays


def steps_of(graph: Graph, target: Target) -> tuple[Step, ...] | None:
    """The first kernel that takes each node; None where one has no kernel."""
    steps: list[Step] = []
    for node in graph.nodes:
        signature = Signature(graph.input_types(node), graph.type(node.output))
        found = [
            (engine, kernel)
            for engine in target.engines
            for kernel in engine.kernels
            if kernel.objection(node.op, signature) is None
        ]
        if not found:
            return None
        steps.append(Step(node, signature, *found[0]))
    return tuple(steps)


def draw_tiled(
    data: st.DataObject, case: Case, holds: tuple[Hold, ...]
) -> tuple[Tiled, dict[ValueName, Array]]:
    graph, inputs = graph_of(case)
    steps = steps_of(graph, HIERARCHY)
    assume(steps is not None)
    assert steps is not None
    output = case.signature.output
    uncut = uncut_axes(graph, steps[0])
    tile = tuple(
        extent if axis in uncut else data.draw(st.integers(1, extent), label=f"tile {axis}")
        for axis, extent in enumerate(output.shape)
    )
    cut = [axis for axis, extent in enumerate(output.shape) if tile[axis] < extent]
    order = tuple(data.draw(st.permutations(cut), label="order"))
    names = dict.fromkeys((*steps[0].node.inputs, steps[0].node.output))
    chosen = {n: data.draw(st.sampled_from(holds), label=f"hold of {n}") for n in names}
    return tiled(graph, steps, [Group(Span(0, 1), tile, order, chosen)], HIERARCHY), inputs


def uncut_axes(graph: Graph, step: Step) -> frozenset[int]:
    """Output axes that a tile spans whole: for the operator, or for a constant in lanes."""
    node, types = step.node, step.signature.inputs
    assert step.kernel is not None
    arrays = tuple(graph.constants.get(name) for name in node.inputs)
    found = set(node.op.whole_axes(*types))
    for packed, type_, access in zip(
        step.kernel.pack(node.op, arrays), types, node.op.reads(*types), strict=True
    ):
        if packed is not None and packed.shape != type_.shape:
            found |= {along.axis for along in access if isinstance(along, Along)}
    return frozenset(found)


def tiled(graph: Graph, steps: Sequence[Step], groups: Sequence[Group], target: Target) -> Tiled:
    """A plan in which every buffer has its own bytes, staged."""
    constants = places_of(graph, steps, target).constants
    plan = Plan(target.name, tuple(steps), (), (), {}, {}, {}, tuple(groups), constants=constants)
    buffers = [*_tensors(graph, plan, target), *_tile_buffers(graph, plan), *_scratch(plan)]
    placed: list[Buffer] = []
    ends: dict[str, int] = {}
    for buffer in buffers:
        offset = ends.get(buffer.memory, 0)
        placed.append(replace(buffer, offset=offset))
        ends[buffer.memory] = offset + buffer.size + -buffer.size % ALIGN
    plan = replace(
        plan, buffers=tuple(placed), arena_bytes=ends, activation_bytes=ends, lower_bound=ends
    )
    return Tiled(graph, plan, stage(graph, plan, target, "net"))


def _tensors(graph: Graph, plan: Plan, target: Target) -> list[Buffer]:
    near = plan.steps[0].engine
    assert near is not None
    whole = Span(0, len(plan.steps))
    buffers: list[Buffer] = []
    for name in graph.values:
        holds = [group.holds[name] for group in plan.groups if name in group.holds]
        if name in graph.constants or all(hold in INSIDE for hold in holds):
            continue
        memory = near.near if Hold.DIRECT in holds else target.homes[0]
        size = graph.type(name).nbytes
        buffers.append(
            Buffer(BufferName(name), Role.ACTIVATION, memory, size, ALIGN, whole, 0, (name,))
        )
    return buffers


def _tile_buffers(graph: Graph, plan: Plan) -> list[Buffer]:
    buffers: list[Buffer] = []
    for index, group in enumerate(plan.groups):
        tiles = tiles_of(plan.steps, group)
        engine = plan.steps[group.steps.start].engine
        assert engine is not None
        before = plan.groups[max(index - 1, 0)].steps.start
        for name, hold in group.holds.items():
            if hold.is_whole:
                continue
            most = max(region_type(graph.type(name), t.held[name]).nbytes for t in tiles)
            if name in graph.constants:
                packed = _packed(graph, plan, name)
                most = most // graph.type(name).dtype.nbytes * packed.dtype.itemsize
                is_whole = packed.shape != graph.type(name).shape
                most = packed.nbytes if is_whole else most
            copies = 2 if hold is Hold.DOUBLE else 1
            start = before if name in group.early else group.steps.start
            lifetime = Span(start, group.steps.stop - start)
            size = copies * (most + -most % ALIGN)
            buffers.append(
                Buffer(
                    BufferName(f"g{index}:{name}"), Role.TILE, engine.near, size, ALIGN,
                    lifetime, 0, (name,), copies,
                )
            )  # fmt: skip
    return buffers


def _packed(graph: Graph, plan: Plan, name: ValueName) -> Array:
    for step in plan.steps:
        if name in step.node.inputs:
            assert step.kernel is not None
            arrays = tuple(graph.constants.get(n) for n in step.node.inputs)
            packed = step.kernel.pack(step.node.op, arrays)[step.node.inputs.index(name)]
            assert packed is not None
            return packed
    raise KeyError(name)


def _scratch(plan: Plan) -> list[Buffer]:
    buffers: list[Buffer] = []
    for group in plan.groups:
        tiles = tiles_of(plan.steps, group)
        for position, time in enumerate(range(group.steps.start, group.steps.stop)):
            step = plan.steps[time]
            assert step.kernel is not None
            assert step.engine is not None
            size = max(
                step.kernel.scratch_bytes(call.op, call.signature)
                for call in (tile.calls[position] for tile in tiles)
                if call
            )
            if size:
                size = step.engine.scratch_bytes(size, ALIGN)
                name = BufferName(f"{step.node.output}:scratch")
                memory = step.engine.near
                buffers.append(Buffer(name, Role.SCRATCH, memory, size, ALIGN, Span(time, 1), 0))
    return buffers


def evaluate(graph: Graph, inputs: Mapping[ValueName, Array]) -> dict[ValueName, Array]:
    known: dict[ValueName, Array] = {**graph.constants, **inputs}
    for node in graph.nodes:
        known[node.output] = node.op.evaluate(*(known[name] for name in node.inputs))
    return known


def assert_outputs(
    graph: Graph, inputs: Mapping[ValueName, Array], outputs: Mapping[ValueName, Array]
) -> None:
    wanted = evaluate(graph, inputs)
    for name in graph.outputs:
        if graph.type(name).dtype.is_float:
            np.testing.assert_allclose(outputs[name], wanted[name], rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(outputs[name], wanted[name])
