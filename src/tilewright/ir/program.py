"""The last IR before C: actions on placed buffers, small enough that an interpreter, a hazard
checker and a C printer are each one ``match`` statement.

    Program = name, [Layer], arena sizes, inputs, outputs, constants
    Layer   = [Action], one function of the C
    Action  = Call | Offload | Join | Load | Store | Wait | Keep | Loop

A layer that is cut into tiles has one Loop. Every number that may differ from tile to tile is an
``Index``; outside of a Loop all numbers are those of tile 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from tilewright.ir.graph import Node, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.plan import BufferName
from tilewright.ir.target import Dma, Engine, Kernel, Signature
from tilewright.ir.types import Array, Region, TensorType


@dataclass(frozen=True, slots=True)
class Column:
    """A number that differs from tile to tile: ``values[t]`` for tile t."""

    values: tuple[int, ...]


Index = int | Column


def at(index: Index, tile: int) -> int:
    """What an index is for one tile."""
    return index if isinstance(index, int) else index.values[tile]


@dataclass(frozen=True, slots=True)
class InArena:
    """In a tensor that lies whole in the arena of ``memory`` from ``offset`` on; ``plus`` bytes
    further."""

    memory: str
    offset: int
    plus: Index = 0


@dataclass(frozen=True, slots=True)
class InTile:
    """In a tile buffer of a layer, which starts at ``offset``; ``plus`` bytes further."""

    memory: str
    offset: int
    buffer: BufferName
    plus: Index = 0


@dataclass(frozen=True, slots=True)
class InConstant:
    """In the constant with this name, which ``memory`` holds, ``plus`` bytes from its start."""

    name: ValueName
    memory: str
    plus: Index = 0


Place = InArena | InTile | InConstant


@dataclass(frozen=True, slots=True)
class Operand:
    """One tensor that a kernel sees, and where it, or a tile's part of it, lies."""

    value: Value
    place: Place


@dataclass(frozen=True, slots=True)
class TileCall:
    """One kernel call: ``op`` computes region ``output`` from exactly the regions ``inputs``."""

    op: Op
    signature: Signature
    inputs: tuple[Region, ...]
    output: Region


@dataclass(frozen=True, slots=True)
class Call:
    """Run one kernel: ``inputs`` and ``output`` as the operator orders them.

    pieces  what is computed for each tile; None where the tile needs nothing new of this tensor
    """

    node: Node
    engine: Engine
    kernel: Kernel
    signature: Signature
    inputs: tuple[Operand, ...]
    output: Operand
    scratch: InArena | None
    scratch_bytes: int
    """Of all cores of the engine together, in equal parts."""
    piece_items: int
    """Work items per call where the kernel is called for the last ones first; 0: one call."""
    pieces: tuple[TileCall | None, ...]

    @property
    def when(self) -> Index:
        """1 for the tiles that have a piece."""
        return column(tuple(int(piece is not None) for piece in self.pieces))

    @property
    def filled(self) -> tuple[TileCall, ...]:
        """One piece per tile; some other tile's where a tile has none."""
        some = next(piece for piece in self.pieces if piece is not None)
        return tuple(piece or some for piece in self.pieces)

    @property
    def scratch_stride(self) -> int:
        """Bytes of scratch that each core of the engine has for itself."""
        return self.scratch_bytes // self.engine.cores

    @property
    def is_cut(self) -> bool:
        """Whether some piece is not the whole node."""
        return any(piece is None or piece.signature != self.signature for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Offload:
    """Start a call on an engine that runs beside the core; ``job``: what a Join waits for."""

    call: Call
    job: int

    @property
    def when(self) -> Index:
        """1 for the tiles that start it."""
        return self.call.when


@dataclass(frozen=True, slots=True)
class Join:
    """Until ``job`` has made its part of ``value``."""

    job: int
    value: ValueName
    when: Index


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangular part of a row-major tensor, as runs of bytes at regular distances.

    run      bytes that follow one another
    counts   outermost first: how many runs, rows of runs, ...
    strides  bytes in the tensor from one to the next, one per count
    Its dense copy has the same bytes without gaps.
    """

    run: Index
    counts: tuple[Index, ...]
    strides: tuple[int, ...]

    def size(self, tile: int) -> int:
        """Bytes that it has for one tile."""
        return at(self.run, tile) * prod(at(count, tile) for count in self.counts)


@dataclass(frozen=True, slots=True)
class Hop:
    """A part of the way between far and near: ``dma`` leads to or from a buffer on the way."""

    dma: Dma
    relay: InTile


@dataclass(frozen=True, slots=True)
class Transfer:
    """What travels between a far tensor and a dense copy of its part near by.

    dma      the last part of the way near; the whole way where there are no ``hops``
    channel  what a Wait waits for; busy from the start of the transfer to that Wait
    type     the stored tensor as a whole; ``value`` is its name
    far      the tensor, or the dense copy of its part in a relay on the way
    when     1 for the tiles that start a transfer
    hops     from far on; none in a finished program, see backend/hops.py
    """

    dma: Dma
    channel: Index
    value: ValueName
    type: TensorType
    far: Place
    near: InTile
    box: Box
    when: Index
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Start to copy from far to near."""

    transfer: Transfer

    @property
    def when(self) -> Index:
        """1 for the tiles that start a transfer."""
        return self.transfer.when


@dataclass(frozen=True, slots=True)
class Store:
    """Start to copy from near to far."""

    transfer: Transfer

    @property
    def when(self) -> Index:
        """1 for the tiles that start a transfer."""
        return self.transfer.when


@dataclass(frozen=True, slots=True)
class Wait:
    """Until the transfer on ``channel`` has moved its bytes; ``value``: what it moves."""

    channel: Index
    value: ValueName
    when: Index


@dataclass(frozen=True, slots=True)
class Keep:
    """Move ``size`` bytes of a buffer to the front of this tile's copy: the rows of the tile before
    that this one needs again. ``start``: where they are, from that front on; in the copy before it
    where it is negative."""

    value: ValueName
    place: InTile
    start: Index
    size: Index
    when: Index


Simple = Call | Offload | Join | Load | Store | Wait | Keep


def called(action: Simple) -> Call | None:
    """The kernel call that an action makes or starts."""
    return (
        action.call if isinstance(action, Offload) else action if isinstance(action, Call) else None
    )


@dataclass(frozen=True, slots=True)
class Shifted:
    """In iteration t of a loop: ``action`` for tile t + shift, if there is such a tile."""

    shift: int
    action: Simple


@dataclass(frozen=True, slots=True)
class Loop:
    """As many iterations as give every action every tile: from -(largest shift) on."""

    tiles: int
    body: tuple[Shifted, ...]

    @property
    def iterations(self) -> range:
        """Iteration numbers; an action with shift s has tile t + s in iteration t."""
        shifts = [item.shift for item in self.body]
        return range(-max(shifts), self.tiles - min(shifts))


Action = Simple | Loop


@dataclass(frozen=True, slots=True)
class Layer:
    """The actions of one group of steps: one function of the C.

    group     index of the plan's group
    observed  the calls whose whole result can be seen somewhere when the layer is done
    """

    group: int
    actions: tuple[Action, ...]
    observed: tuple[Call, ...]

    def flat(self) -> Iterator[Simple]:
        """All actions in the order of the text, those of loops included."""
        for action in self.actions:
            if isinstance(action, Loop):
                yield from (item.action for item in action.body)
            else:
                yield action

    def issue(self) -> Iterator[tuple[Simple, int]]:
        """(action, tile) in the order in which a machine comes to them."""
        for action in self.actions:
            if not isinstance(action, Loop):
                yield action, 0
                continue
            for iteration in action.iterations:
                for item in action.body:
                    tile = iteration + item.shift
                    if 0 <= tile < action.tiles and at(item.action.when, tile):
                        yield item.action, tile

    def tiles_used(self) -> Iterator[tuple[ValueName, InTile]]:
        """(value, place) of every use of a tile buffer."""
        for action in self.flat():
            match action:
                case Call(inputs=inputs, output=output) | Offload(
                    Call(inputs=inputs, output=output)
                ):
                    for operand in (*inputs, output):
                        if isinstance(operand.place, InTile):
                            yield operand.value.name, operand.place
                case Load(transfer) | Store(transfer):
                    yield transfer.value, transfer.near
                    if isinstance(transfer.far, InTile):
                        yield transfer.value, transfer.far
                case Keep():
                    yield action.value, action.place
                case Wait() | Join():
                    pass

    def home(self, call: Call) -> InArena:
        """Where the whole result of an observed call lies when the layer is done."""
        for action in self.flat():
            if isinstance(action, Store) and action.transfer.value == call.output.value.name:
                place = action.transfer.far
                if isinstance(place, InArena):
                    break
        else:
            place = call.output.place
        assert isinstance(place, InArena), f"{call.output.value} lies whole nowhere"
        return InArena(place.memory, place.offset)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The kernels that it calls."""
        return tuple(call for action in self.flat() if (call := called(action)) is not None)

    @property
    def tiles(self) -> int:
        """How many tiles it is cut into."""
        return max((a.tiles for a in self.actions if isinstance(a, Loop)), default=1)


@dataclass(frozen=True, slots=True)
class Program:
    """Layers in issue order and everything they refer to."""

    name: str
    """A C identifier."""
    layers: tuple[Layer, ...]
    arena_bytes: Mapping[str, int]
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    constants: Mapping[ValueName, Array]
    """In the layout that the kernels want, in the order in which they are first used."""
    constants_in: Mapping[ValueName, str]
    """The memory that holds each of them."""
    views: Mapping[ValueName, ValueName]
    """Values that are other values' bytes under another shape: view → what it views."""
    channels: int = 0
    """How many transfers may be under way at once."""
    jobs: int = 0
    """How many engines may run beside the core."""
    runtime: tuple[Path, ...] = ()
    """The target's own C files for transfers and offloaded calls."""
    arena_align: int = 16
    """Bytes; every arena starts at a multiple of it."""
    parallel: tuple[Path, ...] = ()
    """Likewise for calls that several cores share; empty where there are none."""
    kept_bytes_per_cycle: int = 4
    """How fast the core moves what a Keep moves."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """All kernel calls, each once, in issue order."""
        return tuple(call for layer in self.layers for call in layer.calls)

    @property
    def observed(self) -> tuple[Call, ...]:
        """The calls whose results a verification can look at, in the order of their layers."""
        return tuple(call for layer in self.layers for call in layer.observed)

    def viewed(self, name: ValueName) -> ValueName:
        """The value that owns the bytes of ``name``."""
        while name in self.views:
            name = self.views[name]
        return name


def column(values: tuple[int, ...]) -> Index:
    """The number itself where it is the same for every tile."""
    return values[0] if len(set(values)) == 1 else Column(values)
