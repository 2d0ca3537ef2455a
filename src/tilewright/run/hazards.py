"""Byte arenas in which transfers are under way: who may touch which byte now, and who may not.

A transfer moves its bytes as late as it may, at the wait. Until then its destination is poisoned
and belongs to it, and its source must not change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tilewright.ir.index import at
from tilewright.ir.program import (
    Box,
    InArena,
    InConstant,
    InTile,
    Transfer,
)
from tilewright.ir.types import Array

POISON = 0xA5


class HazardError(AssertionError):
    """Two actions of a program touch the same bytes with no wait between them."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """Some bytes of one arena: their indices, in the order in which they are copied."""

    memory: str
    index: Array


Busy = int | str
"""A channel's number, or the name of an engine that runs beside the core."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A transfer or a job that has started.

    sources      what must not change until it is over
    destination  what nobody else may touch until then
    result       makes the bytes that arrive, from the sources as they are in the end
    """

    what: str
    sources: tuple[Bytes, ...]
    destination: Bytes
    result: Callable[[], Array]


class Arenas:
    """All memories of one machine, full of poison, with what travels between them."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._bytes = {name: np.full(size, POISON, np.uint8) for name, size in sizes.items()}
        self._arriving = {name: np.zeros(size, np.int32) for name, size in sizes.items()}
        self._leaving = {name: np.zeros(size, np.int32) for name, size in sizes.items()}
        self._under_way: dict[Busy, UnderWay] = {}

    def span(self, memory: str, start: int, size: int, who: str) -> Bytes:
        """``size`` bytes that follow one another. Raises HazardError beyond the arena's end."""
        limit = self._bytes[memory].size
        if start < 0 or start + size > limit:
            raise HazardError(f"{who} ends at {start + size}, {memory} has {limit} bytes")
        return Bytes(memory, np.arange(start, start + size))

    def read(self, where: Bytes, who: str) -> Array:
        """The bytes. Raises HazardError where they are still on their way."""
        self._need_free(self._arriving, where, who, "reads")
        return self._bytes[where.memory][where.index]

    def write(self, where: Bytes, data: Array | int, who: str) -> None:
        """Set the bytes. Raises HazardError where a transfer still reads or writes them."""
        self._need_free(self._arriving, where, who, "writes")
        self._need_free(self._leaving, where, who, "writes")
        self._bytes[where.memory][where.index] = data

    def peek(self, where: Bytes) -> Array:
        """The bytes, whoever owns them."""
        return self._bytes[where.memory][where.index]

    def start(self, busy: Busy, transfer: UnderWay) -> None:
        """Begin a transfer or a job. Raises HazardError where its channel or its bytes are busy."""
        if busy in self._under_way:
            raise HazardError(
                f"{transfer.what} starts on {busy}, where nobody has waited for "
                f"{self._under_way[busy].what}"
            )
        for source in transfer.sources:
            self.read(source, transfer.what)
        destination, memory = transfer.destination, transfer.destination.memory
        self._need_free(self._arriving, destination, transfer.what, "writes")
        self._need_free(self._leaving, destination, transfer.what, "writes")
        lost = destination.index  # a kernel that writes over its own input still finds that there
        for source in transfer.sources:
            self._leaving[source.memory][source.index] += 1
            lost = np.setdiff1d(lost, source.index) if source.memory == memory else lost
        self._bytes[memory][lost] = POISON
        self._arriving[memory][destination.index] = 1
        self._under_way[busy] = transfer

    def finish(self, busy: Busy, who: str) -> None:
        """Wait: now the bytes arrive. Raises HazardError where nothing is under way."""
        if busy not in self._under_way:
            raise HazardError(f"{who}: nothing is under way on {busy}")
        transfer = self._under_way.pop(busy)
        for source in transfer.sources:
            self._leaving[source.memory][source.index] -= 1
        destination = transfer.destination
        self._arriving[destination.memory][destination.index] = 0
        self._bytes[destination.memory][destination.index] = transfer.result()

    def finish_any(self, busy: Busy) -> None:
        """The same where something is under way."""
        if busy in self._under_way:
            self.finish(busy, self._under_way[busy].what)

    def need_quiet(self) -> None:
        """Raises HazardError where a transfer was never waited for."""
        for transfer in self._under_way.values():
            raise HazardError(f"nobody waits for {transfer.what}")

    def _need_free(
        self, busy: Mapping[str, Array], where: Bytes, who: str, what_it_does: str
    ) -> None:
        if busy[where.memory][where.index].any():
            owners = (
                t.what
                for t in self._under_way.values()
                for part in (*t.sources, t.destination)
                if part.memory == where.memory and np.intersect1d(part.index, where.index).size
            )
            raise HazardError(f"{who} {what_it_does} what {next(owners)} has not finished with")


def far_bytes(transfer: Transfer, tile: int, constant: Array | None) -> Bytes | Array:
    """A transfer's box: the bytes of the packed constant, else where they lie in an arena."""
    start = at(transfer.far.plus, tile)
    match transfer.far:
        case InConstant():
            assert constant is not None
            raw = np.ascontiguousarray(constant).reshape(-1).view(np.uint8)
            return raw[start + _box_index(transfer.box, tile)]
        case InArena() | InTile() as place:
            return Bytes(place.memory, place.offset + start + _box_index(transfer.box, tile))


def near_bytes(transfer: Transfer, tile: int) -> Bytes:
    """The dense copy of a transfer's box."""
    place: InTile = transfer.near
    start = place.offset + at(place.plus, tile)
    return Bytes(place.memory, np.arange(start, start + transfer.box.size(tile)))


def _box_index(box: Box, tile: int) -> Array:
    index = np.arange(at(box.run, tile))
    for count, stride in zip(reversed(box.counts), reversed(box.strides), strict=True):
        index = (np.arange(at(count, tile))[:, None] * stride + index).reshape(-1)
    return index
