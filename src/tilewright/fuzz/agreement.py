"""Do two parties' outputs differ by more than rounding explains?

Integers that follow from integers must be equal. Where real numbers are on the way, sums are added
in another order, and a rounding to integers may then fall to the other side. How far that reaches
depends on the network, so it is tried: the definitions are evaluated again with a little noise on
every real number. What moves the result as far as the difference is no finding.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.types import Array
from tilewright.run.sequences import initial_states
from tilewright.run.subject import has_float_layers

NOISE = 2.0**-21
"""Of the greatest element of a tensor: a few roundings of float32."""

TRIALS = 6
MARGIN = 8.0
"""Times what noise did; noise is drawn, and the worst case is rarer than the drawn ones."""

Values = Mapping[ValueName, Array]


def disagreement(
    graph: Graph, inputs: Sequence[Values], left: Sequence[Sequence[Array]],
    right: Sequence[Sequence[Array]],
) -> str:  # fmt: skip
    """Where two parties differ, with numbers; empty where nothing is wrong.

    inputs       of each inference
    left, right  [inferences][outputs], in the order of the graph's
    """
    place = _first_difference(graph, left, right)
    if not place or not has_float_layers(graph):
        return place
    allowed = _moved_by_noise(graph, inputs)
    for index, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        for output, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            distance, least = _distance(one, other), _least(one)
            moved = allowed[index][output]
            if not distance <= MARGIN * moved + least:
                return (
                    f"inference {index}, output {graph.outputs[output]} differs by {distance:.3g}, "
                    f"noise moves it by {moved:.3g}; {place}"
                )
    return ""


def _first_difference(
    graph: Graph, left: Sequence[Sequence[Array]], right: Sequence[Sequence[Array]]
) -> str:
    for index, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        for name, one, other in zip(graph.outputs, ours, theirs, strict=True):
            if one.shape != other.shape or one.dtype != other.dtype:
                return f"output {name}: {one.dtype}{one.shape} against {other.dtype}{other.shape}"
            differs = ~_equal(one, other)
            if differs.any():
                at = tuple(int(i) for i in np.argwhere(differs)[0])
                return (
                    f"inference {index}, output {name}: {int(differs.sum())} of {one.size} "
                    f"elements differ, at {list(at)} {one[at]} against {other[at]}"
                )
    return ""


def _equal(one: Array, other: Array) -> Array:
    """Element by element; a NaN equals a NaN."""
    both_nan = np.isnan(one) & np.isnan(other) if one.dtype.kind == "f" else np.False_
    return np.asarray((one == other) | both_nan)


def _distance(one: Array, other: Array) -> float:
    left, right = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.where((left == right) | (np.isnan(left) & np.isnan(right)), 0, abs(left - right))
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))


def _least(array: Array) -> float:
    """A difference that means nothing whatever noise does: 1 step, or 1e-5 of the greatest."""
    if array.dtype.kind != "f":
        return 1.0
    finite = np.abs(array[np.isfinite(array)])
    return 1e-5 * float(finite.max(initial=0.0)) + 1e-6


def _moved_by_noise(graph: Graph, inputs: Sequence[Values]) -> list[list[float]]:
    """[inferences][outputs]: how far noise moves an element, at most, in some trials."""
    exact = _evaluated(graph, inputs, None)
    found = [[0.0] * len(graph.outputs) for _ in inputs]
    for trial in range(TRIALS):
        noisy = _evaluated(graph, inputs, np.random.default_rng(trial))
        for index, (ours, theirs) in enumerate(zip(exact, noisy, strict=True)):
            for output, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                found[index][output] = max(found[index][output], _distance(one, other))
    return found


def _evaluated(
    graph: Graph, inputs: Sequence[Values], rng: np.random.Generator | None
) -> list[list[Array]]:
    states, found = initial_states(graph), list[list[Array]]()
    for given in inputs:
        known: dict[ValueName, Array] = {**graph.constants, **given, **states}
        for node in graph.nodes:
            made = node.op.evaluate(*(known[name] for name in node.inputs))
            known[node.output] = made if rng is None else _disturbed(made, rng)
        states = {state.before: known[state.after] for state in graph.states}
        found.append([known[name] for name in graph.outputs])
    return found


def _disturbed(array: Array, rng: np.random.Generator) -> Array:
    if array.dtype.kind != "f" or array.size == 0:
        return array
    finite = np.abs(array[np.isfinite(array)])
    step = NOISE * float(finite.max(initial=0.0))
    return np.asarray(array + rng.uniform(-step, step, array.shape), array.dtype)
