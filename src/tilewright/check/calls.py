"""What one kernel call does to memories, and whether the kernel may be called so.

A call is taken in the most hostile order that its kernel allows. Without a promise all reads may
come after all writes. With ``Streaming`` blocks are computed in order, on one core; where the call
is made in pieces, the last piece comes first. ``replaces`` allows exactly the same place.
"""

from dataclasses import dataclass, field

import numpy as np

from tilewright.check.geometry import byte_offsets, is_given, readers, wanted
from tilewright.check.memory import NOTHING, Bytes, Memories, PlanError, Work, need
from tilewright.ir import target as machine
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.program import Call, InArena, InConstant, InTile, Operand, Program, TileCall, at
from tilewright.ir.target import Role, Signature, Target
from tilewright.ir.types import Array, Region, Span, TensorType
from tilewright.ops.state import Put


@dataclass(frozen=True, slots=True)
class Calls:
    """Judges calls of one program. ``places``: where tensors and tile buffers were met first;
    ``seen``: what kernels were asked about already."""

    program: Program
    graph: Graph
    target: Target
    memories: Memories
    places: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    seen: set[object] = field(default_factory=set[object])

    def work(self, call: Call, tile: int) -> Work:
        """One call. Raises PlanError where it reads what is not there, or breaks a rule."""
        piece, name = call.pieces[tile], call.output.value.name
        who = f"{call.node}, tile {tile}" if len(call.pieces) > 1 else str(call.node)
        if piece is None or isinstance(call.output.place, InConstant):
            raise PlanError(f"{who} has nothing to do, or no place for what it makes")
        before, after = _sums(call, piece, who)
        self._check_kernel(call, piece, who)
        pairs = zip(call.inputs, piece.inputs, strict=True)
        inputs = [self._input(call, *pair, f"{who} reads", tile) for pair in pairs]
        output = self.span(name, call.output.place, piece.signature.output, f"{who} writes", tile)
        self._check_reach(call, output.memory, Role.ACTIVATION, f"{who} writes {name}")
        if before:
            self.memories.read(output, self.numbers(name, piece.output, before), f"{who} adds to")
        _check_sharing(call, piece, inputs, output, who)
        sources = tuple(source for source in inputs if source is not None)
        scratch = self._scratch(call, piece, who)
        apart = not any(area.meets(other) for area in scratch for other in (*sources, output))
        need(apart, f"{who}: its scratch touches its operands")
        made = (output, self.numbers(name, piece.output, after))
        return Work(who, sources, (made, *((area, NOTHING) for area in scratch)))

    def numbers(self, name: ValueName, region: Region, done: int = 0) -> Array:
        """The numbers of a region of a value; ``done``: of its sum over so many elements."""
        type_ = self.stored(name)
        if type_.shape != self.graph.type(name).shape:  # in a kernel's own layout: whole
            region = tuple(Span(0, extent) for extent in type_.shape)
        return self._whole(name, done)[byte_offsets(type_, region)]

    def _whole(self, name: ValueName, done: int) -> Array:
        """The numbers of all bytes of a value. A view has those of what it shows, the first of
        them, and those of a part that is put into it."""
        name = self.program.shared.get(name, name)
        node = self.graph.producer(name)
        if node is None or not node.op.is_view:
            size = self.stored(name).nbytes
            return self.memories.number(name, done, size) + np.arange(size)
        shown = self._whole(node.inputs[0], 0)[: self.graph.type(name).nbytes].copy()
        if isinstance(node.op, Put):
            type_, part = (self.graph.type(value) for value in (name, node.inputs[1]))
            shown[byte_offsets(type_, node.op.writes(part))] = self._whole(node.inputs[1], 0)
        return shown

    def stored(self, name: ValueName) -> TensorType:
        """A tensor as it lies in memory: a constant in its kernel's layout."""
        packed = self.program.constant(name)
        return self.graph.type(name) if packed is None else TensorType.of(packed)

    def span(
        self, name: ValueName, place: InArena | InTile, type_: TensorType, who: str, tile: int = 0
    ) -> Bytes:
        """The bytes of a dense tensor at a place."""
        self.check_place(name, place, who)
        start = place.offset + at(place.plus, tile)
        need(start % type_.dtype.nbytes == 0, f"{who} {name} at {start}, which is not aligned")
        return self.memories.bytes(place.memory, start, type_.nbytes, f"{who} {name}")

    def check_place(self, name: ValueName, place: InArena | InTile, who: str) -> None:
        """One place per tensor and per tile buffer, aligned, in a memory that holds such things."""
        known = {memory.name: memory for memory in self.target.memories}.get(place.memory)
        if known is None:
            raise PlanError(f"{who} {name} in unknown memory {place.memory}")
        role = Role.TILE if isinstance(place, InTile) else Role.ACTIVATION
        need(role in known.holds, f"{who} {name}: {known.name} holds no {role.value}")
        is_part = any(isinstance(n.op, Put) for n in self.graph.readers(name))
        is_aligned = is_part or place.offset % known.align == 0
        need(is_aligned, f"{who} {name}: {place.offset} is not aligned")
        owner = place.buffer if isinstance(place, InTile) else self.program.viewed(name)
        here = (place.memory, place.offset)
        first = self.places.setdefault(f"{role.value} {owner}", here)
        need(first == here, f"{who} {name} at {here}, but it lies at {first}")

    def _check_kernel(self, call: Call, piece: TileCall, who: str) -> None:
        """The kernel takes the call, which keeps to its limits."""
        kernel, signature, key = call.kernel, piece.signature, (call.kernel, piece)
        if key in self.seen:
            return
        self.seen.add(key)
        refusal = kernel.objection(piece.op, signature)
        need(refusal is None, f"{who} runs {kernel.symbol}, which refuses: {refusal}")
        for limit in kernel.limits:
            is_kept = _keeps(limit, signature, call.signature)
            need(is_kept, f"{who} calls {kernel.symbol} for {signature.output} against {limit}")

    def _input(
        self, call: Call, operand: Operand, region: Region, who: str, tile: int
    ) -> Bytes | None:
        """What a call reads of one input, if it finds it; None for a constant in its home."""
        name, place = operand.value.name, operand.place
        numbers, stored = self.numbers(name, region), self.stored(name)
        if isinstance(place, InConstant):
            name = self.program.shared.get(name, name)
            start = self.memories.number(name, 0, stored.nbytes) + at(place.plus, tile)
            there = place.name == name and np.array_equal(numbers - start, np.arange(numbers.size))
            need(there, f"{who} {name} at byte {place.plus} of constant {place.name}: not there")
            need(place.memory == self.program.constants_in[name], f"{who} {name} in {place.memory}")
            role = (Role.WEIGHT, Role.TABLE)[call.inputs.index(operand) in call.kernel.tables]
            self._check_reach(call, place.memory, role, f"{who} {name}")
            return None
        size = numbers.size // stored.dtype.nbytes
        source = self.span(name, place, TensorType(stored.dtype, (size,)), who, tile)
        self._check_reach(call, source.memory, Role.ACTIVATION, f"{who} {name}")
        self.memories.read(source, numbers, f"{who} {name}")
        return source

    def _check_reach(self, call: Call, memory: str, role: Role, who: str) -> None:
        is_reached = call.engine.reach(memory, role) is not None
        need(is_reached, f"{who} in {memory}, which {call.engine.name} does not reach")

    def _scratch(self, call: Call, piece: TileCall, who: str) -> tuple[Bytes, ...]:
        """Working memory of every core, in equal parts."""
        size = call.kernel.scratch_bytes(piece.op, piece.signature)
        lacks = size - (call.scratch_stride if call.scratch is not None else 0)
        need(lacks <= 0, f"{who} lacks {lacks} bytes of scratch")
        if call.scratch is None:
            return ()
        memory, offset = call.scratch.memory, call.scratch.offset
        kind, parts = self.target.memory(memory), call.scratch_stride * (call.engine.cores > 1)
        need(memory == call.engine.near, f"{who} has scratch in {memory}: out of its reach")
        need(Role.SCRATCH in kind.holds, f"{who}: {memory} holds no scratch")
        is_aligned = offset % kind.align == parts % max(kind.align, machine.SCRATCH_ALIGN) == 0
        need(is_aligned, f"{who}: scratch at {offset} is not aligned")
        return (self.memories.bytes(memory, offset, call.scratch_bytes, f"{who}: scratch"),)


def _sums(call: Call, piece: TileCall, who: str) -> tuple[int, int]:
    """The call computes a part of its node, from just what that needs. Returns how many elements
    the sum has that it adds to, and how many then; 0: none, and all of them."""
    op, types, signature = call.node.op, call.signature.inputs, piece.signature
    for axis in op.whole_axes(*types):
        is_whole = piece.output[axis].size == call.signature.output.shape[axis]
        need(is_whole, f"{who}: axis {axis} cannot be cut")
    regions, parts = wanted(op, types, piece.output, piece.inputs)
    need(len(parts) < 2, f"{who} sums {sorted(parts)}")
    for name, want, given, type_ in zip(
        call.node.inputs, regions, piece.inputs, types, strict=True
    ):
        need(is_given(want, given, type_.shape), f"{who} is given {given} of {name}, reads {want}")
    whole = ((*types, call.signature.output), (*signature.inputs, signature.output))
    for region, type_, part in zip((*piece.inputs, piece.output), *whole, strict=True):
        inside = all(0 <= s.start <= s.stop <= n for s, n in zip(region, type_.shape, strict=True))
        fits = inside and tuple(span.size for span in region) == part.shape
        need(fits and part.dtype == type_.dtype, f"{who}: {region} of {type_} is no {part}")
    tile = op.on_tile(piece.output, *types)
    part, extent = next(iter(parts), (None, 0))
    expected = tile if part is None or part.size == extent else tile.on_part(part)
    need(piece.op == expected, f"{who} computes {piece.op}, its part is {expected}")
    if part is None or part.size == extent:
        return 0, 0
    return part.start, part.stop % extent


def _check_sharing(
    call: Call, piece: TileCall, inputs: list[Bytes | None], output: Bytes, who: str
) -> None:
    """Nothing is overwritten before it is read, in the order that the kernel promises."""
    kernel, out, promise = call.kernel, piece.signature.output, call.kernel.streaming
    for index, source in enumerate(inputs):
        if source is None or not source.meets(output):
            continue
        name = call.node.inputs[index]
        if kernel.replaces == index and source == output:
            continue
        if promise is None or index not in promise.inputs or call.engine.cores > 1:
            raise PlanError(f"{who} makes no promise that lets {name} be overwritten")
        blocks = int(np.prod(out.shape[: len(out.shape) - promise.block_axes]))
        items = kernel.items(piece.op, piece.signature)
        is_split = not call.piece_items or items == blocks
        need(is_split, f"{who} has {items} items, {blocks} blocks")
        reads = readers(piece.op, piece.signature, index, promise.block_axes)
        distance, size = source.start - output.start, out.nbytes // blocks
        lost = reads.lost(distance, size, blocks, call.piece_items)
        need(not lost, f"{who} overwrites {lost} bytes of {name} too early")


def _keeps(limit: machine.Limit, call: Signature, whole: Signature) -> bool:
    match limit:
        case machine.MultipleOf(axis, n):
            return call.output.shape[axis] % n == 0
        case machine.AtMost(axis, n):
            return call.output.shape[axis] <= n
        case machine.AtMostInput(index, axis, n):
            return call.inputs[index].shape[axis] <= n
        case _:
            return call.output.shape[limit.axis] == whole.output.shape[limit.axis]
