"""A network: one or several functions over common constants and common states.

    Network = name, {entry: Graph}

An entry is a graph in exact integers, as ``lower`` and ``optimise`` make them. Entries exclude each
other in time: one arena serves them all. States that have one name are one state; constants with
equal bytes and layout are one constant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from tilewright.errors import OptionError
from tilewright.ir.graph import Graph, GraphBuilder, State


@dataclass(frozen=True, slots=True)
class Network:
    """One or several entries. ``name``: a C identifier, as every entry's name."""

    name: str
    entries: Mapping[str, Graph]

    @staticmethod
    def of(name: str, **entries: Graph) -> "Network":
        """A network of graphs; each has every state, used or not. Raises OptionError in words."""
        if not entries:
            raise OptionError(f"network {name}: it has no entry; give one graph or more")
        for wrong in [n for n in (name, *entries) if not (n.isascii() and n.isidentifier())]:
            raise OptionError(
                f"network {name}: {wrong} is no C identifier; use letters, digits and _"
            )
        states: dict[str, tuple[str, Graph, State]] = {}
        for entry, graph in entries.items():
            for state in graph.states:
                known = states.setdefault(state.name, (entry, graph, state))
                _need_same(state.name, known, (entry, graph, state))
        common = list(states.values())
        complete = {entry: _with_all(graph, common) for entry, graph in entries.items()}
        return Network(name, MappingProxyType(complete))

    @property
    def states(self) -> tuple[str, ...]:
        """Names of all states, in the order of their places."""
        return tuple(sorted({s.name for graph in self.entries.values() for s in graph.states}))


def _need_same(name: str, one: tuple[str, Graph, State], other: tuple[str, Graph, State]) -> None:
    """A state is the same everywhere, and the first entry that has it says what it is at first."""
    types = [f"{graph.values[state.before].type}" for _, graph, state in (one, other)]
    if types[0] != types[1]:
        raise OptionError(
            f"state {name} is {types[0]} in entry {one[0]} and {types[1]} in entry {other[0]}; a "
            "state has one type"
        )
    scales = [graph.values[state.before].quantisation for _, graph, state in (one, other)]
    if scales[0] != scales[1]:
        raise OptionError(
            f"state {name} has {scales[0]} in entry {one[0]} and {scales[1]} in entry {other[0]}; "
            "quantise both alike"
        )
    arrays = [graph.initial(state) for _, graph, state in (one, other)]
    if arrays[0].tobytes() != arrays[1].tobytes():
        raise OptionError(
            f"state {name} begins as one thing in entry {one[0]} and as another in {other[0]}; "
            "give both the same initial content"
        )


def _with_all(graph: Graph, states: list[tuple[str, Graph, State]]) -> Graph:
    """The graph with every state of the network; those that it does not touch stay as they are."""
    builder = GraphBuilder.of(graph)
    own = {state.name for state in graph.states}
    for _, other, state in states:
        if state.name not in own:
            value = other.values[state.before]
            name = builder.input(replace(value, name=builder.fresh(value.name)))
            builder.outputs.append(name)
            builder.states.append(State(state.name, name, name, other.initial(state)))
    return builder.build()
