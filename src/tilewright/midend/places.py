"""Where whole tensors may lie: settled before tiles, residency and addresses are.

An activation lies *near*, where the engines work that a DMA feeds, or at *home*, in a larger memory
from which its parts travel or where some engine reaches them. A constant lies in one memory for
ever: each of its readers reaches it there, or a route leads from there to where the reader works.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Step
from tilewright.ir.target import Dma, Engine, Memory, Reach, Role, Target

NOTHING: Mapping[str, int] = {}

NEVER = float("inf")
"""Cycles per byte where nothing leads to a reader."""


@dataclass(frozen=True, slots=True)
class Places:
    """One choice of memories for a network on a target.

    near       where the engines work that a DMA feeds
    home       where activations lie that do not lie near; ``near`` where there is one memory
    constants  constant → the memory that holds it
    taken      memory that may hold activations, too → bytes that constants take of it
    tables     constants that some reader wants where it reaches tables
    """

    target: Target
    near: Memory
    home: Memory
    constants: Mapping[ValueName, str]
    taken: Mapping[str, int]
    tables: frozenset[ValueName] = frozenset()

    @property
    def is_one_memory(self) -> bool:
        """Whether activations lie near and nowhere else."""
        return self.near.name == self.home.name

    def room(self, memory: Memory) -> int | None:
        """Bytes for everything but constants; None where nothing limits them."""
        return None if memory.size is None else memory.size - self.taken.get(memory.name, 0)

    def lies_in(self, name: ValueName) -> str:
        """The memory of a constant, or of an activation that does not lie near."""
        return self.constants.get(name, self.home.name)

    def reach(self, name: ValueName, engine: Engine) -> Reach | None:
        """How an engine gets at what does not lie near, where it lies."""
        role = _role(name, self.tables) if name in self.constants else Role.ACTIVATION
        return engine.reach(self.lies_in(name), role)

    def route(self, name: ValueName, engine: Engine) -> tuple[Dma, ...] | None:
        """How what does not lie near travels to where an engine works."""
        return self.target.route(self.lies_in(name), engine.near)

    def serves(self, engine: Engine, name: ValueName) -> bool:
        """Whether an engine can work with what does not lie near."""
        return self.reach(name, engine) is not None or self.route(name, engine) is not None

    def is_usable(self, engine: Engine) -> bool:
        """Whether an engine works where activations lie."""
        return engine.near in (self.near.name, self.home.name)


def choices_of_places(graph: Graph, steps: Sequence[Step], target: Target) -> Iterator[Places]:
    """Every memory that may be home, the closest first."""
    near = target.memory(target.near)
    for name in target.homes or (near.name,):
        yield settled(graph, steps, target, target.memory(name))


def settled(
    graph: Graph, steps: Sequence[Step], target: Target, home: Memory,
    spare: Mapping[str, int] = NOTHING,
) -> Places:  # fmt: skip
    """Constants where they cost their readers least, as far as there is room.

    spare  memory → bytes that are left free for activations
    """
    holders = [memory for memory in target.memories if Role.WEIGHT in memory.holds]
    sizes = _sizes(graph, steps)
    tables = frozenset(name for step in steps for name in _tables(step))
    near = target.memory(target.near)
    if len(holders) == 1:
        lies = dict.fromkeys(sizes, holders[0].name)
        return Places(target, near, home, lies, _taken(lies, sizes, target), tables)
    room = {m.name: _room(m, spare.get(m.name, 0)) for m in holders}
    readers = {name: _readers(name, steps) for name in sizes}
    prices = {name: _prices(_role(name, tables), readers[name], target, holders) for name in sizes}
    lies: dict[ValueName, str] = {}
    for name in sorted(sizes, key=lambda n: (-_regret(prices[n]), sizes[n], n)):
        price, size = prices[name], sizes[name]
        fitting = [m for m in holders if room[m.name] >= size and price[m.name] < NEVER]
        # Where nothing has room, the check of sizes names the memory that is too small.
        best = min(fitting or holders, key=lambda m: price[m.name])
        lies[name] = best.name
        room[best.name] -= size
    ordered = {name: lies[name] for name in sizes}
    return Places(target, near, home, ordered, _taken(ordered, sizes, target), tables)


def _sizes(graph: Graph, steps: Sequence[Step]) -> dict[ValueName, int]:
    """Constant → bytes, as its first reader's kernel wants it."""
    sizes: dict[ValueName, int] = {}
    for step in steps:
        if step.kernel is None:
            continue
        arrays = tuple(graph.constants.get(name) for name in step.node.inputs)
        packed = step.kernel.pack(step.node.op, arrays)
        for name, array in zip(step.node.inputs, packed, strict=True):
            if array is not None:
                sizes.setdefault(name, array.nbytes)
    return sizes


def _taken(
    lies: Mapping[ValueName, str], sizes: Mapping[ValueName, int], target: Target
) -> dict[str, int]:
    taken: dict[str, int] = {}
    shared = {m.name: m.align for m in target.memories if Role.ACTIVATION in m.holds}
    for name, memory in lies.items():
        if memory in shared:
            rounded = -(-sizes[name] // shared[memory]) * shared[memory]
            taken[memory] = taken.get(memory, 0) + rounded
    return taken


def _room(memory: Memory, spare: int) -> float:
    if memory.size is None:
        return NEVER
    return memory.size - spare


def _tables(step: Step) -> Iterator[ValueName]:
    """What a step's kernel reads as tables."""
    if step.kernel is not None:
        yield from (step.node.inputs[index] for index in step.kernel.tables)


def _role(name: ValueName, tables: frozenset[ValueName]) -> Role:
    """What a constant is for."""
    return Role.TABLE if name in tables else Role.WEIGHT


def _readers(name: ValueName, steps: Sequence[Step]) -> list[Engine]:
    return [step.engine for step in steps if step.engine and name in step.node.inputs]


def _prices(
    role: Role, readers: Sequence[Engine], target: Target, holders: Sequence[Memory]
) -> dict[str, float]:
    """Memory → cycles per byte of a constant there, for all of its readers."""
    return {
        m.name: sum(_price(target, m.name, engine, role) for engine in readers)
        if role in m.holds
        else NEVER
        for m in holders
    }


def _price(target: Target, memory: str, engine: Engine, role: Role) -> float:
    reach = engine.reach(memory, role)
    if reach is not None:
        return reach.cycles_per_byte
    route = target.route(memory, engine.near)
    if route is None:
        return NEVER
    return sum(1 / dma.bytes_per_cycle for dma in route)


def _regret(prices: Mapping[str, float]) -> float:
    """What a byte costs more in the second best memory."""
    best, *others = sorted(prices.values())
    return others[0] - best if others and best < NEVER else 0.0
