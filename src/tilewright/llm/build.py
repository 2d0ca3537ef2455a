"""From a model in exact integers to graphs: entries ``prompt`` and ``decode`` over one cache."""

from dataclasses import dataclass, field

import numpy as np

from tilewright.ir.graph import Contract, Graph, GraphBuilder, State, Value, ValueName
from tilewright.ir.index import Affine, Argument
from tilewright.ir.network import Network
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Quantisation, TensorType
from tilewright.llm.integers import IntegerLayer, IntegerLlama, Matrix, Norm
from tilewright.ops.llm.embedding import LastRow
from tilewright.ops.llm.heads import CentredHeadRows, HeadRows, TurnedHeadRows
from tilewright.ops.llm.linear import FinishRows, SumRows
from tilewright.ops.llm.row_ops import GatedRows, ScaleRows
from tilewright.ops.llm.rows import HEAD_FACTOR_BYTES
from tilewright.ops.state import Put, Valid

CHUNK = 32
"""Tokens that ``prompt`` takes at once."""

TOKENS, LOGITS = "tokens", "logits"


@dataclass(frozen=True, slots=True)
class Span:
    """Which tokens a run takes: those at positions ``first`` .. ``end`` - 1."""

    first: int | Affine
    end: int | Affine


@dataclass(slots=True)
class LlamaBuilder:
    """Puts the nodes of one entry together. ``sums_from``: matrices of so many outputs and more
    have their sums apart; None: none of them."""

    llama: IntegerLlama
    builder: GraphBuilder
    span: Span
    sums_from: int | None = None
    states: list[State] = field(default_factory=list[State])

    def add(self, name: str, op: Op, *inputs: ValueName) -> ValueName:
        """One node; its value has its name."""
        types = (self.builder.values[value].type for value in inputs)
        value = Value(ValueName(name), op.infer(*types))
        return self.builder.node(name, op, inputs, value)

    def table(self, name: str, array: Array) -> ValueName:
        """A constant, once."""
        if (known := ValueName(name)) in self.builder.values:
            return known
        return self.builder.constant(name, array)

    def embedded(self, tokens: ValueName) -> ValueName:
        """The residual stream before the first layer."""
        of = self.llama.embedding
        table, multiplier = self.table("embedding", of.table), "embedding.multiplier"
        return self.add("embedded", of.op, tokens, table, self.table(multiplier, of.multiplier))

    def normed(self, name: str, x: ValueName, norm: Norm) -> ValueName:
        """Scaled rows of the normalised stream."""
        return self.add(name, norm.op, x, self.table(f"{name}.gain", norm.gain))

    def matrix(self, name: str, x: ValueName, matrix: Matrix, *residual: ValueName) -> ValueName:
        """A linear layer, added to ``residual`` where there is one. A tied head reads the
        embedding's table."""
        is_table = matrix.w is self.llama.embedding.table
        w = self.table("embedding" if is_table else f"{name}.w", matrix.w)
        multiplier = self.table(f"{name}.multiplier", matrix.multiplier)
        if self.sums_from is None or matrix.w.shape[0] < self.sums_from:
            return self.add(name, matrix.op, x, w, multiplier, *residual)
        sums = self.add(f"{name}.sums", SumRows(), x, w)
        finish = FinishRows(matrix.op.sum_shift, matrix.op.shift)
        return self.add(name, finish, sums, x, multiplier, *residual)

    def layer(self, index: int, layer: IntegerLayer, x: ValueName) -> ValueName:
        """The residual stream behind one layer."""
        of, shape = f"layer{index}", self.llama.shape
        y = self.normed(f"{of}.attention_norm", x, layer.attention_norm)
        qkv = self.matrix(f"{of}.qkv", y, layer.qkv)
        turns, size = self.table("turns", self.llama.turns), shape.head_dim
        first = self.span.first
        turn_q = TurnedHeadRows(shape.heads, size, 0, first)
        turn_k = CentredHeadRows(shape.kv_heads, size, shape.q_dim, first)
        cut_v = HeadRows(shape.kv_heads, size, shape.q_dim + shape.kv_dim)
        centre = self.table(f"{of}.k.centre", layer.key_centre)
        k = self.cached(f"k{index}", self.add(f"{of}.k", turn_k, qkv, turns, centre))
        v = self.cached(f"v{index}", self.add(f"{of}.v", cut_v, qkv))
        q = self.add(f"{of}.q", turn_q, qkv, turns)
        powers = self.table("powers", self.llama.powers)
        mixed = self.add(f"{of}.attention", layer.attention, q, k, v, powers)
        x = self.matrix(f"{of}.o", self.add(f"{of}.mixed", ScaleRows(), mixed), layer.o, x)
        y = self.normed(f"{of}.mlp_norm", x, layer.mlp_norm)
        gate_up = self.matrix(f"{of}.gate_up", y, layer.gate_up)
        silu = self.table(f"{of}.silu", layer.silu)
        hidden = self.add(f"{of}.hidden", GatedRows(), gate_up, silu)
        return self.matrix(f"{of}.down", hidden, layer.down, x)

    def cached(self, name: str, rows: ValueName) -> ValueName:
        """All rows up to the last token, with new ones put into the state."""
        shape = self.llama.shape
        width = shape.kv_heads * (shape.head_dim + HEAD_FACTOR_BYTES)
        cache = TensorType(DType.S8, (shape.context, width))
        before = self.builder.input(Value(ValueName(f"{name}.before"), cache))
        after = self.add(f"{name}.after", Put(0, self.span.first), before, rows)
        self.builder.outputs.append(after)
        self.states.append(State(name, before, after, np.zeros(cache.shape, np.int8)))
        return self.add(f"{name}.seen", Valid(0, self.span.end), after)

    def logits(self, x: ValueName) -> None:
        """The graph's result, for every row of x."""
        y = self.normed("final_norm", x, self.llama.final_norm)
        name = self.matrix(LOGITS, y, self.llama.head)
        scale = Quantisation((self.llama.logit_scale,), (0,))
        value = self.builder.values[name]
        self.builder.values[name] = Value(name, value.type, scale)
        self.builder.outputs.insert(0, name)

    def build(self) -> Graph:
        """The finished graph."""
        self.builder.states = self.states
        return self.builder.build()


def built_network(
    llama: IntegerLlama, chunk: int = CHUNK, drafts: int = 0, sums_from: int | None = None
) -> Network:
    """Entries over one cache, with logits s16[1, vocabulary] of the last token:

    decode(tokens s32[1], end)               the token at position end - 1
    prompt(tokens s32[chunk], end, rows)     ``rows`` tokens, the last of them at position end - 1;
                                             where a chunk has several
    verify(tokens s32[drafts + 1], end, rows)  the same, with logits s16[rows, vocabulary] of every
                                             token; where there are drafts

    sums_from  matrices of so many outputs and more have their sums apart, for an engine that makes
               nothing else; None: none of them
    """
    most = llama.shape.context
    entries: dict[str, Graph] = {}
    if chunk > 1:
        entries["prompt"] = prompt_graph(llama, min(chunk, most), sums_from)
    entries["decode"] = decode_graph(llama, sums_from)
    if drafts:
        entries["verify"] = verify_graph(llama, min(drafts + 1, most), sums_from)
    return Network.of(llama.name, **entries)


def decode_graph(llama: IntegerLlama, sums_from: int | None = None) -> Graph:
    """One token."""
    end = Argument("end", llama.shape.context)
    made = _begun(llama, "decode", Span(end - 1, end + 0), sums_from)
    x = made.embedded(made.builder.input(_tokens(1)))
    made.logits(_through_layers(made, x))
    return made.build()


def prompt_graph(llama: IntegerLlama, chunk: int, sums_from: int | None = None) -> Graph:
    """Up to ``chunk`` tokens."""
    end, rows = Argument("end", llama.shape.context), Argument("rows", chunk)
    made = _begun(llama, "prompt", Span(end - rows, end + 0), sums_from)
    given = made.builder.input(_tokens(chunk))
    x = made.embedded(made.add("given", Valid(0, rows + 0), given))
    made.logits(made.add("last", LastRow(), _through_layers(made, x)))
    return made.build()


def verify_graph(llama: IntegerLlama, most: int, sums_from: int | None = None) -> Graph:
    """Up to ``most`` tokens, and what each of them makes likely."""
    end, rows = Argument("end", llama.shape.context), Argument("rows", most)
    made = _begun(llama, "verify", Span(end - rows, end + 0), sums_from)
    given = made.builder.input(_tokens(most))
    made.logits(_through_layers(made, made.embedded(made.add("given", Valid(0, rows + 0), given))))
    return made.build()


def text_graph(llama: IntegerLlama, length: int) -> Graph:
    """A text of ``length`` tokens from an empty cache, with the logits of every token."""
    made = _begun(llama, "text", Span(0, length))
    made.logits(_through_layers(made, made.embedded(made.builder.input(_tokens(length)))))
    return made.build()


def layer_graph(llama: IntegerLlama, index: int, length: int) -> Graph:
    """One layer alone: the residual stream s16[length, dim] before and after it, from an empty
    cache."""
    made = _begun(llama, f"layer{index}", Span(0, length))
    x = TensorType(DType.S16, (length, llama.shape.dim))
    y = made.layer(index, llama.layers[index], made.builder.input(Value(ValueName("x"), x)))
    made.builder.outputs.insert(0, y)
    return made.build()


def _begun(
    llama: IntegerLlama, name: str, span: Span, sums_from: int | None = None
) -> LlamaBuilder:
    return LlamaBuilder(llama, GraphBuilder(name, Contract.LLM), span, sums_from)


def _tokens(count: int) -> Value:
    return Value(ValueName(TOKENS), TensorType(DType.S32, (count,)))


def _through_layers(made: LlamaBuilder, x: ValueName) -> ValueName:
    for index, layer in enumerate(made.llama.layers):
        x = made.layer(index, layer, x)
    return x
