"""Constants as the real numbers that they stand for."""

import numpy as np

from tilewright.frontend.rewrites.draft import Draft
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array


def real_constant(draft: Draft, name: ValueName) -> Array | None:
    """The constant in float32; None where it is computed, or integers without one known scale.

    All-zero integers are zeros under any scale, as importers write a missing bias.
    """
    array = draft.constant(name)
    if array is None or array.dtype == np.float32:
        return array
    quantisation = draft.values[name].quantisation
    if quantisation is not None and quantisation.is_per_tensor:
        centred = array.astype(np.int64) - quantisation.zero_point
        return (centred * quantisation.scale).astype(np.float32)
    return None if np.any(array) else array.astype(np.float32)
