"""Runs a Program on numpy byte arenas, by the operators' definitions, at the planned offsets.

Arenas start full of a poison byte, every result is written where the plan puts it, and copies move
their bytes as late as they may. So a plan that lets two live tensors touch shows as a wrong number,
and a program that forgets a wait stops with a HazardError. Where an output lies on bytes of its own
inputs, the call runs block by block, in the order that its kernel promises: see blocks.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.index import at
from tilewright.ir.program import (
    Call,
    InArena,
    InConstant,
    Join,
    Keep,
    Layer,
    Load,
    Offload,
    Operand,
    Place,
    Program,
    Simple,
    Store,
    TileCall,
    Transfer,
    Wait,
)
from tilewright.ir.types import Array, Region, TensorType
from tilewright.run.blocks import Shared, evaluate_shared
from tilewright.run.clock import Timing, time_program
from tilewright.run.hazards import (
    POISON,
    Arenas,
    Bytes,
    HazardError,
    UnderWay,
    far_bytes,
    near_bytes,
)


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What one inference computed.

    values   every observed call's whole output, as it was right after its layer
    outputs  the network's outputs and states, as they were after the last action
    timing   the same inference on the target's clock
    """

    values: Mapping[ValueName, Array]
    outputs: Mapping[ValueName, Array]
    timing: Timing


def interpret(program: Program, graph: Graph, inputs: Mapping[ValueName, Array]) -> Interpretation:
    """One inference. ``graph`` holds the constants in the layout that the definitions want.

    inputs  one array per program input and per state, of its type
    Raises HazardError where the program touches bytes that a transfer owns.
    """
    machine = _Machine(program, graph, Arenas(program.arena_bytes))
    for operand in (*program.inputs, *(state.operand for state in program.states)):
        place = _whole(operand)
        machine.store(place, operand.value.type, inputs[operand.value.name], operand.value.name)
    values: dict[ValueName, Array] = {}
    for layer in program.layers:
        for action, tile in layer.issue():
            machine.act(action, tile)
        values |= machine.observe(layer)
    machine.arenas.need_quiet()
    outputs = {o.value.name: machine.result(o) for o in program.outputs}
    outputs |= {state.after: machine.result(state.operand) for state in program.states}
    return Interpretation(values, outputs, time_program(program))


def _whole(operand: Operand) -> InArena:
    assert isinstance(operand.place, InArena), f"{operand.value} is written but has no place"
    return operand.place


@dataclass(frozen=True, slots=True)
class _Machine:
    """``settled``: engines that nobody has waited for yet, but whose results were looked at."""

    program: Program
    graph: Graph
    arenas: Arenas
    settled: set[int] = field(default_factory=set[int])

    def act(self, action: Simple, tile: int) -> None:
        match action:
            case Call():
                self._call(action, tile)
            case Offload(call, job):
                if call.engine.queue > 1:  # it works on its calls in order
                    self.arenas.finish_any(_engine(job))
                self.settled.discard(job)
                self.arenas.start(_engine(job), self._job(call, tile))
            case Join():
                self._join(action, tile)
            case Load(transfer):
                source = far_bytes(transfer, tile, self._constant(transfer))
                near = near_bytes(transfer, tile)
                self._start(transfer, tile, f"load of {transfer.value}", source, near)
            case Store(transfer):
                destination = far_bytes(transfer, tile, None)
                assert not isinstance(destination, np.ndarray), "nothing is stored to constants"
                near = near_bytes(transfer, tile)
                self._start(transfer, tile, f"store of {transfer.value}", near, destination)
            case Wait():
                self.arenas.finish(at(action.channel, tile), f"wait for {action.value}")
            case Keep():
                self._keep(action, tile)

    def _join(self, join: Join, tile: int) -> None:
        """Where a later call has been started, the one that is waited for was over then."""
        if join.job in self.settled:
            self.settled.remove(join.job)
        elif not at(join.left, tile):
            self.arenas.finish(_engine(join.job), f"join for {join.value}")

    def _start(
        self, transfer: Transfer, tile: int, what: str, source: Bytes | Array, target: Bytes
    ) -> None:
        if isinstance(source, Bytes):
            under_way = UnderWay(what, (source,), target, lambda: self.arenas.peek(source))
        else:
            under_way = UnderWay(what, (), target, lambda: source)
        self.arenas.start(at(transfer.channel, tile), under_way)

    def _job(self, call: Call, tile: int) -> UnderWay:
        """An engine reads its operands at some time until the join, and writes its result then."""
        piece = call.pieces[tile]
        assert piece is not None
        who = f"{call.node} on {call.engine.name}"
        sources = [
            self._span(operand.place, self._stored(operand, region), who, tile)
            for operand, region in zip(call.inputs, piece.inputs, strict=True)
            if not isinstance(operand.place, InConstant)
        ]
        if call.scratch is not None:
            place = call.scratch
            self._poison_scratch(call)
            sources.append(self.arenas.span(place.memory, place.offset, call.scratch_bytes, who))
        destination = self._span(call.output.place, piece.signature.output, who, tile)
        kept = destination if piece.op.adds_up() else None
        return UnderWay(
            who,
            (*sources, *((kept,) if kept is not None else ())),
            destination,
            lambda: self._evaluate(call, tile),
        )

    def _constant(self, transfer: Transfer) -> Array | None:
        place = transfer.far
        return self.program.constants[place.name] if isinstance(place, InConstant) else None

    def _keep(self, keep: Keep, tile: int) -> None:
        who, size = f"keeping rows of {keep.value}", at(keep.size, tile)
        front = keep.place.offset + at(keep.place.plus, tile)
        start = front + at(keep.start, tile)
        arenas, memory = self.arenas, keep.place.memory
        kept = arenas.read(arenas.span(memory, start, size, who), who).copy()
        arenas.write(arenas.span(memory, front, size, who), kept, who)

    def _call(self, call: Call, tile: int) -> None:
        """Scratch is poisoned before and after: a plan that lets it touch an operand shows."""
        self._poison_scratch(call)
        made = self._evaluate(call, tile)
        self.arenas.write(self._output(call, tile), made, f"{call.node}, writing")
        self._poison_scratch(call)

    def _output(self, call: Call, tile: int) -> Bytes:
        piece = call.pieces[tile]
        assert piece is not None
        return self._span(call.output.place, piece.signature.output, f"{call.node}, writing", tile)

    def _evaluate(self, call: Call, tile: int) -> Array:
        """The bytes of the result, which is not written yet: of sums in parts, with the sum of
        the earlier ones. Where the output lies on inputs, block by block."""
        piece = call.pieces[tile]
        assert piece is not None
        operands = [
            self._operand(call, operand, tile, region)
            for operand, region in zip(call.inputs, piece.inputs, strict=True)
        ]
        shared = self._shared(call, piece, tile)
        if shared is not None:
            return evaluate_shared(call, piece, operands, shared)
        type_, result = piece.signature.output, piece.op.evaluate(*operands)
        made = TensorType.of(result)
        assert made == type_, f"{call.node} makes {made}, the program says {type_}"
        if piece.op.adds_up():
            before = self.arenas.peek(self._output(call, tile)).view(type_.dtype.numpy)
            result = result + before.reshape(type_.shape)
        return _raw(result)

    def _shared(self, call: Call, piece: TileCall, tile: int) -> Shared | None:
        """Output and inputs that have bytes in common; None where that does no harm: a kernel may
        put its output in the place of one input."""
        output = self._output(call, tile)
        start, stop = int(output.index[0]), int(output.index[-1]) + 1
        found: list[tuple[int, int, int]] = []
        for index, (operand, region) in enumerate(zip(call.inputs, piece.inputs, strict=True)):
            place, type_ = operand.place, self._stored(operand, region)
            if isinstance(place, InConstant) or place.memory != output.memory:
                continue
            first = place.offset + at(place.plus, tile)
            last = first + type_.nbytes
            is_replaced = call.kernel.replaces == index and (first, last) == (start, stop)
            if max(first, start) < min(last, stop) and not is_replaced:
                found.append((index, first, last))
        if not found:
            return None
        low = min(start, *(first for _, first, _ in found))
        high = max(stop, *(last for _, _, last in found))
        window = self.arenas.peek(Bytes(output.memory, np.arange(low, high)))
        return Shared(window, tuple((index, first - low) for index, first, _ in found), start - low)

    def _operand(self, call: Call, operand: Operand, tile: int, region: Region) -> Array:
        """What a kernel reads. A constant must be there byte for byte, in the kernel's layout."""
        name = operand.value.name
        who = f"{call.node}, reading {name}"
        if name not in self.graph.constants:
            return self._load(operand.place, self._stored(operand, region), who, tile)
        constant, packed = self.graph.constants[name], self.program.constant(name)
        assert packed is not None, f"{name} is not in the program"
        if not isinstance(operand.place, InConstant):
            wanted = packed[_cut(region)] if packed.shape == constant.shape else packed
            found = self._load(operand.place, TensorType.of(wanted), who, tile)
            if found.tobytes() != np.ascontiguousarray(wanted).tobytes():
                raise HazardError(f"{who}, finds other bytes")
        return constant[_cut(region)]

    def _stored(self, operand: Operand, region: Region) -> TensorType:
        """A region as it lies in memory: of a constant, in the kernel's layout."""
        packed = self.program.constant(operand.value.name)
        if packed is None:
            return TensorType(operand.value.type.dtype, tuple(span.size for span in region))
        is_cut = packed.shape == operand.value.type.shape
        return TensorType.of(packed[_cut(region)] if is_cut else packed)

    def _poison_scratch(self, call: Call) -> None:
        if call.scratch is not None:
            who = f"{call.node}, using scratch"
            place = call.scratch
            span = self.arenas.span(place.memory, place.offset, call.scratch_bytes, who)
            self.arenas.write(span, POISON, who)

    def observe(self, layer: Layer) -> dict[ValueName, Array]:
        """Whole results that lie somewhere when a layer is done, and engines with it."""
        for job in layer.left_open:
            self.arenas.finish_any(_engine(job))
            self.settled.add(job)
        return {
            call.output.value.name: self._load(
                layer.home(call), call.output.value.type, f"looking at {call.output.value}"
            )
            for call in layer.observed
        }

    def result(self, operand: Operand) -> Array:
        """A network output."""
        if isinstance(operand.place, InConstant):
            return self.graph.constants[operand.value.name]
        return self._load(operand.place, operand.value.type, f"reading {operand.value}")

    def _load(self, place: Place, type_: TensorType, who: str, tile: int = 0) -> Array:
        span = self._span(place, type_, who, tile)
        return self.arenas.read(span, who).view(type_.dtype.numpy).reshape(type_.shape)

    def _span(self, place: Place, type_: TensorType, who: str, tile: int) -> Bytes:
        assert not isinstance(place, InConstant)
        start = place.offset + at(place.plus, tile)
        return self.arenas.span(place.memory, start, type_.nbytes, who)

    def store(self, place: Place, type_: TensorType, array: Array, who: str, tile: int = 0) -> None:
        """Write a tensor, densely."""
        span = self._span(place, type_, f"{who}, writing", tile)
        self.arenas.write(span, _raw(array), f"{who}, writing")


def _cut(region: Region) -> tuple[slice, ...]:
    return tuple(slice(span.start, span.stop) for span in region)


def _raw(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _engine(job: int) -> str:
    return f"engine {job}"
