"""What comments in generated C say about a network: short names, types, work, tiles."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from tilewright.backend.print_lines import in_words
from tilewright.ir.graph import Graph, Value, ValueName
from tilewright.ir.plan import Buffer, BufferName, Plan
from tilewright.ir.program import InConstant, Layer, Load, Operand, Program, Store
from tilewright.ir.target import Role
from tilewright.midend.labels import Labels


@dataclass(frozen=True, slots=True)
class Notes:
    """What comments say beyond the program: short names of values, the plan's buffers."""

    labels: Mapping[ValueName, str] = field(default_factory=dict[ValueName, str])
    buffers: Mapping[BufferName, Buffer] = field(default_factory=dict[BufferName, Buffer])

    @classmethod
    def of(cls, graph: Graph, plan: Plan) -> Self:
        """Of a planned network."""
        labels = Labels.of(graph, plan.steps).label
        return cls(labels, {buffer.name: buffer for buffer in plan.buffers})

    def label(self, value: ValueName) -> str:
        """A tensor as people call it."""
        return in_words(self.labels.get(value, str(value)))


def legend(program: Program) -> Iterator[str]:
    """Each layer's node, and the model file's name for what it makes where that differs."""
    width = min(max(len(call.node.name) for call in program.calls), 28)
    yield "// Layers, and how the model file calls their results:"
    for number, layer in enumerate(program.layers):
        for call in layer.calls:
            origin = call.output.value.origin
            differs = origin is not None and origin.name != call.node.name
            source = f"  {in_words(origin.name)}" if origin is not None and differs else ""
            yield f"//   {number:3d}  {in_words(call.node.name):{width}s}{source}".rstrip()


def layer_comment(layer: Layer, number: int, notes: Notes) -> Iterator[str]:
    """What it computes, how it is cut and what that moves, every operand, work."""
    calls = layer.calls
    nodes = ", ".join(in_words(call.node.name) for call in calls)
    yield f"// Layer {number}: {nodes}{_tiling(layer)}"
    for call in calls:
        yield f"// {f'{in_words(call.node.name)}: ' if len(calls) > 1 else ''}{call.node.op}"
        operands = dict(zip(call.kernel.pointers, (*call.inputs, call.output), strict=True))
        width = max(map(len, operands))
        for pointer, operand in operands.items():
            yield f"//   {pointer:<{width}s}  {_described(operand, notes)}"
        if macs := call.node.op.macs(*call.signature.inputs):
            yield f"//   {macs} MACs"


def _tiling(layer: Layer) -> str:
    last = layer.calls[-1]
    moved = sum(
        action.transfer.box.size(tile)
        for action, tile in layer.issue()
        if isinstance(action, (Load, Store))
    )
    text = f"; moves {moved} bytes" if moved else ""
    if not last.is_cut:
        return text
    shape = "".join(f"[{n}]" for n in last.filled[0].signature.output.shape)
    made = sum(piece is not None for piece in last.pieces)
    is_summed = any(piece is not None and piece.op.adds_up() for piece in layer.calls[0].pieces)
    parts = f", summed in {layer.tiles // made} parts each" if is_summed else ""
    return f"; in {made} tiles of {last.kernel.pointers[-1]}{shape}{parts}{text}"


def _described(operand: Operand, notes: Notes) -> str:
    value = operand.value
    label = "" if isinstance(operand.place, InConstant) else f"{notes.label(value.name)}: "
    return f"{label}{_type_text(value)}"


def _type_text(value: Value) -> str:
    text = str(value.type)
    return f"{text}, {value.quantisation}" if value.quantisation is not None else text


def arena_map(program: Program, plan: Plan, notes: Notes) -> Iterator[str]:
    """The table of what lies where and when."""
    steps = _layer_of_step(plan)
    for memory, size in program.arena_bytes.items():
        yield f"// {'Arena' if len(program.arena_bytes) == 1 else memory} map: {size} bytes."
        yield "//   first    last   bytes  layers   contents"
        inside = [buffer for buffer in plan.buffers if buffer.memory == memory]
        for buffer in sorted(inside, key=lambda b: (b.offset, b.lifetime)):
            first, last = steps[buffer.lifetime.start], steps[buffer.lifetime.stop - 1]
            layers = f"{first}-{last}" if first < last else str(first)
            yield (
                f"//   {buffer.offset:5d} {buffer.bytes.stop - 1:7d} {buffer.size:7d}"
                f"  {layers:7s}  {_contents(buffer, plan, notes)}"
            )


def _layer_of_step(plan: Plan) -> list[int]:
    """Step → index of the layer function that runs in it, or that ran last before it."""
    layers: list[int] = []
    count = 0
    for group in plan.groups:
        steps = plan.steps[group.steps.start : group.steps.stop]
        works = any(step.kernel for step in steps)
        layers += [count if works else max(count - 1, 0)] * len(steps)
        count += works
    return layers


def _contents(buffer: Buffer, plan: Plan, notes: Notes) -> str:
    if buffer.role is Role.SCRATCH:
        return f"scratch of {in_words(plan.steps[buffer.lifetime.start].node.name)}"
    held = ", ".join(dict.fromkeys(map(notes.label, buffer.values)))
    if buffer.role is Role.TILE:
        return f"{f'{buffer.copies} x ' if buffer.copies > 1 else ''}part of {held}"
    return held
