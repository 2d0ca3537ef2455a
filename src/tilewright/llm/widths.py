"""How many bits the weights of each matrix have, and what all constants take in memory."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from tilewright.llm.model import LlamaShape
from tilewright.ops.llm.packed import row_bytes
from tilewright.ops.llm.row_ops import SILU_ENTRIES

MATRICES = ("qkv", "o", "gate_up", "down")
"""Of a layer, in the order in which tokens meet them."""

POWERS = 256


@dataclass(frozen=True, slots=True)
class LayerWidths:
    """Bits of one layer's weights, 2 to 8; matrices that read the same rows are one."""

    qkv: int = 8
    o: int = 8
    gate_up: int = 8
    down: int = 8

    @property
    def least(self) -> int:
        """Of the coarsest matrix."""
        return min(astuple(self))


Widths = tuple[LayerWidths, ...]
"""One per layer."""


def same_widths(layers: int, bits: int) -> Widths:
    """All matrices alike."""
    return (LayerWidths(bits, bits, bits, bits),) * layers


def widths_text(widths: Widths) -> str:
    """For people: one number, or every layer's."""
    if len({bits for layer in widths for bits in astuple(layer)}) == 1:
        return f"{widths[0].least} bits"
    layers = (" ".join(str(bits) for bits in astuple(layer)) for layer in widths)
    return f"bits of {', '.join(MATRICES)}, layer by layer: {'; '.join(layers)}"


def matrix_sizes(shape: LlamaShape) -> Mapping[str, tuple[int, int]]:
    """Rows and columns of a layer's matrices."""
    return {
        "qkv": (shape.q_dim + 2 * shape.kv_dim, shape.dim),
        "o": (shape.dim, shape.q_dim),
        "gate_up": (2 * shape.hidden_dim, shape.dim),
        "down": (shape.dim, shape.hidden_dim),
    }


def stored_width(bits: int) -> int:
    """8, 6 or 4: what a weight of ``bits`` bits takes in memory."""
    return next(width for width in (4, 6, 8) if bits <= width)


def matrix_bytes(rows: int, columns: int, bits: int) -> int:
    """Weights alone."""
    width = stored_width(bits)
    return rows * (columns if width == 8 else row_bytes(columns, width))


def constant_bytes(shape: LlamaShape, widths: Widths) -> int:
    """Of all weights, factors and tables of the network. Embedding and head have 8 bits."""
    sizes = matrix_sizes(shape)
    factors = 2 * sum(rows for rows, _ in sizes.values())
    per_layer = factors + 2 * (2 * shape.dim + shape.kv_dim + SILU_ENTRIES)
    matrices = sum(
        matrix_bytes(*sizes[name], getattr(of, name)) for of in widths for name in MATRICES
    )
    table = shape.vocabulary * shape.dim
    tables = (1 if shape.is_tied else 2) * table + 2 * 2 * shape.vocabulary
    common = 2 * (shape.dim + shape.context * shape.head_dim + POWERS)
    return matrices + shape.layers * per_layer + tables + common
