"""Networks with several entries, from graphs to one bundle: the pipeline once per entry, one arena.

Network ─ plan_network per entry ─ check_entries ─ stage per entry ─ print_entries ─▶ Bundle
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.backend.parametric import parametric, points
from tilewright.backend.print_bundle import print_entries
from tilewright.backend.stage import arena_align, stage
from tilewright.check.entries import check_entries
from tilewright.check.judge import check_program
from tilewright.errors import CapacityError, OptionError
from tilewright.frontend.lower import lower
from tilewright.frontend.rewrites.rules import optimise, simplify
from tilewright.ir.dump import dump_graph
from tilewright.ir.graph import Graph
from tilewright.ir.network import Network
from tilewright.ir.plan import Plan
from tilewright.ir.program import Program
from tilewright.ir.target import Target
from tilewright.midend.bounded import graph_at, is_allowed, plan_at, ranges_of
from tilewright.midend.states import with_states_in_place
from tilewright.pipeline import (
    Options,
    choose_contract,
    import_graph,
    machine_for,
    plan_network,
    where_weights_go,
)
from tilewright.run.clock import time_program
from tilewright.run.turns import Arguments, Callee


@dataclass(frozen=True, slots=True)
class Entry:
    """One function of a compiled network. ``source``: as the network has it; ``graph``: as it is
    computed."""

    source: Graph
    graph: Graph
    plan: Plan
    program: Program

    def at(self, values: Mapping[str, int], target: Target) -> "Entry":
        """What runs where the arguments have these values."""
        if not values:
            return self
        graph = graph_at(self.graph, values)
        plan = plan_at(self.plan, graph)
        program = stage(graph, plan, target, self.program.name, like=self.program)
        sizes, family = self.program.arena_bytes, self.program.family
        align = self.program.arena_align
        program = replace(program, arena_bytes=sizes, family=family, arena_align=align)
        return Entry(graph_at(self.source, values), graph, plan, program)


@dataclass(frozen=True, slots=True)
class NetworkCompilation:
    """A compiled network."""

    network: Network
    entries: Mapping[str, Entry]
    bundle: Bundle
    target: Target

    @property
    def arena(self) -> Mapping[str, int]:
        """Bytes of each memory's arena."""
        return next(iter(self.entries.values())).program.arena_bytes

    @property
    def constants(self) -> dict[str, int]:
        """Bytes of constants in each memory; what entries share counts once."""
        arrays = {
            (p.constants_in[name], array.dtype.str, array.shape, array.tobytes())
            for p in (entry.program for entry in self.entries.values())
            for name, array in p.constants.items()
        }
        sizes: dict[str, int] = {}
        for memory, _, _, content in sorted(arrays, key=lambda array: array[0]):
            align = self.target.memory(memory).align
            sizes[memory] = sizes.get(memory, 0) + -(-len(content) // align) * align
        return sizes

    def cycles(self, entry: str) -> tuple[int, int]:
        """Of one run on the target's clock, where every argument is 1 and as large as it may be."""
        of = self.entries[entry]
        arguments = of.graph.arguments
        ends = [{a.name: 1 for a in arguments}, {a.name: a.most for a in arguments}]
        least, most = (time_program(of.at(values, self.target).program) for values in ends)
        return least.cycles, most.cycles

    @property
    def callees(self) -> dict[str, Callee]:
        """The entries as ``run/turns.py`` calls them."""
        return {name: self._callee(entry) for name, entry in self.entries.items()}

    def _callee(self, entry: Entry) -> Callee:
        known: dict[tuple[tuple[str, int], ...], Entry] = {}

        def at(values: Arguments) -> tuple[Graph, Graph, Program]:
            key = tuple(sorted(values.items()))
            if key not in known:
                known[key] = entry.at(values, self.target)
            of = known[key]
            return of.source, of.graph, of.program

        return Callee(entry.source, entry.graph, entry.program, at)


def import_network(name: str, models: Mapping[str, Path], options: Options = Options()) -> Network:
    """One entry per model file, in exact integers; states as ``options`` say, in files that have
    them. Raises CompileError."""
    graphs: dict[str, Graph] = {}
    for entry, model in models.items():
        source = import_graph(model, options)
        contract = choose_contract(source, options.contract)
        lowered = lower(simplify(source).graph, contract, allow_float=options.allow_float)
        exact = optimise(lowered, prune=options.prune).graph
        graphs[entry] = exact.with_states_of(source)
    return Network.of(name, **graphs)


def compile_network(
    network: Network, target: Target, options: Options = Options()
) -> NetworkCompilation:
    """Network → one bundle of C for ``target``, with a function per entry. Writes nothing.

    A network with one entry has the C interface of a model file. Raises CompileError.
    """
    if options.plan is not None:
        raise OptionError("--plan: stored plans are for single networks; leave it out")
    target = machine_for(target, options)
    planned: dict[str, tuple[Graph, Plan]] = {}
    for entry, graph in network.entries.items():
        ranges_of(graph)
        found = plan_network(with_states_in_place(graph), target, options)
        planned[entry] = found.graph, found.plan
    check_entries(planned)
    arena = common_arena([plan for _, plan in planned.values()])
    is_one = len(planned) == 1
    entries: dict[str, Entry] = {}
    for entry, (graph, plan) in planned.items():
        name = network.name if is_one else f"{network.name}_{entry}"
        whole = Entry(network.entries[entry], graph, plan, stage(graph, plan, target, name))
        common = replace(
            whole.program, arena_bytes=arena, family="" if is_one else network.name,
            arena_align=max(arena_align(plan, target) for _, plan in planned.values()),
        )  # fmt: skip
        whole = replace(whole, program=common)
        entries[entry] = replace(whole, program=_for_all_values(whole, target))
    digest = hashlib.sha256()
    for graph in network.entries.values():
        digest.update(dump_graph(graph).encode())
    made = [(entry.program, entry.plan, entry.graph) for entry in entries.values()]
    bundle = print_entries(made, digest.hexdigest(), where_weights_go(options))
    compilation = NetworkCompilation(network, entries, bundle, target)
    _check_sizes(compilation)
    return compilation


def _check_sizes(made: NetworkCompilation) -> None:
    """Raises CapacityError where the arena of all entries and all constants exceed a memory."""
    for memory in made.target.memories:
        arena, constants = made.arena.get(memory.name, 0), made.constants.get(memory.name, 0)
        if memory.size is not None and arena + constants > memory.size:
            raise CapacityError(
                f"{memory.name} of target '{made.target.name}': {made.network.name} needs "
                f"{arena + constants:,} B, {arena + constants - memory.size:,} B more than the "
                f"{memory.size:,} B that there are: {arena:,} B for the arena of all "
                f"{len(made.entries)} entries, {constants:,} B of constants; leave an entry out, "
                f"or give --memory {memory.name}={arena + constants} or more"
            )


def _for_all_values(entry: Entry, target: Target) -> Program:
    """The program with numbers that depend on arguments; the plan is checked for all of them."""
    arguments = entry.graph.arguments
    if not arguments:
        return entry.program
    looked_at = points(arguments, len(entry.graph.nodes))
    at = [values for values in looked_at if is_allowed(entry.graph, values)]
    made = [entry.at(values, target) for values in at]
    for variant in made:
        check_program(variant.program, variant.graph, target)
    whole = parametric([variant.program for variant in made], at, arguments)
    return replace(whole, ranges=ranges_of(entry.graph))


def common_arena(plans: list[Plan]) -> dict[str, int]:
    """Bytes of each memory's arena that serve every plan, one at a time."""
    memories = dict.fromkeys(memory for plan in plans for memory in plan.arena_bytes)
    return {memory: max(p.arena_bytes.get(memory, 0) for p in plans) for memory in memories}
