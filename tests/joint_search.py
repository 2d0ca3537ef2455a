"""The joint problem on small networks, and by exhaustive search: every issue order, every cover by
ways, every choice of early transfers, judged by lifetimes and schedules alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from random_networks import Largest, Network, fake_kernel
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.op import Op
from tilewright.ir.plan import Step
from tilewright.ir.target import (
    Dma,
    Engine,
    Kernel,
    Memory,
    Reach,
    Role,
    Signature,
    Streaming,
    Target,
    Toolchain,
)
from tilewright.midend.choice.sequence import sequence
from tilewright.midend.choice.ways import NEVER, Net, Way, starts
from tilewright.midend.memory.lifetimes import whole_lifetimes
from tilewright.midend.memory.need import local_need
from tilewright.midend.tiling.cut import Cut
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d

STORED = frozenset({Role.WEIGHT, Role.TABLE})
NEAR = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})


def per_element(op: Op, signature: Signature) -> int:
    del op
    return signature.output.size


def kernel() -> Kernel:
    made = fake_kernel(streaming=Streaming((0, 1, 2), 1), cycles=per_element)
    return replace(made, pointers=("a", "b", "c", "y"))


def target(near: int | None, far: int | None = None, bandwidth: float = 0.5) -> Target:
    return Target(
        name="fake", summary="a far memory and a near one",
        memories=(Memory("flash", None, 4, STORED), Memory("L2", far), Memory("L1", near, 4, NEAR)),
        engines=(Engine("core", "core", (Reach("L1"),), (kernel(),)),),
        toolchain=Toolchain("none", "none", ()),
        dmas=(Dma("dma", ("L2", "L1"), 3, 4, bandwidth), Dma("dma", ("flash", "L1"), 3, 4, 1.0)),
    )  # fmt: skip


def window(net: Network, x: ValueName) -> ValueName:
    return net.node(MaxPool2d(Window2d((3, 3), (1, 1), (1, 1, 1, 1))), x)


def two_halves() -> Graph:
    """Two large tensors of one input that become small ones, which are joined."""
    net = Network()
    x = net.input(1, 8, 8, 2)
    large = [window(net, x), window(net, x)]
    small = [net.node(MaxPool2d(Window2d((3, 3), (2, 2), (1, 1, 1, 1))), y) for y in large]
    return net.build(net.node(Largest(), *small))


@dataclass(frozen=True)
class Exhaustive:
    """``steps``: all; ``ways``: without early transfers; ``near`` and ``far``: bytes."""

    net: Net
    steps: tuple[Step, ...]
    ways: Sequence[Way]
    near: int
    far: int = NEVER
    is_free: bool = True

    def least(self) -> int | None:
        """Cycles of the fastest plan that keeps to the limits; None where there is none."""
        return min((self.cycles(ways) for ways in self.plans()), default=None)

    def plans(self) -> Iterator[tuple[Way, ...]]:
        for cover in self._covers((), frozenset()):
            if self._agrees(cover):
                yield from filter(self.fits, self._with_early(cover))

    def _covers(self, taken: tuple[Way, ...], done: frozenset[int]) -> Iterator[tuple[Way, ...]]:
        if len(done) == len(self.net.steps):
            yield taken
            return
        for way in self.ways:
            members = set(way.members)
            if members & done or (not self.is_free and min(members) != len(done)):
                continue
            before = {b for member in members for b in self.net.before[member]} - members
            if before <= done:
                yield from self._covers((*taken, way), done | members)

    def _agrees(self, cover: tuple[Way, ...]) -> bool:
        """Whether every reader finds its inputs where their makers left them."""
        near = {way.makes for way in cover if way.is_near}
        if self.net.is_one_memory:
            near |= {*self.net.graph.inputs}
        return all(way.near <= near and not way.far & near for way in cover)

    def _with_early(self, cover: tuple[Way, ...]) -> Iterator[tuple[Way, ...]]:
        def follow(chosen: tuple[Way, ...]) -> Iterator[tuple[Way, ...]]:
            if len(chosen) == len(cover):
                yield chosen
                return
            for way in starts(self.net, cover[len(chosen)]):
                if not way.early or (chosen and chosen[-1].makes not in way.borrowed):
                    yield from follow((*chosen, way))

        return follow(())

    def fits(self, ways: Sequence[Way]) -> bool:
        everything = sequence(self.net, self.steps, ways)
        lives = whole_lifetimes(self.net.graph, everything)
        cuts = [cut for cut in everything if cut.steps[0].kernel]
        near = {way.makes for way in ways if way.is_near}
        inner = {name for cut in cuts for name in cut.inner}
        if self.net.is_one_memory:
            near |= {*self.net.graph.inputs}
        for cut, following in zip(cuts, [*cuts[1:], None], strict=False):
            there = {
                t for t, life in lives.items()
                if life.start < cut.span.stop and cut.span.start < life.stop and t not in inner
            }  # fmt: skip
            size = self._need(cut, there & near, lives) + self._early_bytes(following)
            if size > self.near or sum(map(self.net.alive.size, there - near)) > self.far:
                return False
        return True

    def _need(self, cut: Cut, near: set[ValueName], lives: dict) -> int:
        output = cut.steps[-1].node.output
        shown, kept = self.net.alive.shown, self.net.kept
        read = {shown.get(n, n) for step in cut.steps for n in step.node.inputs}
        dying = {t for t in (near & read) - kept if lives[t].stop == cut.span.stop}
        around = frozenset(near - dying - {output})
        need = local_need(cut, self.net.alive, frozenset(dying), is_near=output in near)
        return need + self.net.alive.bytes(around)

    def _early_bytes(self, following: Cut | None) -> int:
        if following is None:
            return 0
        return sum(self.net.alive.rounded(following.parts[n]) for n in following.group.early)

    def cycles(self, ways: Sequence[Way]) -> int:
        total = 0
        for way, following in zip(ways, [*ways[1:], None], strict=False):
            behind = {} if following is None else following.ahead
            schedule = way.cut.schedule
            total += way.cycles if schedule is None else schedule.cycles(way.early, behind)
        return total


def thinned(ways: Sequence[Way], most: int) -> list[Way]:
    """Of each kind of way at most so many, evenly spaced, single steps always included."""
    groups: dict[object, list[Way]] = {}
    for way in ways:
        groups.setdefault((way.members, way.near, way.is_near), []).append(way)
    kept: list[Way] = []
    for group in groups.values():
        group.sort(key=lambda way: (way.cycles, way.cut.moved))
        step = max((len(group) - 1) / max(most - 1, 1), 1)
        kept += [group[round(i * step)] for i in range(most) if round(i * step) < len(group)]
    return [replace(way) for way in kept]
