"""Plan → Program: every kernel call with the places of its operands, and every copy around it."""

from collections.abc import Mapping
from pathlib import Path

import tilewright
from tilewright.backend.stage_layer import stage_layer
from tilewright.backend.staging import Staging, asynchronous_engines
from tilewright.backend.transfers import Channels, inner_offsets, working_groups
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Plan
from tilewright.ir.program import InArena, InConstant, Kept, Layer, Operand, Program
from tilewright.ir.target import Target
from tilewright.ir.types import Array, TensorType

RUNTIME = Path(tilewright.__file__).parent / "runtime"
LEAST_ARENA_ALIGN = 16
"""Bytes; enough for every element type and for 128-bit vector loads."""
IN_TURN = (RUNTIME / "tw_parallel.h",)
"""One core's share of a call after the other."""


def stage(
    graph: Graph, plan: Plan, target: Target, name: str, like: Program | None = None
) -> Program:
    """One Layer per group that computes something; a view needs none. ``name``: a C identifier.

    like  the program of the same plan for the largest arguments, where these are smaller: loops
          stay loops, however few tiles are left
    """
    packed = _packed_constants(graph, plan)
    places = {name: plan.constants.get(name, target.code_in) for name in packed}
    shared = equal_arrays(packed, places)
    channels = Channels.of(plan)
    staging = Staging(graph, plan, target, packed, shared, inner_offsets(plan.steps), channels)
    kept = _kept(graph, plan)
    constants = {name: array for name, array in packed.items() if name not in shared}
    constants |= {state.constant: state.initial for state in kept if state.same_byte is None}
    working = working_groups(plan)
    nexts: list[int | None] = [*working[1:], None][: len(working)]
    layers = tuple(
        stage_layer(
            staging,
            group,
            following,
            is_first=group == working[0],
            like=None if like is None else like.layers[number],
        )
        for number, (group, following) in enumerate(zip(working, nexts, strict=True))
    )
    offloads = any(call.engine.is_asynchronous for layer in layers for call in layer.calls)
    jobs = len(asynchronous_engines(target)) if offloads else 0
    return Program(
        name,
        layers,
        dict(plan.arena_bytes),
        tuple(_operand(graph, plan, v) for v in graph.given),
        tuple(_operand(graph, plan, v) for v in graph.results),
        constants,
        {name: places.get(name, target.code_in) for name in constants},
        shared,
        {s.node.output: s.node.inputs[0] for s in plan.steps if s.kernel is None},
        channels.count,
        jobs,
        target.runtime if channels.count or jobs else (),
        arena_align(plan, target),
        _parallel(layers, target),
        target.kept_bytes_per_cycle,
        tuple(kept),
    )


def arena_align(plan: Plan, target: Target) -> int:
    """Bytes of which every arena's start is a multiple, so that offsets keep their alignment."""
    memories = (target.memory(name).align for name in plan.arena_bytes)
    return max(LEAST_ARENA_ALIGN, *memories, *(buffer.align for buffer in plan.buffers))


def _parallel(layers: tuple[Layer, ...], target: Target) -> tuple[Path, ...]:
    """Files that share a call among cores, where that happens."""
    shared = (call for layer in layers for call in layer.calls if call.engine.cores > 1)
    is_shared = any(not call.engine.is_asynchronous for call in shared)
    return (target.parallel or IN_TURN) if is_shared else ()


def _packed_constants(graph: Graph, plan: Plan) -> dict[ValueName, Array]:
    """Every constant that a kernel reads, in its layout, in the order of first use."""
    constants: dict[ValueName, Array] = {}
    for step in plan.steps:
        if step.kernel is None:
            continue
        arrays = tuple(graph.constants.get(name) for name in step.node.inputs)
        for name, packed in zip(
            step.node.inputs, step.kernel.pack(step.node.op, arrays), strict=True
        ):
            if packed is not None:
                _keep_constant(constants, name, packed)
    return constants


def _keep_constant(constants: dict[ValueName, Array], name: ValueName, packed: Array) -> None:
    known = constants.setdefault(name, packed)
    assert known.dtype == packed.dtype, f"two kernels want constant {name} in two layouts"
    assert known.tobytes() == packed.tobytes(), f"two kernels want constant {name} in two layouts"


def equal_arrays(
    arrays: Mapping[ValueName, Array], places: Mapping[ValueName, str]
) -> dict[ValueName, ValueName]:
    """Name → the first one in the same memory with equal type, shape and bytes, if another."""
    first: dict[tuple[str, TensorType, bytes], ValueName] = {}
    same: dict[ValueName, ValueName] = {}
    for name, array in arrays.items():
        key = places[name], TensorType.of(array), array.tobytes()
        known = first.setdefault(key, name)
        if known != name:
            same[name] = known
    return same


def _operand(graph: Graph, plan: Plan, name: ValueName) -> Operand:
    """A graph input or output; an output may be a constant."""
    value = graph.values[name]
    if name in graph.constants:
        return Operand(value, InConstant(name, plan.constants[name]))
    buffer = plan.buffer_of(name)
    assert buffer is not None, f"value {name} has no buffer"
    inside = inner_offsets(plan.steps).get(name, 0)
    return Operand(value, InArena(buffer.memory, buffer.offset + inside))


def _kept(graph: Graph, plan: Plan) -> list[Kept]:
    kept = [
        Kept(state.name, _operand(graph, plan, state.before), state.after, graph.initial(state))
        for state in graph.states
    ]
    return sorted(kept, key=lambda state: _offset(state.operand))


def _offset(operand: Operand) -> tuple[str, int]:
    assert isinstance(operand.place, InArena)
    return operand.place.memory, operand.place.offset


def constants_by_pointer(program: Program) -> Mapping[ValueName, tuple[int, str]]:
    """For each constant, the call that uses it first and the kernel's name for it there."""
    users: dict[ValueName, tuple[int, str]] = {}
    for index, call in enumerate(program.calls):
        for operand, pointer in zip(call.inputs, call.kernel.pointers, strict=False):
            if program.constant(name := operand.value.name) is not None:
                users.setdefault(program.shared.get(name, name), (index, pointer))
    return users
