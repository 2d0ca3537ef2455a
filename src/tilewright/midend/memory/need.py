"""Bytes of one memory that a run of steps needs while it is computed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.types import Span
from tilewright.midend.memory.packing import Packing, Piece
from tilewright.midend.tiling.cut import Cut
from tilewright.midend.tiling.overlap import Gap


@dataclass(frozen=True, slots=True)
class Alive:
    """Which tensors are alive at which boundary between steps.

    shown      view → the tensor whose bytes it shows
    lifetimes  of whole tensors, where every step is computed by itself
    memory     the near memory
    align      bytes; every size is rounded up to it
    """

    graph: Graph
    shown: Mapping[ValueName, ValueName]
    lifetimes: Mapping[ValueName, Span]
    memory: str
    align: int

    @property
    def ends(self) -> frozenset[ValueName]:
        """Inputs and outputs of the network, with every view of them and what they are views of."""
        seen = {*self.graph.inputs, *self.graph.outputs}
        tensors = {self.shown.get(name, name) for name in seen}
        return frozenset(seen | tensors | {v for v, t in self.shown.items() if t in tensors})

    def size(self, tensor: ValueName) -> int:
        """Bytes of a whole tensor; none where they are those of another one."""
        if tensor in self.shown:
            return 0
        return self.rounded(self.graph.type(tensor).nbytes)

    def rounded(self, size: int) -> int:
        """Bytes that a buffer of a size takes."""
        return -(-size // self.align) * self.align

    def bytes(self, tensors: frozenset[ValueName]) -> int:
        """Bytes of several tensors."""
        return sum(map(self.size, tensors))

    def after(self, tensors: frozenset[ValueName], stop: int) -> frozenset[ValueName]:
        """Those that are still alive at a boundary."""
        return frozenset(name for name in tensors if self.lifetimes[name].stop > stop)

    def at_entry(self, start: int) -> Iterator[ValueName]:
        """Tensors that are alive when the step ``start`` begins."""
        for tensor, life in self.lifetimes.items():
            is_input = tensor in self.graph.inputs and start == 0
            if life.start < start < life.stop or (is_input and life.stop > 0):
                yield tensor


def local_need(cut: Cut, alive: Alive, dying: frozenset[ValueName], *, is_near: bool = True) -> int:
    """Bytes for the run itself, for inputs that die with it and for its output.

    dying    inputs in the same memory whose last reader is in the run
    is_near  whether the output lies in the same memory
    No placement needs less.
    """
    end = 2 * cut.span.size
    pieces = [*_working(cut, alive)] if works_near(cut, alive) else []
    readers: dict[ValueName, int] = {}
    for tensor in sorted(dying):
        readers[tensor] = len(pieces)
        pieces.append(Piece(alive.size(tensor), 0, end))
    gaps: dict[tuple[int, int], Gap] = {}
    if is_near and cut.steps[-1].kernel is not None:
        for name, gap in cut.leaves.items():
            tensor = alive.shown.get(name, name)
            if tensor in readers:
                gaps[len(pieces), readers[tensor]] = gap
        pieces.append(Piece(alive.size(cut.steps[-1].node.output), 1, end))
    if len(gaps) > 1:
        gaps = {pair: gap._replace(below=-pieces[pair[1]].size) for pair, gap in gaps.items()}
    return Packing(tuple(pieces), gaps).lower_bound


def works_near(cut: Cut, alive: Alive) -> bool:
    """Whether tiles and scratch of a run lie near; those of an engine that works at home do not."""
    return all(step.engine is None or step.engine.near == alive.memory for step in cut.steps)


def home_need(cut: Cut, alive: Alive) -> int:
    """Bytes at home besides whole tensors: of a run that works there, and on the way near."""
    relays = sum(alive.rounded(size) for _, _, size in cut.relays())
    if works_near(cut, alive):
        return relays
    parts = sum(map(alive.rounded, cut.parts.values()))
    return relays + parts + sum(size for _, size in _scratch(cut, alive))


def _working(cut: Cut, alive: Alive) -> Iterator[Piece]:
    """Tile buffers and scratch."""
    for name, size in cut.parts.items():
        lives = cut.lives(name)
        start, stop = lives.start - cut.span.start, lives.stop - cut.span.start
        yield Piece(alive.rounded(size), 2 * start + 1, 2 * stop)
    for index, size in _scratch(cut, alive):
        lives = cut.scratch_lives(index)
        start, stop = lives.start - cut.span.start, lives.stop - cut.span.start
        yield Piece(size, 2 * start + 1, 2 * stop)


def _scratch(cut: Cut, alive: Alive) -> Iterator[tuple[int, int]]:
    """(position of a step, bytes for all cores of its engine) where its kernel wants some."""
    for index, (step, alone) in enumerate(zip(cut.steps, cut.scratch, strict=True)):
        if alone and step.engine is not None:
            yield index, alive.rounded(step.engine.scratch_bytes(alone, alive.align))
