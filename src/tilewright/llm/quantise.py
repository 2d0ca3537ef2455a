"""From float32 weights and what calibration saw to exact integers.

Scales are used here and nowhere else. A value of the network is ``scale * integer``; a scaled row
is ``scale * y * M / 127``. Source of the scheme: docs/numerics.md.
"""

from dataclasses import asdict, dataclass
from math import ceil, frexp, log2, sqrt

import numpy as np

from tilewright.errors import QuantisationError
from tilewright.ir.types import Array
from tilewright.llm.balance import FULL, GENTLE, balanced
from tilewright.llm.calibrate import Statistics
from tilewright.llm.forward import Place, silu, turns
from tilewright.llm.integers import Embedding, IntegerLayer, IntegerLlama, Matrix, Norm
from tilewright.llm.model import Llama, LlamaShape
from tilewright.llm.rounding import RowWeights, compensated_groups, compensated_rows, plain_rows
from tilewright.llm.widths import LayerWidths, Widths, same_widths
from tilewright.ops.llm.attention import SCORE_SHIFT, CachedAttention
from tilewright.ops.llm.embedding import EmbedTokens
from tilewright.ops.llm.linear import LinearRows, PackedLinearRows
from tilewright.ops.llm.row_ops import ONE_BITS, SILU_ENTRIES, NormRows
from tilewright.ops.llm.rows import LARGEST

MOST = 32767
"""Largest magnitude of int16 values, multipliers and tables."""

RESIDUAL_HEADROOM = 1.3
HEADROOM = 1.25
LOGIT_HEADROOM = 1.1
"""By how much a network may go beyond what calibration saw before it saturates."""

GROUPED_BITS = 4
"""Up to so many bits groups of weights have a step of their own."""

SUM_BITS = 30
"""Scaled sums of a linear layer stay below 2**30."""


def quantised_llama(llama: Llama, seen: Statistics, bits: int | Widths = 8) -> IntegerLlama:
    """Weights of ``bits`` (the embedding and the head: 8), activations of 8. Up to 4 bits groups of
    32 neighbours have a step of their own.

    seen  statistics of the model
    bits  of all matrices, or of each
    Raises QuantisationError for weights that are not finite or have no usable scale.
    """
    _check_finite(llama)
    shape = llama.shape
    widths = same_widths(shape.layers, bits) if isinstance(bits, int) else bits
    is_grouped = min(layer.least for layer in widths) <= GROUPED_BITS
    llama, seen = balanced(llama, seen, GENTLE if is_grouped else FULL)
    residual = RESIDUAL_HEADROOM * seen.residual / MOST
    logit = LOGIT_HEADROOM * seen.logits / MOST
    table = plain_rows(llama.embedding)
    head = table if shape.is_tied else plain_rows(llama.head)
    norm, scale = norm_of(llama.final_norm, shape, residual)
    cos, sin = turns(shape, 0, shape.context)
    angles = np.stack([cos, sin], axis=-1).reshape(shape.context, -1).astype(np.float64)
    layers = (_Layer(llama, seen, index, residual, widths[index]) for index in range(shape.layers))
    return IntegerLlama(
        name=llama.name,
        shape=shape,
        embedding=_embedding(table, residual),
        layers=tuple(layer.quantised() for layer in layers),
        final_norm=norm,
        head=matrix_of(head, scale, logit, "head"),
        turns=_s16(angles * MOST),
        powers=_s16(np.minimum(np.exp2(ONE_BITS - np.arange(256) / 256), MOST)),
        residual_scale=residual,
        logit_scale=logit,
        widths=widths,
    )


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer of a balanced model on its way to integers. ``residual``: the stream's scale."""

    llama: Llama
    seen: Statistics
    index: int
    residual: float
    widths: LayerWidths

    def quantised(self) -> IntegerLayer:
        """All of it."""
        layer, shape, where = self.llama.layers[self.index], self.llama.shape, f"layer {self.index}"
        qkv, gate, up = (self._scale(place) for place in (Place.QKV, Place.GATE, Place.UP))
        attention_norm, normed = norm_of(layer.attention_norm, shape, self.residual)
        mlp_norm, mlp_normed = norm_of(layer.mlp_norm, shape, self.residual)
        rows = {
            name: rounded_rows(self.llama, self.seen, (self.index, name), bits)
            for name, bits in asdict(self.widths).items()
        }
        out = np.repeat([gate, up], shape.hidden_dim)
        return IntegerLayer(
            attention_norm=attention_norm,
            qkv=matrix_of(rows["qkv"], normed, qkv, f"{where} q, k, v"),
            key_centre=_s16(self.seen.centres[self.index] / (2 * qkv)),  # turned keys are halves
            attention=attention_of(shape, qkv),
            o=matrix_of(rows["o"], qkv, self.residual, f"{where} o"),
            mlp_norm=mlp_norm,
            gate_up=matrix_of(rows["gate_up"], mlp_normed, out, f"{where} gate, up"),
            silu=silu_table(gate),
            down=matrix_of(rows["down"], gate * up, self.residual, f"{where} down"),
        )

    def _scale(self, place: Place) -> float:
        """Of int16 values there."""
        return max(HEADROOM * self.seen.peak(place, self.index) / MOST, 1e-12)


def rounded_rows(llama: Llama, seen: Statistics, at: tuple[int, str], bits: int) -> RowWeights:
    """The weights of a matrix; matrices that read the same rows are below each other.

    llama, seen  balanced
    at           layer, and one of ``widths.MATRICES``
    """
    index, name = at
    layer = llama.layers[index]
    place, matrices = {
        "qkv": (Place.ATTENTION_NORM, (layer.q, layer.k, layer.v)),
        "o": (Place.MIXED, (layer.o,)),
        "gate_up": (Place.MLP_NORM, (layer.gate, layer.up)),
        "down": (Place.HIDDEN, (layer.down,)),
    }[name]
    rounding = compensated_rows if bits > GROUPED_BITS else compensated_groups
    return rounding(np.concatenate(matrices), seen.moments[place, index], bits)


def rounded_matrix(llama: Llama, seen: Statistics, at: tuple[int, str], bits: int) -> Array:
    """The same in float32, as integers would have it."""
    rows = rounded_rows(llama, seen, at, bits)
    return (rows.w * rows.scale[:, None]).astype(np.float32)


def norm_of(gain: Array, shape: LlamaShape, residual: float) -> tuple[Norm, float]:
    """The normalisation and the scale of its rows."""
    largest = max(float(np.abs(gain).max()), 1e-30)
    epsilon = max(round(shape.dim * shape.norm_eps / residual**2), 1)
    scale = sqrt(shape.dim) * largest / MOST / 2**ONE_BITS
    return Norm(NormRows(min(epsilon, 2**52)), _s16(gain / largest * MOST)), scale


def matrix_of(rows: RowWeights, scale_in: float, scale_out: float | Array, where: str) -> Matrix:
    """The layer; the row of the largest factor has a multiplier of 15 bits, and others have fewer.

    The sums' bound is taken from the weights. Raises QuantisationError where no shifts fit.
    """
    factor = rows.scale * scale_in / (LARGEST * np.asarray(scale_out, np.float64))
    largest = float(factor.max())
    if largest == 0:
        return Matrix(_linear(rows, 0, 62), rows.stored, np.zeros(len(rows.w), np.int16))
    bits = 15 - frexp(largest)[1]
    multiplier = np.minimum(np.rint(factor * 2.0**bits), MOST)
    reach = LARGEST * np.abs(rows.w.astype(np.int64)).sum(axis=1) * multiplier.astype(np.int64)
    sum_shift = max(int(reach.max()).bit_length() - SUM_BITS, 0)
    if not 17 <= bits - sum_shift <= 62:
        raise QuantisationError(
            f"{where}: weights of {float(rows.scale.max()) * LARGEST:.3g} at most, times steps of "
            f"{scale_in:.3g}, make steps of {float(np.max(scale_out)):.3g}: no shift of 17 to 62 "
            "bits does that; the file's weights, or the calibration text, are of no use"
        )
    op = _linear(rows, sum_shift, bits - sum_shift)
    return Matrix(op, rows.stored, multiplier.astype(np.int16))


def _linear(rows: RowWeights, sum_shift: int, shift: int) -> LinearRows | PackedLinearRows:
    if rows.stored_bits == 8:
        return LinearRows(sum_shift, shift)
    return PackedLinearRows(sum_shift, shift, rows.stored_bits)


def attention_of(shape: LlamaShape, scale: float) -> CachedAttention:
    """Scores in log2 units with 8 fraction bits; turned vectors are halves."""
    step = 2 * scale / LARGEST
    of_one = step**2 * 2**SCORE_SHIFT / sqrt(shape.head_dim) * log2(np.e) * 256
    mantissa, exponent = frexp(of_one)
    multiplier = min(round(mantissa * 2**15), MOST)
    if not 1 <= 15 - exponent <= 62:
        raise QuantisationError(f"scores of {of_one:.3g} steps have no integer softmax")
    largest = shape.context * LARGEST * (MOST - 1) / (2**31 - 1)
    value_shift = 15 + max(ceil(log2(largest)), 0)
    return CachedAttention(
        shape.heads, shape.kv_heads, shape.head_dim, multiplier, 15 - exponent, value_shift
    )


def silu_table(scale: float) -> Array:
    """s16[257]: the curve in the gate's own scale."""
    gate = (np.arange(SILU_ENTRIES) * 256.0 - 32768) * scale
    return _s16(silu(gate) / scale)


def _embedding(table: RowWeights, residual: float) -> Embedding:
    factor = table.scale / residual
    bits = min(15 - frexp(float(factor.max()))[1], 62)
    if bits < 1:
        raise QuantisationError("the embedding is much larger than the residual stream ever was")
    multiplier = np.minimum(np.rint(factor * 2.0**bits), MOST).astype(np.int16)
    return Embedding(EmbedTokens(bits), table.w, multiplier)


def _s16(values: Array) -> Array:
    return np.clip(np.rint(values), -MOST, MOST).astype(np.int16)


def _check_finite(llama: Llama) -> None:
    """Raises QuantisationError naming the first tensor that is not finite."""
    named = [("embedding", llama.embedding), ("final norm", llama.final_norm), ("head", llama.head)]
    for index, layer in enumerate(llama.layers):
        named += [(f"layer {index} {name}", array) for name, array in layer.tensors()]
    for name, array in named:
        if not np.isfinite(array).all():
            raise QuantisationError(
                f"{llama.name}: {name} has {int((~np.isfinite(array)).sum())} elements that are "
                "not finite numbers; the file is damaged, or training diverged"
            )
