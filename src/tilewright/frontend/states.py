"""Pairs of an output and an input that a user names → states of a source graph."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np

from tilewright.errors import OptionError
from tilewright.ir.graph import Graph, State, ValueName
from tilewright.ir.types import Array

Pair = tuple[str, str]
"""An output, and the input that it is in the next run."""


def with_states(graph: Graph, pairs: Sequence[Pair], initial: Mapping[str, Array]) -> Graph:
    """The graph with one state per pair, beside those that it has.

    initial  input → what it is before the first run; real zeros where it is not there
    Raises OptionError naming the pair and what is wrong with it.
    """
    states = [*graph.states]
    for after, before in pairs:
        state = _state(graph, after, before)
        for known in states:
            if known.before == before or known.after == after:
                raise OptionError(
                    f"--state {after}={before}: {known.after}={known.before} is a state already; "
                    "every input and every output takes part in one"
                )
        states.append(state)
    states = [_with_initial(graph, state, initial) for state in states]
    unknown = [name for name in initial if name not in {state.before for state in states}]
    if unknown:
        raise OptionError(
            f"--state-initial: {', '.join(unknown)} is no input that a --state names; there "
            f"{_are([state.before for state in states])}"
        )
    made = replace(graph, states=tuple(states))
    for what, names in (("input", made.given), ("output", made.results)):
        if states and not names:
            raise OptionError(
                f"--state: every {what} of {graph.name} is a state; a network takes at least one "
                "input and gives at least one output that is none"
            )
    return made


def _state(graph: Graph, after: str, before: str) -> State:
    where = f"--state {after}={before}"
    _need(where, "output", after, graph.outputs)
    _need(where, "input", before, graph.inputs)
    out, into = graph.values[ValueName(after)], graph.values[ValueName(before)]
    if out.type != into.type:
        raise OptionError(
            f"{where}: output {after} is {out.type}, input {before} is {into.type}; a state has "
            "one type"
        )
    if out.quantisation != into.quantisation:
        raise OptionError(
            f"{where}: output {after} has {out.quantisation or 'no quantisation'}, input {before} "
            f"has {into.quantisation or 'none'}; quantise both alike"
        )
    return State(before, into.name, out.name)


def _need(where: str, kind: str, name: str, known: Collection[str]) -> None:
    if name in known:
        return
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"; did you mean {close[0]}" if close else ""
    raise OptionError(f"{where}: the network has no {kind} {name}: there {_are(known)}{meant}")


def _are(names: Collection[str]) -> str:
    return f"are {', '.join(names)}" if len(names) != 1 else f"is {', '.join(names)}"


def _with_initial(graph: Graph, state: State, initial: Mapping[str, Array]) -> State:
    array = initial.get(state.before)
    if array is None:
        return state
    type_ = graph.values[state.before].type
    dtype = np.dtype(type_.dtype.numpy)
    if tuple(array.shape) != type_.shape or not np.can_cast(array.dtype, dtype, "same_kind"):
        raise OptionError(
            f"--state-initial: {state.before} is {array.dtype.name}{list(array.shape)}, the "
            f"network wants {type_}"
        )
    stored = np.ascontiguousarray(array).astype(dtype)
    if not np.array_equal(stored, array):
        raise OptionError(
            f"--state-initial: {state.before} holds {array.min()} .. {array.max()}, which is "
            f"beyond {type_.dtype.value}"
        )
    return replace(state, initial=stored)
