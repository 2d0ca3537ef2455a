"""What needs memory, and when: buffers without a place, and which of them may share.

steps      0      1      2      3
input   |======|
a              |=============|            a is read by steps 1 and 3
b                     |======|            step 2 overwrites its input: b may follow it closely
scratch        |======|                   working memory of step 1's kernel
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tilewright.errors import UnsupportedError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Buffer, BufferName, Step
from tilewright.ir.target import Role, Target
from tilewright.ir.types import Span
from tilewright.midend.overlap import Gap, sharing_gap


@dataclass(frozen=True, slots=True)
class Leave:
    """At ``step``, the reader, which dies there, may lie anywhere outside of ``gap``.

    inputs  the positions at which the step's node reads it
    """

    step: int
    writer: BufferName
    reader: BufferName
    inputs: tuple[int, ...]
    gap: Gap


@dataclass(frozen=True, slots=True)
class Demand:
    """Everything that must be placed; ``offset`` of every buffer is still 0."""

    buffers: tuple[Buffer, ...]
    leaves: tuple[Leave, ...]


def storage_of(steps: Sequence[Step]) -> dict[ValueName, ValueName]:
    """View → the value whose bytes it shows, for every view, through chains of views."""
    shown: dict[ValueName, ValueName] = {}
    for step in steps:
        if step.kernel is None:
            source = step.node.inputs[0]
            shown[step.node.output] = shown.get(source, source)
    return shown


def activation_reads(
    graph: Graph, step: Step, shown: dict[ValueName, ValueName]
) -> dict[ValueName, tuple[int, ...]]:
    """Tensor → the input positions at which a step reads it or a view of it; no constants."""
    reads: dict[ValueName, tuple[int, ...]] = {}
    for index, name in enumerate(step.node.inputs):
        if name not in graph.constants:
            tensor = shown.get(name, name)
            reads[tensor] = (*reads.get(tensor, ()), index)
    return reads


def demand(graph: Graph, steps: tuple[Step, ...], target: Target) -> Demand:
    """Buffers of all activations and scratch, with lifetimes, and the leaves to share.

    Graph inputs live from step 0, graph outputs to the last step; constants need no buffer here.
    Raises UnsupportedError where an engine would read a value from another engine's memory.
    """
    shown = storage_of(steps)
    lifetimes = _lifetimes(graph, steps, shown)
    memories = _memories(graph, steps, shown, target)
    values: dict[ValueName, list[ValueName]] = {tensor: [tensor] for tensor in lifetimes}
    for view, tensor in shown.items():
        values[tensor].append(view)
    buffers: list[Buffer] = []
    for tensor, lifetime in lifetimes.items():
        type_, memory = graph.type(tensor), target.memory(memories[tensor])
        align = max(memory.align, type_.dtype.nbytes)
        buffers.append(
            Buffer(
                BufferName(tensor), Role.ACTIVATION, memory.name, type_.nbytes, align, lifetime, 0,
                tuple(values[tensor]),
            )
        )  # fmt: skip
    return Demand((*buffers, *_scratch(steps, target)), _leaves(graph, steps, buffers))


def _lifetimes(
    graph: Graph, steps: tuple[Step, ...], shown: dict[ValueName, ValueName]
) -> dict[ValueName, Span]:
    """Steps in which each tensor's bytes matter; tensors in order of birth."""
    births = dict.fromkeys(graph.inputs, 0)
    ends = dict.fromkeys(graph.inputs, 1)
    for time, step in enumerate(steps):
        for tensor in activation_reads(graph, step, shown):
            ends[tensor] = time + 1
        if step.kernel is not None:
            births[step.node.output], ends[step.node.output] = time, time + 1
    for name in graph.outputs:
        if name not in graph.constants:
            ends[shown.get(name, name)] = max(len(steps), 1)
    return {tensor: Span(birth, ends[tensor] - birth) for tensor, birth in births.items()}


def _memories(
    graph: Graph, steps: tuple[Step, ...], shown: dict[ValueName, ValueName], target: Target
) -> dict[ValueName, str]:
    """Tensor → memory: that of the engine that makes it, or for graph inputs reads it first."""
    memories: dict[ValueName, str] = {}
    for step in steps:
        if step.engine is None:
            continue
        for tensor in activation_reads(graph, step, shown):
            lies_in = memories.setdefault(tensor, step.engine.works_in)
            if lies_in != step.engine.works_in:
                raise UnsupportedError(
                    f"{step.node}: {tensor} lies in {lies_in} but engine {step.engine.name} works "
                    f"in {step.engine.works_in}, and copies between memories are not planned; give "
                    f"target '{target.name}' engines that work in one memory"
                )
        memories[step.node.output] = step.engine.works_in
    first_engine = target.engines[0]
    return {name: first_engine.works_in for name in graph.inputs} | memories


def _scratch(steps: tuple[Step, ...], target: Target) -> list[Buffer]:
    """Working memory of every kernel that wants some, for its own step."""
    buffers: list[Buffer] = []
    for time, step in enumerate(steps):
        if step.kernel is None or step.engine is None:
            continue
        size = step.kernel.scratch_bytes(step.node.op, step.signature)
        if size:
            memory = target.memory(step.engine.works_in)
            name = BufferName(f"{step.node.output}:scratch")
            align = max(memory.align, 4)  # what Kernel.scratch_bytes promises
            buffers.append(Buffer(name, Role.SCRATCH, memory.name, size, align, Span(time, 1), 0))
    return buffers


def _leaves(graph: Graph, steps: tuple[Step, ...], buffers: Sequence[Buffer]) -> tuple[Leave, ...]:
    """For each step, the inputs that die with it and that its kernel may overwrite."""
    shown = storage_of(steps)
    kept = {shown.get(name, name) for name in graph.outputs}
    by_name = {buffer.name: buffer for buffer in buffers}
    leaves: list[Leave] = []
    for time, step in enumerate(steps):
        if step.kernel is None:
            continue
        writer = BufferName(step.node.output)
        of_step = [
            Leave(time, writer, BufferName(tensor), indices, gap)
            for tensor, indices in activation_reads(graph, step, shown).items()
            if tensor not in kept and by_name[BufferName(tensor)].lifetime.stop == time + 1
            if (gap := sharing_gap(step, indices)) is not None
        ]
        if len(of_step) > 1:
            # A step runs in one direction, and several inputs cannot agree on the other.
            of_step = [
                replace(leave, gap=Gap(-by_name[leave.reader].size, leave.gap.above))
                for leave in of_step
            ]
        leaves.extend(of_step)
    return tuple(leaves)
