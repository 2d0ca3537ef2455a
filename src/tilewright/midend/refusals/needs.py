"""What fills a memory where it is fullest, buffer by buffer, and why no buffer is smaller."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.op import Along
from tilewright.ir.plan import Buffer, Plan, Step
from tilewright.ir.target import AtMost, AtMostInput, Kernel, Limit, MultipleOf, Role, WholeAxis
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Region, TensorType
from tilewright.midend.tiling.stream import packed_types
from tilewright.midend.tiling.tiles import Tile, tiles_of
from tilewright.midend.usage import live_at_peak, peak_step

AXES = {
    1: ("elements",),
    2: ("rows", "elements"),
    3: ("rows", "columns", "channels"),
    4: ("images", "rows", "columns", "channels"),
}
"""What people call the axes of activations of some ranks."""

CONSTANT_AXES = {
    1: ("elements",),
    2: ("outputs", "inputs"),
    3: ("rows", "columns", "channels"),
    4: ("outputs", "rows", "columns", "channels"),
}
"""And those of weights."""


@dataclass(frozen=True, slots=True)
class Need:
    """One buffer. ``why``: why it is there, and not smaller."""

    name: str
    shape: str
    size: int
    why: str


@dataclass(frozen=True)
class Peak:
    """The fullest step of a memory in a plan."""

    plan: Plan
    graph: Graph
    memory: str

    @cached_property
    def time(self) -> int:
        """The step."""
        return peak_step(self.plan, self.memory)

    @cached_property
    def step(self) -> Step:
        """What is computed then."""
        return self.plan.steps[self.time]

    @cached_property
    def group(self) -> Group:
        """The run that it is computed in."""
        return next(g for g in self.plan.groups if g.steps.start <= self.time < g.steps.stop)

    @cached_property
    def members(self) -> tuple[Step, ...]:
        """The steps of the run."""
        return self.plan.steps[self.group.steps.start : self.group.steps.stop]

    @cached_property
    def _tiles(self) -> tuple[Tile, ...]:
        return tiles_of(self.plan.steps, self.group)

    @cached_property
    def _live(self) -> tuple[Buffer, ...]:
        live = live_at_peak(self.plan, self.memory)
        return tuple(sorted(live, key=lambda b: (-b.size, b.lifetime.start, b.name)))

    def how(self) -> str:
        """How the run is computed, in a few words."""
        others = [step.node.name for step in self.members if step is not self.step]
        together = f" together with {' and '.join(others)}" if others else ""
        asked = [p for p in self.plan.pins if any(p.name == s.node.name for s in self.members)]
        together += f", as {' and '.join(map(str, asked))} asks" if asked else ""
        if not self.group.order:
            return f"at once{together}"
        tile = "x".join(map(str, self.group.tile))
        return f"in {len(self._tiles)} tiles of [{tile}]{together}"

    def own(self) -> tuple[Need, ...]:
        """Buffers that the run itself needs."""
        return tuple(self._need(b) for b in self._live if self._is_own(b))

    def beside(self) -> tuple[Need, ...]:
        """Buffers that are only kept while it runs."""
        return tuple(self._need(b) for b in self._live if not self._is_own(b))

    def _is_own(self, buffer: Buffer) -> bool:
        if buffer.role is Role.SCRATCH:
            return True
        if buffer.role is Role.TILE and buffer.lifetime.stop > self.group.steps.stop:
            return False
        return any(value in self.group.holds for value in buffer.values)

    def _need(self, buffer: Buffer) -> Need:
        if buffer.role is Role.SCRATCH:
            kernel = self.step.kernel.symbol if self.step.kernel else ""
            cores = self.step.engine.cores if self.step.engine else 1
            kernel += f" on {cores} cores" if cores > 1 else ""
            return Need(
                f"scratch of {self.step.node.name}", "", buffer.size, f"working memory of {kernel}"
            )
        value = next((v for v in buffer.values if v in self.group.holds), buffer.values[0])
        if buffer.role is not Role.TILE:
            shape = str(self.graph.type(value))
            return Need(self._called(value), shape, buffer.size, self._why_whole(buffer))
        if not self._is_own(buffer):
            return Need(self._called(value), "", buffer.size, "loaded early for the next run")
        region = max((tile.held[value] for tile in self._tiles), key=_elements)
        shape = TensorType(self.graph.type(value).dtype, tuple(span.size for span in region))
        copies = f"{buffer.copies} copies of " if buffer.copies > 1 else ""
        why = "; ".join(self._why_part(value, region)) or "the smallest part"
        return Need(self._called(value), f"{copies}{shape}", buffer.size, why)

    def _called(self, value: ValueName) -> str:
        """A tensor by the node that makes it, a constant by the kernel's name for it."""
        for step in self.plan.steps:
            if step.node.output == value:
                return f"output of {step.node.name}"
            if value in self.graph.constants and value in step.node.inputs and step.kernel:
                pointer = step.kernel.pointers[step.node.inputs.index(value)]
                return f"{pointer} of {step.node.name}"
        return f"input {value}"

    def _why_whole(self, buffer: Buffer) -> str:
        """Why a tensor is there in full."""
        values = {*buffer.values}
        if values & {*self.graph.outputs}:
            return "whole: an output of the network"
        readers = [
            (time, step.node.name)
            for time, step in enumerate(self.plan.steps)
            if values & {*step.node.inputs} and step.kernel and time > self.time
        ]
        if readers:
            time, name = readers[-1]
            again = "" if any(s.node.output in values for s in self.members) else "again "
            return f"whole: read {again}by {name}, step {time + 1}"
        if values & {*self.graph.inputs}:
            return "whole: an input of the network"
        if self.step.node.output in values:
            return "whole: computed here"
        return "whole: read here"

    def _why_part(self, value: ValueName, region: Region) -> Iterator[str]:
        """Why a part of a tensor is as large as it is."""
        type_ = self.graph.type(value)
        hold = self.group.holds[value]
        if hold is Hold.DOUBLE:
            yield "one copy travels while the other is used"
        for step in self.members:
            if value == step.node.output and step is self.members[-1]:
                yield from _limited(step, region)
            if value not in step.node.inputs or step.kernel is None:
                continue
            packed = packed_types(self.graph, step).get(value)
            if packed is not None and packed.shape != type_.shape:
                yield f"{step.kernel.symbol} reads it in a layout of its own, whole"
                return
            is_constant = value in self.graph.constants
            axes = CONSTANT_AXES if is_constant else AXES
            yield from _read_by(step, step.node.inputs.index(value), region, axes)
            return


def _elements(region: Region) -> int:
    count = 1
    for span in region:
        count *= span.size
    return count


def _axis(rank: int, axis: int, axes: Mapping[int, Sequence[str]] = AXES) -> str:
    return axes[rank][axis] if rank in axes else f"elements of axis {axis}"


def _read_by(
    step: Step, index: int, region: Region, axes: Mapping[int, Sequence[str]]
) -> Iterator[str]:
    """What an operator reads of an input for a tile."""
    shape = step.signature.inputs[index].shape
    whole: list[str] = []
    for axis, how in enumerate(step.node.op.reads(*step.signature.inputs)[index]):
        size, name = region[axis].size, _axis(len(shape), axis, axes)
        if size == 1:
            continue
        if not isinstance(how, Along):
            whole.append(f"{size} {name}")
        elif how.window > 1:
            part = f"all {size}" if size == shape[axis] else f"{size} of {shape[axis]}"
            yield f"{part} {name} for windows of {how.window}"
    if whole:
        yield f"{step.node.name} needs all {' x '.join(whole)} for every element"


def _limited(step: Step, region: Region) -> Iterator[str]:
    """What a kernel wants of the shape that it makes."""
    assert step.kernel is not None
    shape = step.signature.output.shape
    for axis in step.node.op.whole_axes(*step.signature.inputs):
        if shape[axis] > 1:
            yield f"{shape[axis]} {_axis(len(shape), axis)}: the operator needs them together"
    for limit in step.kernel.limits:
        said = limit_text(limit, step.kernel, len(shape))
        if isinstance(limit, MultipleOf | WholeAxis) and region[limit.axis].size > 1 and said:
            yield said


def limit_text(limit: Limit, kernel: Kernel, rank: int) -> str:
    """A kernel's limit as a clause."""
    match limit:
        case MultipleOf(axis, n):
            return f"{kernel.symbol} makes {_axis(rank, axis)} in multiples of {n}"
        case AtMost(axis, n):
            return f"{kernel.symbol} makes at most {n} {_axis(rank, axis)} at once"
        case WholeAxis(axis):
            return f"{kernel.symbol} makes all {_axis(rank, axis)} at once"
        case AtMostInput(index, axis, n):
            what = kernel.pointers[index] if index < len(kernel.pointers) else f"input {index}"
            return f"{kernel.symbol} takes at most {n} along axis {axis} of {what}"
