"""ONNX Runtime's attention operators (com.microsoft) in terms of the standard's.

Every one of them comes to queries [B, heads, S, size], keys and values [B, heads, T, size], and
what is added to logits [B, heads, S, T] before their softmax: biases, and a number far below zero
where a key must not be seen.

Source: the published operator documentation of ONNX Runtime's contrib operators.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.frontend.onnx_forms import Form, Rule
from tilewright.ir.types import Array

FLOAT, INT32 = 1, 6
"""TensorProto.FLOAT, TensorProto.INT32."""

KEPT = 0
"""A dimension that Reshape leaves as it is."""

MASKED = -10000.0
"""Added to logits of padding, where the file does not say what."""

UNSEEN = float(np.finfo(np.float32).min / 2)
"""Added to logits of later tokens: together with any logit it is still a number."""

TO_HEADS = (0, 2, 1, 3)
"""[B, S, heads, size] to [B, heads, S, size], and back."""


@dataclass(slots=True)
class _Attention:
    """Names of tensors. ``terms``: what is added to logits; ``cap``: softcap, 0 for none."""

    q: str
    k: str
    v: str
    scale: float
    terms: list[str] = field(default_factory=list[str])
    cap: float = 0.0


def attention(form: Form) -> None:
    """Attention(x, weights, bias, mask, past, added): the three projections in one product."""
    y = form.do("MatMul", *form.node.inputs[:2])
    y = form.do("Add", y, form.node.input(2)) if form.node.has(2) else y
    _packed(form, y, mask=3, past=4, added=5)


def quantised_attention(form: Form) -> None:
    """QAttention(x, weights, bias, x scale, w scale, mask, x zero, w zero, past)."""
    x, weights, bias, x_scale, w_scale = form.node.inputs[:5]
    zeros = form.input(6), form.input(7)
    whole = form.do("Cast", form.do("MatMulInteger", x, weights, *zeros), to=FLOAT)
    y = form.do("Mul", whole, form.do("Mul", x_scale, w_scale))
    _packed(form, form.do("Add", y, bias), mask=5, past=8, added=99)


def _packed(form: Form, joined: str, mask: int, past: int, added: int) -> None:
    """Query, key and value side by side in the last dimension. Numbers: indices of inputs."""
    whole = form.shape(form.node.input(1))[-1]
    sizes = form.node.integers("qkv_hidden_sizes", (whole // 3,) * 3)
    _refuse(form, "do_rotary", "past_present_share_buffer")
    cuts = form.held(np.array(sizes, np.int64))
    names = tuple(f"{form.node.output}//{what}" for what in ("q", "k", "v"))
    form.do("Split", joined, cuts, outputs=names, axis=-1)
    heads = form.node.integer("num_heads", 1)
    q, k, v = (_in_heads(form, name, heads) for name in names)
    found = _Attention(q, k, v, _scale(form, sizes[0] // heads))
    rows, earlier = form.shape(form.node.input(0))[1], 0
    if form.node.has(past):
        earlier = form.shape(form.node.input(past))[3]
        found.k, found.v = _behind_pair(form, form.node.input(past), k, v)
    if any(form.node.outputs[1:]):
        pair = [form.do("Unsqueeze", n, _axes(form, 0)) for n in (found.k, found.v)]
        form.do("Concat", *pair, outputs=(form.node.outputs[1],), axis=0)
    _add_masks(form, found, (mask, added), rows, earlier)
    _attend(form, found)


def _behind_pair(form: Form, past: str, k: str, v: str) -> tuple[str, str]:
    """Keys and values behind those of ``past`` [2, B, heads, T, size]."""
    halves = tuple(f"{form.node.output}//past{i}" for i in range(2))
    form.do("Split", past, form.held(np.array([1, 1], np.int64)), outputs=halves, axis=0)
    old = [form.do("Squeeze", half, _axes(form, 0)) for half in halves]
    k, v = (form.do("Concat", *pair, axis=2) for pair in zip(old, (k, v), strict=True))
    return k, v


def multi_head_attention(form: Form) -> None:
    """MultiHeadAttention(query, key, value, bias, mask, added, past key, past value)."""
    heads, shape = form.node.integer("num_heads", 1), form.shape(form.node.input(0))
    size = shape[-1] if len(shape) == 5 else shape[-1] // heads
    parts = _unpacked(form)
    if form.node.has(3):
        bias, width = form.array(3, "bias"), heads * size
        biases = bias[:width], bias[width : 2 * width], bias[2 * width :]
        parts = [form.do("Add", x, form.held(b)) for x, b in zip(parts, biases, strict=True)]
    q, k, v = (x if _has_heads(form, x) else _in_heads(form, x, heads) for x in parts)
    found, earlier = _Attention(q, k, v, _scale(form, size)), 0
    if form.node.has(6):
        earlier = form.shape(form.node.input(6))[2]
        found.k = form.do("Concat", form.node.input(6), k, axis=2)
        found.v = form.do("Concat", form.node.input(7), v, axis=2)
    _show(form, found.k, found.v)
    if form.node.has(9):
        raise UnsupportedError(f"{form.node}: searches in beams ({form.input(9)}) are not known")
    _add_masks(form, found, (4, 5), shape[1], earlier)
    _attend(form, found)


def _unpacked(form: Form) -> list[str]:
    """Query, key and value; they may come together, heads outside: [B, S, heads, 3 or 2, size]."""
    shape = form.shape(form.node.input(0))
    if not form.node.has(1):
        return _pieces(form, form.node.input(0), 3) if len(shape) == 5 else _no_parts(form)
    if not form.node.has(2):
        key = form.node.input(1)
        is_pair = len(form.shape(key)) == 5
        return [form.node.input(0), *_pieces(form, key, 2)] if is_pair else _no_parts(form)
    return [form.node.input(i) for i in range(3)]


def _no_parts(form: Form) -> list[str]:
    raise UnsupportedError(
        f"{form.node}: query, key and value in one tensor must be [batch, length, heads, 3, size]"
    )


def _pieces(form: Form, name: str, count: int) -> list[str]:
    """[B, S, heads, count, size] as tensors [B, S, heads * size]."""
    batch, length, heads, _, size = form.shape(name)
    names = tuple(f"{form.node.output}//part{count}{i}" for i in range(count))
    form.do("Split", name, form.held(np.ones(count, np.int64)), outputs=names, axis=3)
    wish = form.held(np.array([batch, length, heads * size], np.int64))
    return [form.do("Reshape", part, wish) for part in names]


def _has_heads(form: Form, name: str) -> bool:
    """Whether keys or values of another sequence come as [B, heads, T, size]."""
    return name in form.node.inputs and len(form.shape(name)) == 4


def group_query_attention(form: Form) -> None:
    """GroupQueryAttention(query, key, value, past key, past value, last, total, cos, sin,
    positions, added): several heads of queries share one of keys and values; always causal."""
    heads, shared = form.node.integer("num_heads", 1), form.node.integer("kv_num_heads", 1)
    _refuse(form, "smooth_softmax", "k_quant_type", "v_quant_type")
    if form.input(11):
        raise UnsupportedError(f"{form.node}: a head_sink ({form.input(11)}) is not known")
    parts = [form.input(i) for i in range(3)]
    shape = form.shape(parts[0])
    size = shape[-1] // (heads if parts[1] else heads + 2 * shared)
    if not parts[1]:
        cuts = form.held(np.array([heads * size, shared * size, shared * size], np.int64))
        names = tuple(f"{form.node.output}//{what}" for what in ("q", "k", "v"))
        form.do("Split", parts[0], cuts, outputs=names, axis=-1)
        parts = [*names]
    q, k, v = (_in_heads(form, x, n) for x, n in zip(parts, (heads, shared, shared), strict=True))
    earlier = form.shape(form.input(3))[2] if form.input(3) else 0
    _need_full(form, earlier + shape[1])
    if form.node.integer("do_rotary", 0):
        turn = _Turn(form, size, form.node.integer("rotary_interleaved", 0) != 0)
        at = _positions(form, 9, earlier, shape[1])
        q, k = (turn.turned(x, form.node.input(7), form.node.input(8), at) for x in (q, k))
    if form.input(3):
        k = form.do("Concat", form.node.input(3), k, axis=2)
        v = form.do("Concat", form.node.input(4), v, axis=2)
    _show(form, k, v)
    times = heads // shared
    found = _Attention(
        q, _repeated(form, k, shared, times), _repeated(form, v, shared, times),
        _scale(form, size), cap=form.node.number("softcap", 0.0),
    )  # fmt: skip
    if form.input(10):
        found.terms.append(form.input(10))
    window = form.node.integer("local_window_size", -1)
    found.terms.append(form.held(_causal(shape[1], earlier, window)))
    _attend(form, found)


def _need_full(form: Form, total: int) -> None:
    """Lengths that are constant have to be those of the tensors: every token is there."""
    for index, least in ((5, total - 1), (6, total)):
        name = form.node.input(index)
        if name not in form.constants:
            raise UnsupportedError(
                f"{form.node}: {name} is computed at run time; where every sequence has all its "
                f"tokens, make it the constant {least} (an attention mask of ones, folded)"
            )
        if np.any(form.array(index, "length") != least):
            raise UnsupportedError(
                f"{form.node}: {name} is {form.array(index, 'length').tolist()}, the tensors have "
                f"{total} tokens; sequences with padding are not known"
            )


def _positions(form: Form, index: int, earlier: int, rows: int) -> str:
    """Where each token stands: as the file says, or behind the earlier ones."""
    if form.input(index):
        return form.input(index)
    return form.held(np.arange(earlier, earlier + rows, dtype=np.int64)[np.newaxis])


def _repeated(form: Form, name: str, heads: int, times: int) -> str:
    """Every head several times: [B, heads, T, size] to [B, heads * times, T, size]."""
    if times == 1:
        return name
    indices = np.repeat(np.arange(heads), times)
    return form.do("Gather", name, form.held(indices.astype(np.int64)), axis=1)


def rotary_embedding(form: Form) -> None:
    """RotaryEmbedding(x, positions, cos, sin), x [B, S, heads * size] or [B, heads, S, size]."""
    x, positions, cos, sin = form.node.inputs[:4]
    shape, heads = form.shape(x), form.node.integer("num_heads", 0)
    part = form.node.integer("rotary_embedding_dim", 0)
    if part and not heads and len(shape) == 3:
        raise UnsupportedError(f"{form.node}: rotary_embedding_dim needs num_heads")
    is_flat = len(shape) == 3
    heads = heads or (shape[-1] // (2 * form.shape(cos)[-1]) if is_flat else shape[1])
    size = shape[-1] // heads if is_flat else shape[-1]
    rows = shape[1] if is_flat else shape[2]
    if form.shape(positions) == (1,):  # of the first token
        ahead = form.held(np.arange(rows, dtype=np.int64)[np.newaxis])
        positions = form.do("Add", form.do("Reshape", positions, _wish(form, 1, 1)), ahead)
    turn = _Turn(form, size, form.node.integer("interleaved", 0) != 0)
    y = turn.turned(_in_heads(form, x, heads) if is_flat else x, cos, sin, positions)
    if is_flat:
        back = form.do("Transpose", y, perm=TO_HEADS)
        form.end("Reshape", back, _wish(form, KEPT, KEPT, shape[-1]))
    else:
        form.end("Identity", y)


@dataclass(frozen=True, slots=True)
class _Turn:
    """Turns pairs of numbers by angles. ``size``: of a head; pairs are half a head apart, or, where
    ``is_interleaved``, next to each other."""

    form: Form
    size: int
    is_interleaved: bool

    def turned(self, x: str, cos: str, sin: str, positions: str) -> str:
        """x [B, heads, S, size], tables [positions, pairs]; what they do not reach stays."""
        do, form = self.form.do, self.form
        pairs = form.shape(cos)[-1]
        angles = [
            do("Unsqueeze", do("Gather", table, positions, axis=0), _axes(form, 1))
            for table in (cos, sin)
        ]
        if self.is_interleaved:
            first, second = (self._cut(x, i, 2 * pairs, 2) for i in range(2))
        else:
            first, second = (self._cut(x, i * pairs, (i + 1) * pairs, 1) for i in range(2))
        turned = [
            do("Sub", do("Mul", first, angles[0]), do("Mul", second, angles[1])),
            do("Add", do("Mul", first, angles[1]), do("Mul", second, angles[0])),
        ]
        if self.is_interleaved:
            apart = [do("Unsqueeze", half, _axes(form, 4)) for half in turned]
            whole = do("Concat", *apart, axis=4)
            turned = [do("Reshape", whole, _wish(form, KEPT, KEPT, KEPT, 2 * pairs))]
        if 2 * pairs < self.size:
            turned.append(self._cut(x, 2 * pairs, self.size, 1))
        return do("Concat", *turned, axis=3) if len(turned) > 1 else turned[0]

    def _cut(self, x: str, start: int, stop: int, step: int) -> str:
        given = (np.array([n], np.int64) for n in (start, stop, 3, step))
        return self.form.do("Slice", x, *map(self.form.held, given))


def _in_heads(form: Form, name: str, heads: int) -> str:
    """[B, S, heads * size] to [B, heads, S, size]."""
    apart = form.do("Reshape", name, _wish(form, KEPT, KEPT, heads, -1))
    return form.do("Transpose", apart, perm=TO_HEADS)


def _wish(form: Form, *dims: int) -> str:
    return form.held(np.array(dims, np.int64))


def _axes(form: Form, *axes: int) -> str:
    return form.held(np.array(axes, np.int64))


def _scale(form: Form, size: int) -> float:
    return form.node.number("scale", 0.0) or 1 / sqrt(size)


def _refuse(form: Form, *flags: str) -> None:
    for flag in flags:
        if form.node.attributes.get(flag, 0) not in (0, "NONE"):
            raise UnsupportedError(f"{form.node}: {flag} is not known; export without it")


def _show(form: Form, k: str, v: str) -> None:
    """Keys and values as the second and third result, where somebody wants them."""
    for name, present in zip((k, v), form.node.outputs[1:3], strict=False):
        if present:
            form.do("Identity", name, outputs=(present,))


def _causal(rows: int, earlier: int, window: int = -1) -> Array:
    """[rows, rows + earlier]: 0 where a token sees another: the last ``window``, itself among
    them; -1: all."""
    ahead = np.arange(rows + earlier) - np.arange(earlier, rows + earlier)[:, np.newaxis]
    is_seen = (ahead <= 0) & ((window < 0) | (ahead > -window))
    return np.where(is_seen, 0.0, UNSEEN).astype(np.float32)


def _add_masks(
    form: Form, found: _Attention, inputs: tuple[int, int], rows: int, earlier: int
) -> None:
    """Padding, biases and causality. ``inputs``: indices of the mask and of what is added."""
    mask, added = (form.input(index) for index in inputs)
    if mask:
        found.terms.append(_padding(form, mask))
    if added:
        found.terms.append(added)
    if form.node.integer("unidirectional", 0):
        found.terms.append(form.held(_causal(rows, earlier)))


def _padding(form: Form, mask: str) -> str:
    """0 where the key is a token, far below zero elsewhere: from lengths [B], or from a mask with
    ones for tokens, [B, T] or [B, S, T]."""
    shape = form.shape(mask)
    if len(shape) == 1:
        batch = form.shape(form.node.input(0))[0]
        if shape != (batch,):
            raise UnsupportedError(
                f"{form.node}: {mask} has {shape[0]} numbers for {batch} sequences; the length of "
                "each is known, not where it begins; export a mask [batch, length]"
            )
        places = form.held(np.arange(_keys(form), dtype=np.int32)[np.newaxis])
        ends = form.do("Reshape", form.do("Cast", mask, to=INT32), _wish(form, batch, 1))
        seen = form.do("Cast", form.do("Less", places, ends), to=FLOAT)
    elif len(shape) in (2, 3):
        seen = form.do("Cast", mask, to=FLOAT)
    else:
        raise UnsupportedError(f"{form.node}: a mask of {len(shape)} dimensions is not known")
    low = form.node.number("mask_filter_value", MASKED)
    hidden = form.do("Add", form.do("Mul", seen, form.held(-low)), form.held(low))
    axes = (1,) if len(shape) == 3 else (1, 2)
    return form.do("Unsqueeze", hidden, _axes(form, *axes))


def _keys(form: Form) -> int:
    """How many keys there are, earlier ones included."""
    kind, shape = form.node.kind, form.shape(form.node.input(0))
    past = {"Attention": 4, "QAttention": 8, "MultiHeadAttention": 6}[kind]
    earlier = form.shape(form.node.input(past))[-2] if form.node.has(past) else 0
    if kind != "MultiHeadAttention" or not form.node.has(1):
        return earlier + shape[1]
    keys = form.shape(form.node.input(1))
    return earlier + (keys[2] if len(keys) == 4 else keys[1])


def _attend(form: Form, found: _Attention) -> None:
    keys = form.do("Transpose", found.k, perm=(0, 1, 3, 2))
    logits = form.do("Mul", form.do("MatMul", found.q, keys), form.held(found.scale))
    if found.cap:
        small = form.do("Tanh", form.do("Mul", logits, form.held(1 / found.cap)))
        logits = form.do("Mul", small, form.held(found.cap))
    for term in found.terms:
        logits = form.do("Add", logits, term)
    mixed = form.do("MatMul", form.do("Softmax", logits, axis=-1), found.v)
    back = form.do("Transpose", mixed, perm=TO_HEADS)
    form.end("Reshape", back, _wish(form, KEPT, KEPT, -1))


ATTENTION_FORMS: Mapping[str, Rule] = {
    "Attention": attention,
    "GroupQueryAttention": group_query_attention,
    "MultiHeadAttention": multi_head_attention,
    "QAttention": quantised_attention,
    "RotaryEmbedding": rotary_embedding,
}
