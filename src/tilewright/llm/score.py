"""How much a quantised model loses: perplexity and agreement, float against integers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tilewright.ir.graph import Graph
from tilewright.ir.types import Array
from tilewright.llm.build import layer_graph, text_graph
from tilewright.llm.forward import Place, forward
from tilewright.llm.integers import IntegerLlama
from tilewright.llm.model import Llama


@dataclass(frozen=True, slots=True)
class Score:
    """Over all tokens that are predicted from those before them in their text.

    perplexity_float, perplexity   exp of the mean negative log probability of the text's token
    top1                           share of tokens that both think the likeliest
    """

    perplexity_float: float
    perplexity: float
    top1: float

    @property
    def increase(self) -> float:
        """Of the perplexity, as a fraction."""
        return self.perplexity / self.perplexity_float - 1


@dataclass(frozen=True, slots=True)
class LayerLoss:
    """How far one layer in integers is from the layer in float32, on the same input.

    error   root mean square of the difference over that of what the layer adds to the stream
    """

    layer: int
    error: float


def scored(llama: Llama, integers: IntegerLlama, texts: Sequence[Array]) -> Score:
    """Both models on every text [length], each from an empty cache."""
    surprises = np.zeros(2)
    agreed = count = 0
    graphs = {len(text): text_graph(integers, len(text)) for text in texts}
    for text in texts:
        exact = forward(llama, text[None])[0][0]
        made = evaluated(graphs[len(text)], text.astype(np.int32)) * integers.logit_scale
        surprises += surprise(exact, text), surprise(made, text)
        agreed += int((exact.argmax(1) == made.argmax(1))[:-1].sum())
        count += len(text) - 1
    of_float, of_integers = (float(np.exp(total / count)) for total in surprises)
    return Score(of_float, of_integers, agreed / count)


def surprise(logits: Array, text: Array) -> float:
    """Sum of negative log probabilities of text[1:] by logits [length, vocabulary]."""
    wide = logits[:-1].astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    taken = np.take_along_axis(wide, text[1:, None].astype(np.int64), axis=1)[:, 0]
    return float((np.log(np.exp(wide).sum(axis=1)) - taken).sum())


def layer_losses(llama: Llama, integers: IntegerLlama, text: Array) -> tuple[LayerLoss, ...]:
    """One per layer, on the float model's stream for ``text`` [length]."""
    streams = _streams(llama, text)
    losses = list[LayerLoss]()
    for index, (before, after) in enumerate(pairwise(streams)):
        stored = np.clip(np.rint(before / integers.residual_scale), -32767, 32767).astype(np.int16)
        graph = layer_graph(integers, index, len(text))
        made = evaluated(graph, stored).astype(np.float64) - stored
        wanted = after - before
        difference = made * integers.residual_scale - wanted
        error = np.sqrt((difference**2).mean() / max(float((wanted**2).mean()), 1e-30))
        losses.append(LayerLoss(index, float(error)))
    return tuple(losses)


def _streams(llama: Llama, text: Array) -> list[Array]:
    """The residual stream before every layer and after the last one, [length, dim] each."""
    found = list[Array]()

    def watch(place: Place, layer: int, values: Array) -> None:
        del layer
        if place in (Place.EMBEDDED, Place.LEFT):
            found.append(values[0])

    forward(llama, text[None], watch=watch)
    return found


def evaluated(graph: Graph, given: Array) -> Array:
    """The first output of a graph with one input besides its states, by definition."""
    known = dict(graph.constants)
    known.update({state.before: graph.initial(state) for state in graph.states})
    known[graph.given[0]] = given
    for node in graph.nodes:
        known[node.output] = node.op.evaluate(*(known[name] for name in node.inputs))
    return known[graph.results[0]]
