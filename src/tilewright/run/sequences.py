"""Runs in a row: what a network with states computes from one inference to the next."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.program import Program
from tilewright.ir.types import Array
from tilewright.run.inputs import Batch
from tilewright.run.interpret import Interpretation, interpret
from tilewright.run.subject import evaluate

States = dict[ValueName, Array]
"""What every state is when a run begins, by the input that it is."""


def initial_states(graph: Graph) -> States:
    """After a reset."""
    return {state.before: graph.initial(state) for state in graph.states}


def evaluate_in_turn(graph: Graph, batch: Batch) -> list[dict[ValueName, Array]]:
    """Every value of every inference, by the operators' definitions; states go on."""
    states, found = initial_states(graph), list[dict[ValueName, Array]]()
    for index in range(batch.inferences):
        values = evaluate(graph, batch.one(index) | states)
        states = {state.before: values[state.after] for state in graph.states}
        found.append(values)
    return found


def interpret_in_turn(program: Program, graph: Graph, batch: Batch) -> list[Interpretation]:
    """The same on the program's arena."""
    states, found = initial_states(graph), list[Interpretation]()
    for index in range(batch.inferences):
        interpretation = interpret(program, graph, batch.one(index) | states)
        states = {state.before: interpretation.outputs[state.after] for state in graph.states}
        found.append(interpretation)
    return found


def with_states(graph: Graph, batch: Batch, values: Sequence[dict[ValueName, Array]]) -> Batch:
    """The batch with what every state was when each inference began, for judges without states."""
    arrays = {
        state.before: np.stack([of_run[state.before] for of_run in values])
        for state in graph.states
    }
    return replace(batch, arrays={**batch.arrays, **arrays})
