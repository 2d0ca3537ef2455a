"""Joins as late as bytes allow, for engines that keep calls waiting in a queue.

Layers are planned as if whoever starts a call had to wait for the one before. An engine with a
queue works on its calls in order, so that the next one finds what the one before has made: nobody
has to wait until something else touches bytes that a call under way reads or writes. Then the
engine goes on from call to call, also from layer to layer, while the core prepares the next ones.

Loops over tiles keep their joins. Those of a single step on an engine that fetches ahead start the
next call first (midend/tiling/issue.py) and leave it alone when they wait for the one before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from tilewright.ir.index import Index, at, column
from tilewright.ir.program import (
    Action,
    Call,
    InConstant,
    Join,
    Keep,
    Layer,
    Load,
    Loop,
    Offload,
    Place,
    Program,
    Simple,
    Store,
    Transfer,
    Wait,
    called,
)


@dataclass(frozen=True, slots=True)
class _Touch:
    """Bytes [start, stop) of a memory that an action reads, or writes."""

    memory: str
    start: int
    stop: int
    writes: bool

    def clashes(self, other: "_Touch") -> bool:
        """Whether the order of both matters."""
        is_common = max(self.start, other.start) < min(self.stop, other.stop)
        return self.memory == other.memory and is_common and (self.writes or other.writes)


def with_late_joins(program: Program) -> Program:
    """The same program, where engines with a queue are waited for as late as may be. A program
    whose numbers depend on arguments stays as it is: its bytes are not the same in every run."""
    queues = {
        action.job
        for layer in program.layers
        for action in layer.flat()
        if isinstance(action, Offload) and action.call.engine.queue > 1
    }
    if not queues or program.arguments:
        return program
    pending = _Pending(program, frozenset(queues))
    layers = [pending.layer(layer) for layer in program.layers]
    layers[-1] = replace(layers[-1], actions=(*layers[-1].actions, *pending.joined()))
    return replace(program, layers=tuple(layers))


def first_queued(actions: Sequence[Simple]) -> int:
    """Behind the first call that an engine with a queue takes: it should not wait for transfers
    that others need. The front where there is none."""
    for position, action in enumerate(actions, 1):
        if isinstance(action, Offload) and action.call.engine.queue > 1:
            return position
    return 0


def calls_behind(call: Call) -> Index:
    """How many calls may go on when somebody waits for a tile's call, where a loop starts the next
    one first."""
    return column((*(int(piece is not None) for piece in call.pieces[1:]), 0))


@dataclass(frozen=True, slots=True)
class _Pending:
    """Calls under way at some point of a program, the oldest first.

    jobs  engines with a queue
    """

    program: Program
    jobs: frozenset[int]
    calls: list[Offload] = field(default_factory=list[Offload])

    def layer(self, layer: Layer) -> Layer:
        """One layer after those before."""
        actions: list[Action] = []
        for action in layer.actions:
            if isinstance(action, Loop):
                actions += [*self.joined(), action]
            elif isinstance(action, Offload) and action.job in self.jobs:
                if self._is_early(action):
                    actions += self.joined()
                self._start(action)
                actions.append(action)
            elif not (isinstance(action, Join) and action.job in self.jobs):
                if self._is_touched(action):
                    actions += self.joined()
                actions.append(action)
        left_open = tuple(sorted({c.job for c in self.calls if c.call in layer.calls}))
        return replace(layer, actions=tuple(actions), left_open=left_open)

    def joined(self) -> list[Join]:
        """A wait for each engine that has calls under way; none has any more."""
        last = {offload.job: offload.call.output.value.name for offload in self.calls}
        self.calls.clear()
        return [Join(job, name, 1) for job, name in last.items()]

    def _start(self, offload: Offload) -> None:
        """A call is started when the queue has room: the oldest one is over then."""
        of_engine = [c for c in self.calls if c.job == offload.job]
        if len(of_engine) == offload.call.engine.queue:
            self.calls.remove(of_engine[0])
        self.calls.append(offload)

    def _is_early(self, offload: Offload) -> bool:
        """Whether a call would use scratch that calls under way still work with; they may have the
        same scratch."""
        call = offload.call
        if call.scratch is None or not call.engine.fetches_ahead:
            return False
        mine = next(_span(call.scratch, call.scratch_bytes, writes=True))
        for pending in self.calls:
            touched = [*self._of_call(pending.call)]
            if pending.call.scratch is not None and touched[-1] == mine:
                touched.pop()
            if any(mine.clashes(other) for other in touched):
                return True
        return False

    def _is_touched(self, action: Action) -> bool:
        """Whether an action has to wait for a call under way."""
        if not self.calls:
            return False
        mine = [*self._touches(action)]
        others = [t for offload in self.calls for t in self._touches(offload)]
        return any(one.clashes(other) for one in mine for other in others)

    def _touches(self, action: Action) -> Iterator[_Touch]:
        """Everything that an action outside of loops reads and writes, constants at home aside."""
        match action:
            case Load(transfer) | Store(transfer):
                is_load = isinstance(action, Load)
                size = transfer.box.size(0)
                yield from _span(transfer.near, size, writes=is_load)
                yield from _far(transfer, writes=not is_load)
            case Call() | Offload():
                call = called(action)
                assert call is not None
                yield from self._of_call(call)
            case Wait() | Join():
                pass
            case Keep() | Loop():
                raise AssertionError("rows are kept in loops, which are joined before")

    def _of_call(self, call: Call) -> Iterator[_Touch]:
        piece = call.pieces[0]
        assert piece is not None
        for operand, type_ in zip(call.inputs, piece.signature.inputs, strict=True):
            packed = self.program.constant(operand.value.name)
            size = type_.nbytes if packed is None else packed.nbytes
            yield from _span(operand.place, size, writes=False)
        yield from _span(call.output.place, piece.signature.output.nbytes, writes=True)
        if call.scratch is not None:
            yield from _span(call.scratch, call.scratch_bytes, writes=True)


def _span(place: Place, size: int, *, writes: bool) -> Iterator[_Touch]:
    if not isinstance(place, InConstant):
        start = place.offset + at(place.plus, 0)
        yield _Touch(place.memory, start, start + size, writes)


def _far(transfer: Transfer, *, writes: bool) -> Iterator[_Touch]:
    """From the first to the last byte of a box."""
    box = transfer.box
    reach = at(box.run, 0) + sum(
        (at(count, 0) - 1) * stride for count, stride in zip(box.counts, box.strides, strict=True)
    )
    yield from _span(transfer.far, reach, writes=writes)
