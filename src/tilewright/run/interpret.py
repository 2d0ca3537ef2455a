"""Runs a Program on numpy byte arenas, by the operators' definitions, at the planned offsets.

Arenas start full of a poison byte, every result is written where the plan puts it, and copies move
their bytes as late as they may. So a plan that lets two live tensors touch shows as a wrong number,
and a program that forgets a wait stops with a HazardError: this is the judge of plans, and of the
generated C, that needs no C toolchain.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.program import (
    Call,
    InArena,
    InConstant,
    Keep,
    Layer,
    Load,
    Operand,
    Place,
    Program,
    Simple,
    Store,
    Transfer,
    Wait,
    at,
)
from tilewright.ir.types import Array, Region, TensorType
from tilewright.run.clock import Timing, time_program
from tilewright.run.hazards import POISON, Arenas, HazardError, UnderWay, far_bytes, near_bytes


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What one inference computed.

    values   every observed call's whole output, as it was right after its layer
    outputs  the network's outputs, as they were after the last action
    timing   the same inference on the target's clock
    """

    values: Mapping[ValueName, Array]
    outputs: Mapping[ValueName, Array]
    timing: Timing


def interpret(program: Program, graph: Graph, inputs: Mapping[ValueName, Array]) -> Interpretation:
    """One inference. ``graph`` holds the constants in the layout that the definitions want.

    inputs  one array per program input, of its type
    Raises HazardError where the program touches bytes that a transfer owns.
    """
    machine = _Machine(program, graph, Arenas(program.arena_bytes))
    for operand in program.inputs:
        place = _whole(operand)
        machine.store(place, operand.value.type, inputs[operand.value.name], operand.value.name)
    values: dict[ValueName, Array] = {}
    for layer in program.layers:
        for action, tile in layer.issue():
            machine.act(action, tile)
        values |= machine.observe(layer)
    machine.arenas.need_quiet()
    outputs = {o.value.name: machine.result(o) for o in program.outputs}
    return Interpretation(values, outputs, time_program(program))


def _whole(operand: Operand) -> InArena:
    assert isinstance(operand.place, InArena), f"{operand.value} is written but has no place"
    return operand.place


@dataclass(frozen=True, slots=True)
class _Machine:
    program: Program
    graph: Graph
    arenas: Arenas

    def act(self, action: Simple, tile: int) -> None:
        match action:
            case Call():
                self._call(action, tile)
            case Load(transfer):
                source = far_bytes(transfer, tile, self._constant(transfer))
                self._start(transfer, tile, UnderWay(
                    f"load of {transfer.value}", source, near_bytes(transfer, tile)
                ))  # fmt: skip
            case Store(transfer):
                destination = far_bytes(transfer, tile, None)
                assert not isinstance(destination, np.ndarray), "nothing is stored to constants"
                self._start(transfer, tile, UnderWay(
                    f"store of {transfer.value}", near_bytes(transfer, tile), destination
                ))  # fmt: skip
            case Wait():
                self.arenas.finish(at(action.channel, tile), f"wait for {action.value}")
            case Keep():
                self._keep(action, tile)

    def _start(self, transfer: Transfer, tile: int, under_way: UnderWay) -> None:
        self.arenas.start(at(transfer.channel, tile), under_way)

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
        piece = call.pieces[tile]
        assert piece is not None
        self._poison_scratch(call)
        operands = [
            self._operand(call, operand, tile, region)
            for operand, region in zip(call.inputs, piece.inputs, strict=True)
        ]
        result = piece.op.evaluate(*operands)
        assert TensorType.of(result) == piece.signature.output, (
            f"{call.node} makes {TensorType.of(result)}, the program says {piece.signature.output}"
        )
        self.store(call.output.place, piece.signature.output, result, str(call.node), tile)
        self._poison_scratch(call)

    def _operand(self, call: Call, operand: Operand, tile: int, region: Region) -> Array:
        """What a kernel reads. A constant must be there byte for byte, in the kernel's layout."""
        name = operand.value.name
        cut = tuple(slice(span.start, span.stop) for span in region)
        if name not in self.graph.constants:
            type_ = TensorType(operand.value.type.dtype, tuple(span.size for span in region))
            return self._load(operand.place, type_, f"{call.node}, reading {name}", tile)
        constant, packed = self.graph.constants[name], self.program.constants[name]
        if not isinstance(operand.place, InConstant):
            wanted = packed[cut] if packed.shape == constant.shape else packed
            who = f"{call.node}, reading {name}"
            found = self._load(operand.place, TensorType.of(wanted), who, tile)
            if found.tobytes() != np.ascontiguousarray(wanted).tobytes():
                raise HazardError(f"{who}, finds other bytes")
        return constant[cut]

    def _poison_scratch(self, call: Call) -> None:
        if call.scratch is not None:
            who = f"{call.node}, using scratch"
            place = call.scratch
            span = self.arenas.span(place.memory, place.offset, call.scratch_bytes, who)
            self.arenas.write(span, POISON, who)

    def observe(self, layer: Layer) -> dict[ValueName, Array]:
        """Whole results that lie somewhere when a layer is done."""
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
        assert not isinstance(place, InConstant)
        start = place.offset + at(place.plus, tile)
        span = self.arenas.span(place.memory, start, type_.nbytes, who)
        return self.arenas.read(span, who).view(type_.dtype.numpy).reshape(type_.shape)

    def store(self, place: Place, type_: TensorType, array: Array, who: str, tile: int = 0) -> None:
        """Write a tensor, densely."""
        assert not isinstance(place, InConstant)
        start = place.offset + at(place.plus, tile)
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        span = self.arenas.span(place.memory, start, type_.nbytes, f"{who}, writing")
        self.arenas.write(span, flat, f"{who}, writing")
