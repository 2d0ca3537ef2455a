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
from pathlib import Path

from tilewright.ir.graph import Node, ValueName
from tilewright.ir.index import Affine, Argument, Index, Part, arguments_of, at, column
from tilewright.ir.op import Op
from tilewright.ir.operand import Box, InArena, InConstant, InTile, Kept, Numbers, Operand
from tilewright.ir.target import Dma, Engine, Kernel, Signature
from tilewright.ir.types import Array, Region, TensorType

Place = InArena | InTile | InConstant


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
    numbers: Numbers | None = None
    """Set in a program for all values of its arguments; ``pieces`` are those of the largest."""

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
    """Until ``job`` has made its part of ``value``. ``left``: later calls that may go on."""

    job: int
    value: ValueName
    when: Index
    left: Index = 0


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
    part: Part | None = None
    """In a program for all values of its arguments, where their number follows from these;
    ``tiles`` are those of the largest."""

    @property
    def iterations(self) -> range:
        """Iteration numbers; an action with shift s has tile t + s in iteration t."""
        shifts = [item.shift for item in self.body]
        return range(-max(shifts), self.tiles - min(shifts))


Action = Simple | Loop


def _numbers(action: Simple) -> Iterator[Index | float]:
    """Numbers of an action that may depend on arguments."""
    if isinstance(action, Load | Store):
        moved = action.transfer
        yield from (moved.far.plus, moved.near.plus, moved.box.run, *moved.box.counts)
    call = called(action)
    if call is not None and call.numbers is not None:
        yield from (*call.numbers.fields.values(), call.numbers.items, call.numbers.output_bytes)
        yield from (operand.place.plus for operand in (*call.inputs, call.output))


@dataclass(frozen=True, slots=True)
class Layer:
    """The actions of one group of steps: one function of the C.

    group     index of the plan's group
    observed  the calls whose whole result can be seen somewhere when the layer is done
    left_open  engines beside the core that may still work on calls of the layer when it is done
    """

    group: int
    actions: tuple[Action, ...]
    observed: tuple[Call, ...]
    left_open: tuple[int, ...] = ()

    def flat(self) -> Iterator[Simple]:
        """All actions in the order of the text, those of loops included."""
        for action in self.actions:
            if isinstance(action, Loop):
                yield from (item.action for item in action.body)
            else:
                yield action

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The caller's arguments that its numbers depend on."""
        found = {a for action in self.flat() for n in _numbers(action) for a in arguments_of(n)}
        loops = (action for action in self.actions if isinstance(action, Loop) and action.part)
        found |= {a for loop in loops if loop.part for a in loop.part.length.arguments}
        return tuple(sorted(found))

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
        return InArena(place.memory, place.offset, shift=place.shift)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The kernels that it calls."""
        return tuple(call for action in self.flat() if (call := called(action)) is not None)

    @property
    def loaded_by_tile(self) -> frozenset[ValueName]:
        """What it loads for several tiles, each time another part."""
        loops = (action for action in self.actions if isinstance(action, Loop))
        loads = (item.action for loop in loops for item in loop.body)
        return frozenset(load.transfer.value for load in loads if isinstance(load, Load))

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
    """In the layout that the kernels want, in the order in which they are first used; those with
    equal types and bytes in one memory once, under the name of the first."""
    constants_in: Mapping[ValueName, str]
    """The memory that holds each of them."""
    shared: Mapping[ValueName, ValueName]
    """Constants with the bytes of another one: constant → the one of ``constants``."""
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
    states: tuple[Kept, ...] = ()
    """In the order of their places."""
    arguments: tuple[Argument, ...] = ()
    """What the caller says of a run, in the order in which the C function takes it."""
    ranges: tuple[tuple[Affine, int, int], ...] = ()
    """(number, least, most): what arguments together have to keep to, besides their own ranges."""
    family: str = ""
    """The bundle's name where this is one of its entries, called after it: FAMILY_ENTRY."""

    @property
    def bundle(self) -> str:
        """The C identifier that the bundle's common parts carry: arena, kernels, constants."""
        return self.family or self.name

    @property
    def function(self) -> str:
        """The C function that runs it once."""
        return f"tw_{self.name}" if self.family else f"tw_{self.name}_run"

    @property
    def calls(self) -> tuple[Call, ...]:
        """All kernel calls, each once, in issue order."""
        return tuple(call for layer in self.layers for call in layer.calls)

    @property
    def observed(self) -> tuple[Call, ...]:
        """The calls whose results a verification can look at, in the order of their layers."""
        return tuple(call for layer in self.layers for call in layer.observed)

    def constant(self, name: ValueName) -> Array | None:
        """A constant in the layout that kernels want; None for all other values."""
        return self.constants.get(self.shared.get(name, name))

    def viewed(self, name: ValueName) -> ValueName:
        """The value that owns the bytes of ``name``."""
        while name in self.views:
            name = self.views[name]
        return name
