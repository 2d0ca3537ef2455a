"""Plan → Program: every kernel call with the places of its operands."""

from collections.abc import Mapping

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Plan, Step
from tilewright.ir.program import Call, InArena, InConstant, Operand, Program
from tilewright.ir.types import Array


def stage(graph: Graph, plan: Plan, name: str) -> Program:
    """One Call per step that computes something; a view needs none. ``name`` is a C identifier."""
    constants: dict[ValueName, Array] = {}
    actions = tuple(
        _call(graph, plan, constants, index, step)
        for index, step in enumerate(plan.steps)
        if step.kernel is not None
    )
    return Program(
        name,
        actions,
        dict(plan.arena_bytes),
        tuple(_operand(graph, plan, v) for v in graph.inputs),
        tuple(_operand(graph, plan, v) for v in graph.outputs),
        constants,
        {s.node.output: s.node.inputs[0] for s in plan.steps if s.kernel is None},
    )


def _call(
    graph: Graph, plan: Plan, constants: dict[ValueName, Array], index: int, step: Step
) -> Call:
    node, kernel, engine = step.node, step.kernel, step.engine
    assert kernel is not None
    assert engine is not None
    arrays = tuple(graph.constants.get(name) for name in node.inputs)
    for name, packed in zip(node.inputs, kernel.pack(node.op, arrays), strict=True):
        if packed is not None:
            _keep_constant(constants, name, packed)
    scratch = plan.scratch_of(index)
    return Call(
        node,
        engine,
        kernel,
        step.signature,
        tuple(_operand(graph, plan, v) for v in node.inputs),
        _operand(graph, plan, node.output),
        InArena(scratch.memory, scratch.offset) if scratch else None,
        scratch.size if scratch else 0,
        plan.piece_items(index),
    )


def _keep_constant(constants: dict[ValueName, Array], name: ValueName, packed: Array) -> None:
    known = constants.setdefault(name, packed)
    assert known.dtype == packed.dtype, f"two kernels want constant {name} in two layouts"
    assert known.tobytes() == packed.tobytes(), f"two kernels want constant {name} in two layouts"


def _operand(graph: Graph, plan: Plan, name: ValueName) -> Operand:
    value = graph.values[name]
    if name in graph.constants:
        return Operand(value, InConstant(name))
    buffer = plan.buffer_of(name)
    assert buffer is not None, f"value {name} has no buffer"
    return Operand(value, InArena(buffer.memory, buffer.offset))


def constants_by_pointer(program: Program) -> Mapping[ValueName, tuple[int, str]]:
    """For each constant, the action that uses it first and the kernel's name for it there."""
    users: dict[ValueName, tuple[int, str]] = {}
    for index, call in enumerate(program.actions):
        for operand, pointer in zip(call.inputs, call.kernel.pointers, strict=False):
            if isinstance(operand.place, InConstant):
                users.setdefault(operand.place.name, (index, pointer))
    return users
