"""What needs memory, and when: buffers without a place, and which of them may share.

steps      0      1      2      3
input   |======|
a              |=============|            a is read by steps 1 and 3
b                     |======|            step 2 overwrites its input: b may follow it closely
scratch        |======|                   working memory of step 1's kernel
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tilewright.errors import UnsupportedError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Buffer, BufferName, Step, scratch_name
from tilewright.ir.target import SCRATCH_ALIGN, Role, Target
from tilewright.ir.tiling import Hold
from tilewright.ir.types import Span
from tilewright.midend.dataflow import shown_by
from tilewright.midend.places import Places
from tilewright.midend.tiling.cut import Cut
from tilewright.midend.tiling.overlap import Gap


@dataclass(frozen=True, slots=True)
class Leave:
    """At ``step``, the reader, which dies there, may lie anywhere outside of ``gap``.

    step  the last one of the run that writes
    """

    step: int
    writer: BufferName
    reader: BufferName
    gap: Gap


@dataclass(frozen=True, slots=True)
class Demand:
    """Everything that must be placed; ``offset`` of every buffer is still 0."""

    buffers: tuple[Buffer, ...]
    leaves: tuple[Leave, ...]


def storage_of(steps: Sequence[Step]) -> dict[ValueName, ValueName]:
    """Value → the value whose bytes it shows or is made in: for views, and for parts of states."""
    return shown_by([step.node for step in steps])


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


def demand(graph: Graph, cuts: Sequence[Cut], places: Places) -> Demand:
    """Buffers of all activations and scratch, with lifetimes, and the leaves to share.

    cuts  how the steps are computed, all of them in order
    Graph inputs live from step 0, graph outputs to the last step; constants need no buffer here.
    Raises UnsupportedError where an engine would read a value from another engine's memory.
    """
    steps = tuple(step for cut in cuts for step in cut.steps)
    shown = storage_of(steps)
    lifetimes = whole_lifetimes(graph, cuts)
    memories, target = _memories(graph, cuts, shown, places), places.target
    values: dict[ValueName, list[ValueName]] = {tensor: [tensor] for tensor in lifetimes}
    for view, tensor in shown.items():
        values[tensor].append(view)
    buffers: list[Buffer] = []
    for tensor, lifetime in lifetimes.items():
        type_, memory = graph.type(tensor), target.memory(memories[tensor])
        is_state = any(state.before == tensor for state in graph.states)
        align = max(memory.align, 4 if is_state else type_.dtype.nbytes)
        buffers.append(
            Buffer(
                BufferName(tensor), Role.ACTIVATION, memory.name, type_.nbytes, align, lifetime, 0,
                tuple(values[tensor]),
            )
        )  # fmt: skip
    working = [buffer for cut in cuts for buffer in _working(graph, cut, target)]
    return Demand((*buffers, *working), _leaves(graph, cuts, buffers))


def whole_lifetimes(graph: Graph, cuts: Sequence[Cut]) -> dict[ValueName, Span]:
    """Steps in which the bytes of each tensor that is ever whole matter, in order of birth.

    What a run of several steps reads, it may read again for its last tile, and it writes from its
    first tile on.
    """
    steps = tuple(step for cut in cuts for step in cut.steps)
    shown = storage_of(steps)
    births = dict.fromkeys(graph.inputs, 0)
    ends = dict.fromkeys(graph.inputs, 1)
    for cut in cuts:
        for step in cut.steps:
            for tensor in activation_reads(graph, step, shown):
                if tensor not in cut.inner:
                    ends[tensor] = cut.span.stop
            name = step.node.output
            if step.kernel is not None and name not in cut.inner and name not in shown:
                births[name], ends[name] = cut.span.start, cut.span.stop
    for name in graph.outputs:
        if name not in graph.constants:
            ends[shown.get(name, name)] = max(len(steps), 1)
    return {tensor: Span(birth, ends[tensor] - birth) for tensor, birth in births.items()}


def _memories(
    graph: Graph, cuts: Sequence[Cut], shown: Mapping[ValueName, ValueName], places: Places
) -> dict[ValueName, str]:
    """Tensor → memory: its home, unless kernels find it near."""
    memories: dict[ValueName, str] = {}
    for cut in cuts:
        for step in cut.steps:
            if step.engine is None:
                continue
            for name in (*step.node.inputs, step.node.output):
                if name in graph.constants or cut.group.holds[name] is not Hold.DIRECT:
                    continue
                tensor = shown.get(name, name)
                lies_in = memories.setdefault(tensor, step.engine.near)
                if lies_in != step.engine.near:
                    raise UnsupportedError(
                        f"{step.node}: {tensor} lies in {lies_in} but engine {step.engine.name} "
                        f"works in {step.engine.near}, and copies between near memories are not "
                        f"planned; give target '{places.target.name}' engines that work in one"
                    )
    tensors = [name for name in graph.values if name not in graph.constants]
    return dict.fromkeys(tensors, places.home.name) | memories


def _working(graph: Graph, cut: Cut, target: Target) -> Iterator[Buffer]:
    """Tile buffers of a run, and working memory of every kernel for its own step."""
    engine = next((step.engine for step in cut.steps if step.engine), None)
    for name, size in cut.parts.items():
        assert engine is not None
        memory = target.memory(engine.near)
        align = max(memory.align, graph.type(name).dtype.nbytes)
        copies = cut.group.holds[name].copies
        yield Buffer(
            BufferName(f"{name}:tile{cut.span.start}"), Role.TILE, memory.name, size, align,
            cut.lives(name), 0, (name,), copies,
        )  # fmt: skip
    for name, there, size in cut.relays():
        memory, copies = target.memory(there), cut.group.holds[name].copies
        align = max(memory.align, graph.type(name).dtype.nbytes)
        yield Buffer(
            BufferName(f"{name}:relay{cut.span.start}:{there}"), Role.TILE, there,
            -(-size // copies // align) * align * copies, align, cut.span, 0, (name,), copies,
        )  # fmt: skip
    for index, (step, alone) in enumerate(zip(cut.steps, cut.scratch, strict=True)):
        if step.engine is None:
            continue
        memory, name = target.memory(step.engine.near), step.node.output
        if alone:
            align = max(memory.align, SCRATCH_ALIGN)
            size = step.engine.scratch_bytes(alone, align)
            yield Buffer(
                scratch_name(name), Role.SCRATCH, memory.name, size, align,
                cut.scratch_lives(index), 0,
            )  # fmt: skip


def _leaves(graph: Graph, cuts: Sequence[Cut], buffers: Sequence[Buffer]) -> tuple[Leave, ...]:
    """For each run, the inputs that die with it and that its output may overwrite."""
    shown = storage_of([step for cut in cuts for step in cut.steps])
    kept = {shown.get(name, name) for name in graph.outputs}
    by_name = {buffer.name: buffer for buffer in buffers}
    leaves: list[Leave] = []
    for cut in cuts:
        writer = BufferName(cut.steps[-1].node.output)
        if writer not in by_name:  # a view, or a part of a state: it has no bytes of its own
            continue
        of_run = [
            Leave(cut.span.stop - 1, writer, BufferName(tensor), gap)
            for tensor, gap in _gaps(graph, cut, shown).items()
            if tensor not in kept and by_name[BufferName(tensor)].lifetime.stop == cut.span.stop
        ]
        if len(of_run) > 1:
            # A step runs in one direction, and several inputs cannot agree on the other.
            of_run = [
                replace(leave, gap=leave.gap._replace(below=-by_name[leave.reader].size))
                for leave in of_run
            ]
        leaves.extend(of_run)
    return tuple(leaves)


def _gaps(graph: Graph, cut: Cut, shown: Mapping[ValueName, ValueName]) -> dict[ValueName, Gap]:
    """Tensor → gap, for every tensor that may be shared however the run reads it."""
    names: dict[ValueName, set[ValueName]] = {}
    for step in cut.steps:
        for name in step.node.inputs:
            if name not in graph.constants:
                names.setdefault(shown.get(name, name), set()).add(name)
    return {
        tensor: _joint_gap([cut.leaves[name] for name in sorted(read)])
        for tensor, read in names.items()
        if read <= cut.leaves.keys()
    }


def _joint_gap(gaps: Sequence[Gap]) -> Gap:
    """What all views of one tensor allow."""
    if len(gaps) == 1:
        return gaps[0]
    return Gap(min(gap.below for gap in gaps), max(gap.above for gap in gaps))
