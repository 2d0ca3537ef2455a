"""What a tensor of a file may be at most, said before anything is computed with it."""

from itertools import islice

from tilewright.errors import ModelError
from tilewright.ir.graph import GraphBuilder
from tilewright.ir.types import TensorType

MOST_ELEMENTS = 4 << 20
"""Of one activation. What shares memory is decided element by element; far beyond any
microcontroller, that takes minutes and gigabytes instead of a refusal."""

MOST_DIMENSIONS = 16


def need_plannable(where: str, name: str, made: TensorType) -> None:
    """Raises ModelError for a tensor that no plan has room for."""
    if min(made.shape, default=0) < 0:
        raise ModelError(f"{where}: {name} is {made}; a dimension is below 0")
    if len(made.shape) > MOST_DIMENSIONS:
        raise ModelError(
            f"{where}: {name} has {len(made.shape)} dimensions, at most {MOST_DIMENSIONS} are known"
        )
    if not made.size:
        raise ModelError(
            f"{where}: {name} is {made} and has no elements; there is nothing to compute"
        )
    if made.size > MOST_ELEMENTS:
        raise ModelError(
            f"{where}: {name} is {made}, {made.size:,} elements; tensors of more than "
            f"{MOST_ELEMENTS:,} are not planned: make the network's input smaller, or give "
            "open dimensions their size with --input-shape"
        )


def need_plannable_since(builder: GraphBuilder, count: int) -> None:
    """The same for every value that came after the first ``count``, constants excepted."""
    for name in islice(reversed(builder.values), len(builder.values) - count):
        if name not in builder.constants:
            need_plannable(builder.name, name, builder.values[name].type)
