"""Constants as C arrays: weights, biases, requantisation tables."""

import numpy as np

from tilewright.ir.types import Array, DType, TensorType

ROW_CHARACTERS = 96


def c_number(value: float, dtype: DType) -> str:
    """One element as a C constant of its type."""
    if dtype.is_float:
        return c_float(value)
    return "INT32_MIN" if value == -(2**31) else str(int(value))


def c_float(value: float) -> str:
    """The shortest decimal that reads back as the same float32; infinities need <math.h>."""
    single = np.float32(value)
    if np.isinf(single):
        return "INFINITY" if single > 0 else "-INFINITY"
    text = str(single)
    return f"{text}f" if any(c in text for c in ".e") else f"{text}.0f"


def print_array(name: str, array: Array, comment: str) -> str:
    """``const T name[N] = {...};`` with a comment above it; elements in row-major order."""
    type_ = TensorType.of(array)
    lines = [f"// {comment}", f"const {type_.dtype.c} {name}[{array.size}] = {{"]
    flat = array.reshape(-1)
    if type_.dtype.is_float or (flat.dtype == np.int32 and (flat == -(2**31)).any()):
        words = [c_number(v, type_.dtype) for v in flat.tolist()]
    else:
        words = list(map(str, flat.tolist()))
    widest = max(map(len, words)) + 2
    per_row = max(1, ROW_CHARACTERS // widest)
    for start in range(0, len(words), per_row):
        lines.append("    " + ", ".join(words[start : start + per_row]) + ",")
    return "\n".join([*lines, "};"])
