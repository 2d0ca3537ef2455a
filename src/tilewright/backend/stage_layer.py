"""One group of a plan → one layer of the program: calls, and the copies that feed them.

``midend/issue`` says in which order; here its slots become actions on placed buffers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tilewright.backend.hops import hop_by_hop
from tilewright.backend.late_joins import calls_behind, first_queued
from tilewright.backend.staging import Staging, asynchronous_engines
from tilewright.backend.transfers import Turns, box_of, made_by
from tilewright.ir.geometry import (
    is_contiguous,
    is_empty,
    kept_rows,
    offset_in,
    region_type,
    relative,
)
from tilewright.ir.graph import ValueName
from tilewright.ir.index import Column, at, column
from tilewright.ir.plan import Step
from tilewright.ir.program import (
    Box,
    Call,
    Hop,
    InArena,
    InConstant,
    InTile,
    Join,
    Keep,
    Layer,
    Load,
    Loop,
    Offload,
    Operand,
    Shifted,
    Simple,
    Store,
    Transfer,
    Wait,
    called,
)
from tilewright.ir.target import Dma, Engine, Role
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Region, Span, TensorType
from tilewright.midend.tiling.issue import Do, is_queued, slots_of
from tilewright.midend.tiling.tiles import Tile, tiles_of


def stage_layer(
    staging: Staging, index: int, following: int | None, *, is_first: bool, like: Layer | None
) -> Layer:
    """The layer of group ``index``; early transfers of the group ``following`` start in it.

    like  the same layer for larger arguments: what is done in its loop is done in one here
    """
    work = _Work.of(staging, index)
    loads = {load.transfer.value: load for load in work.loads(with_early=is_first)}
    looped = like.loaded_by_tile if like is not None else ()
    changing = {n: load for n, load in loads.items() if n in looped or work.changes(load)}
    once = [load for name, load in loads.items() if name not in changing]
    before: list[Simple] = [Load(_first_of(load.transfer)) for load in once]
    ahead = _ahead(staging, following)
    actions = _actions(work, changing)
    slots = slots_of(work.steps, work.holds, work.tiles)
    body = [
        Shifted(slot.shift, actions[slot.do, slot.name])
        for slot in slots
        if (slot.do, slot.name) in actions
    ]
    calls = [call for item in body if (call := called(item.action)) is not None]
    observed = tuple(c for c in calls if not work.holds[c.output.value.name].is_inside)
    if len(work.tiles) > 1 or (like is not None and like.tiles > 1):
        loop = Loop(len(work.tiles), tuple(body))
        return hop_by_hop(Layer(index, (*before, *ahead, loop), observed))
    in_order = [item.action for item in sorted(body, key=lambda item: -item.shift)]
    first = first_queued(in_order)
    actions = (*before, *in_order[:first], *ahead, *in_order[first:])
    return hop_by_hop(Layer(index, actions, observed))


def _actions(work: "_Work", loads: Mapping[ValueName, Load]) -> dict[tuple[Do, ValueName], Simple]:
    """What the slots stand for; a slot that is not among them has nothing to do, for no tile.

    loads  those that tiles after the first need, too
    """
    actions: dict[tuple[Do, ValueName], Simple] = {(Do.LOAD, n): a for n, a in loads.items()}
    for load in work.loads(with_early=True):
        actions[Do.ARRIVE, load.transfer.value] = _end(load)
    for keep in work.keeps():
        actions[Do.KEEP, keep.value] = keep
    for store in work.stores():
        actions[Do.STORE, store.transfer.value] = store
        actions[Do.LEAVE, store.transfer.value] = _end(store)
    beside = asynchronous_engines(work.staging.target)
    queued = is_queued(work.steps, work.holds, work.tiles)
    for call in work.calls():
        name = call.output.value.name
        actions[Do.RUN, name] = call
        if call.engine.is_asynchronous:
            job = beside.index(call.engine.name)
            actions[Do.RUN, name] = Offload(call, job)
            actions[Do.JOIN, name] = Join(job, name, call.when, calls_behind(call) if queued else 0)
    return actions


def _first_of(transfer: Transfer) -> Transfer:
    """The same with the numbers of the first tile that needs it only."""
    box, when = transfer.box, transfer.when
    tile = when.values.index(1) if isinstance(when, Column) else 0
    return replace(
        transfer,
        channel=at(transfer.channel, tile),
        far=replace(transfer.far, plus=at(transfer.far.plus, tile)),
        near=replace(transfer.near, plus=at(transfer.near.plus, tile)),
        box=Box(at(box.run, tile), tuple(at(c, tile) for c in box.counts), box.strides),
        when=1,
        hops=tuple(
            replace(hop, relay=replace(hop.relay, plus=at(hop.relay.plus, tile)))
            for hop in transfer.hops
        ),
    )


def _end(action: Load | Store) -> Wait:
    transfer = action.transfer
    return Wait(transfer.channel, transfer.value, transfer.when)


def _ahead(staging: Staging, following: int | None) -> list[Simple]:
    """First transfers of the next group's early tensors."""
    if following is None or not staging.plan.groups[following].early:
        return []
    work = _Work.of(staging, following)
    return [
        Load(_first_of(load.transfer))
        for load in work.loads(with_early=True)
        if load.transfer.value in work.group.early
    ]


@dataclass(frozen=True, slots=True)
class _Work:
    """One group and its tiles."""

    staging: Staging
    index: int
    group: Group
    steps: tuple[Step, ...]
    tiles: tuple[Tile, ...]
    turns: dict[ValueName, Turns] = field(default_factory=dict[ValueName, Turns])

    @staticmethod
    def of(staging: Staging, index: int) -> "_Work":
        group = staging.plan.groups[index]
        steps = staging.plan.steps[group.steps.start : group.steps.stop]
        work = _Work(staging, index, group, steps, tiles_of(staging.plan.steps, group))
        for name in group.holds:
            work.turns[name] = work._turns(name)
        return work

    def _turns(self, name: ValueName) -> Turns:
        if self.holds[name].is_ahead:
            return Turns.every_tile(len(self.tiles), self.copies(name))
        return Turns.of(self.regions(name), self.copies(name))

    @property
    def holds(self) -> Mapping[ValueName, Hold]:
        return self.group.holds

    def _travelling(self, *, made: bool) -> tuple[ValueName, ...]:
        own = made_by(self.staging.plan, self.group)
        return tuple(n for n, hold in self.holds.items() if hold.is_copied and (n in own) is made)

    def loads(self, *, with_early: bool) -> tuple[Load, ...]:
        """Every tensor that travels in; without what the group before has started already."""
        found: list[Load] = []
        for name in self._travelling(made=False):
            when = list(self.turns[name].is_new)
            if name in self.group.early and not with_early:
                when[when.index(1)] = 0
            if any(when):
                found.append(Load(self._transfer(name, tuple(when))))
        return tuple(found)

    def stores(self) -> tuple[Store, ...]:
        """Every tensor that travels out."""
        return tuple(
            Store(self._transfer(name, self.turns[name].is_new))
            for name in self._travelling(made=True)
        )

    def changes(self, load: Load) -> bool:
        """Whether tiles after the first need other parts."""
        return any(at(load.when, tile) for tile in range(1, len(self.tiles)))

    def copies(self, name: ValueName) -> int:
        """How many tile buffers the tensor has."""
        return self.holds[name].copies

    def regions(self, name: ValueName) -> tuple[Region, ...]:
        """What must be near for each tile, in terms of the stored tensor."""
        return self._as_stored(name, [tile.held[name] for tile in self.tiles])

    def type(self, name: ValueName) -> TensorType:
        """The tensor as it is stored; a constant in the layout that kernels want."""
        packed = self.staging.constants.get(name)
        return self.staging.graph.type(name) if packed is None else TensorType.of(packed)

    def _as_stored(self, name: ValueName, regions: Sequence[Region]) -> tuple[Region, ...]:
        """A constant in a kernel's own layout can only be used as a whole."""
        stored, meant = self.type(name), self.staging.graph.type(name)
        if stored.shape == meant.shape:
            return tuple(regions)
        is_whole = all(region_type(meant, region) == meant for region in regions)
        assert is_whole, f"{name} is cut, but its kernel packs it whole"
        return (tuple(Span(0, extent) for extent in stored.shape),) * len(regions)

    def _transfer(self, name: ValueName, when: tuple[int, ...]) -> Transfer:
        regions, type_ = self.regions(name), self.type(name)
        moved = _filled(regions)
        far = self._whole(name, moved)
        first = self.staging.channels.first[self.index, name]
        route = self._route(far)
        return Transfer(
            route[-1],
            column(tuple(first + side for side in self.turns[name].side)),
            name,
            type_,
            far,
            self._tile_place(name, regions),
            box_of(name, type_, moved),
            column(when),
            tuple(Hop(dma, self._relay(name, dma.between[1])) for dma in route[:-1]),
        )

    def _relay(self, name: ValueName, memory: str) -> InTile:
        """A buffer on the way, with as many copies as there are near."""
        buffer = self.staging.plan.buffer_in(self.index, name, memory)
        copy = buffer.size // buffer.copies
        plus = column(tuple(side * copy for side in self.turns[name].side))
        return InTile(memory, buffer.offset, buffer.name, plus)

    @property
    def _engine(self) -> Engine:
        return next(step.engine for step in self.steps if step.engine)

    @property
    def _works_in(self) -> str:
        return self._engine.near

    def _route(self, far: InArena | InConstant) -> tuple[Dma, ...]:
        route = self.staging.target.route(far.memory, self._works_in)
        assert route is not None, f"no DMA leads from {far.memory} to {self._works_in}"
        return route

    def keeps(self) -> Iterator[Keep]:
        """Rows that the tile before left, in its own copy where there are two, and that this one
        needs again."""
        for name, hold in self.holds.items():
            if not hold.keeps_rows:
                continue
            sides = self.turns[name].side
            regions = self.regions(name)
            starts, sizes = [0], [0]
            copy = self.staging.plan.tile_buffer(self.index, name).size // hold.copies
            for tile, (before, now) in enumerate(pairwise(regions), 1):
                inside, size = kept_rows(self.type(name), before, now)
                start = inside + (sides[tile - 1] - sides[tile]) * copy
                starts.append(start if size else 0)
                sizes.append(size if start else 0)  # rows at the front stay where they are
            first = next((tile for tile, size in enumerate(sizes) if size), None)
            if first is not None:
                moves = tuple(int(size > 0) for size in sizes)
                # Tiles that move nothing may say anything: numbers that change less read better.
                yield Keep(
                    name,
                    self._tile_place(name, regions),
                    column(
                        tuple(
                            start if size else starts[first]
                            for start, size in zip(starts, sizes, strict=True)
                        )
                    ),
                    column(tuple(size or sizes[first] for size in sizes)),
                    column(moves),
                )

    def calls(self) -> tuple[Call, ...]:
        return tuple(
            self._call(position, step)
            for position, step in enumerate(self.steps)
            if step.kernel is not None
        )

    def _call(self, position: int, step: Step) -> Call:
        kernel, engine, node = step.kernel, step.engine, step.node
        assert kernel is not None
        assert engine is not None
        pieces = tuple(tile.calls[position] for tile in self.tiles)
        time = self.group.steps.start + position
        scratch = self.staging.plan.scratch_of(time)
        return Call(
            node,
            engine,
            kernel,
            step.signature,
            tuple(
                self._operand(
                    name,
                    engine,
                    tuple(p.inputs[i] if p else None for p in pieces),
                    Role.TABLE if i in kernel.tables else Role.WEIGHT,
                )
                for i, name in enumerate(node.inputs)
            ),
            self._operand(node.output, engine, tuple(p.output if p else None for p in pieces)),
            InArena(scratch.memory, scratch.offset) if scratch else None,
            scratch.size if scratch else 0,
            self.staging.plan.piece_items(time),
            pieces,
        )

    def _operand(
        self,
        name: ValueName,
        engine: Engine,
        wanted: tuple[Region | None, ...],
        constant: Role = Role.WEIGHT,
    ) -> Operand:
        """Where each tile's call finds its region; where there is no call, as for the last one.

        constant  the role that the operand has, if it is one
        """
        read = zip(wanted, self.tiles, strict=True)
        regions = self._as_stored(
            name, [tile.held[name] if region is None else region for region, tile in read]
        )
        value = self.staging.graph.values[name]
        if not self.holds[name].is_whole:
            return Operand(value, self._tile_place(name, regions))
        scattered = [
            r for r, w in zip(regions, wanted, strict=True) if w and self._is_torn(name, r)
        ]
        assert not scattered, f"{name}: a call needs scattered bytes, {scattered[0]}"
        place = self._whole(name, regions)
        role = constant if isinstance(place, InConstant) else Role.ACTIVATION
        is_reached = engine.reach(place.memory, role) is not None
        assert is_reached, f"{name} lies in {place.memory}, which {engine.name} does not reach"
        return Operand(value, place)

    def _is_torn(self, name: ValueName, region: Region) -> bool:
        return not is_empty(region) and not is_contiguous(self.type(name), region)

    def _whole(self, name: ValueName, regions: tuple[Region, ...]) -> InArena | InConstant:
        """Where the regions start in the tensor's own buffer."""
        type_ = self.type(name)
        plus = column(tuple(offset_in(type_, region) for region in regions))
        if name in self.staging.constants:
            shared = self.staging.shared.get(name, name)
            return InConstant(shared, self.staging.plan.constants[name], plus)
        buffer = self.staging.plan.buffer_of(name)
        assert buffer is not None, f"value {name} has no buffer"
        inside = self.staging.inside.get(name, 0)
        return InArena(buffer.memory, buffer.offset + inside, plus)

    def _tile_place(self, name: ValueName, regions: tuple[Region, ...]) -> InTile:
        """Where the regions start in what each tile holds of the tensor."""
        buffer = self.staging.plan.tile_buffer(self.index, name)
        assert buffer.copies == self.copies(name), f"{buffer.name} has {buffer.copies} copies"
        starts: list[int] = []
        stored = self.type(name)
        triples = zip(regions, self.regions(name), self.turns[name].side, strict=True)
        for region, held, side in triples:
            inside = relative(region, held)
            type_ = region_type(stored, held)
            assert type_.nbytes <= buffer.size // buffer.copies, f"{buffer.name} is too small"
            is_torn = not is_empty(region) and not is_contiguous(type_, inside)
            assert not is_torn, f"{name}: a call needs scattered bytes of its tile"
            starts.append(side * (buffer.size // buffer.copies) + offset_in(type_, inside))
        plus = column(tuple(starts))
        return InTile(buffer.memory, buffer.offset, buffer.name, plus)


def _filled(regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Tiles that need nothing with what a later one needs, else an earlier one: nobody looks at
    their numbers, which then are those of others."""
    last = next((region for region in reversed(regions) if not is_empty(region)), regions[-1])
    filled: list[Region] = []
    for region in reversed(regions):
        last = last if is_empty(region) else region
        filled.append(last)
    return tuple(reversed(filled))
