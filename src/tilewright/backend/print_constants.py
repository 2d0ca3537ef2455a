"""Constants as C arrays: weights, biases, tables; some 3 characters a byte at most."""

import numpy as np

from tilewright.ir.types import Array, TensorType

ROW_CHARACTERS = 98
WORD_BYTES = 4


def c_float(value: float) -> str:
    """The shortest decimal that reads back as the same float32; infinities, NaN need <math.h>."""
    single = np.float32(value)
    if np.isnan(single):
        return "NAN"
    if np.isinf(single):
        return "INFINITY" if single > 0 else "-INFINITY"
    text = str(single)
    return f"{text}f" if any(c in text for c in ".e") else f"{text}.0f"


def is_in_words(array: Array) -> bool:
    """Whether single bytes are printed four by four: `0x04030201` is shorter than four numbers."""
    return array.dtype.itemsize == 1


def stored_bytes(array: Array) -> int:
    """Bytes that the linked program has for a constant: words are whole."""
    return array.nbytes + (-array.nbytes % WORD_BYTES if is_in_words(array) else 0)


def elements(name: str, array: Array) -> str:
    """C for a constant's first element."""
    return f"{name}.{TensorType.of(array).dtype}" if is_in_words(array) else name


def declaration(name: str, array: Array) -> str:
    """The declaration that stands in NAME_weights.h."""
    dtype = TensorType.of(array).dtype
    if not is_in_words(array):
        return f"extern const {dtype.c} {name}[{array.size}];"
    words = f"uint32_t words[{stored_bytes(array) // WORD_BYTES}]"
    members = f"{words}; {dtype.c} {dtype}[{array.size}];"
    return f"extern const union {name} {{ {members} }} {name};"


def print_array(name: str, array: Array, comment: str) -> str:
    """The definition, with a comment above it; elements in row-major order."""
    if is_in_words(array):
        head, tail = f"const union {name} {name} = {{.words = {{", "}};"
        padded = array.tobytes().ljust(stored_bytes(array), b"\0")
        numbers = [f"0x{word:08x}" for word in np.frombuffer(padded, "<u4").tolist()]
    else:
        dtype = TensorType.of(array).dtype
        head, tail = f"const {dtype.c} {name}[{array.size}] = {{", "};"
        numbers = [_shortest(value) for value in array.reshape(-1).tolist()]
    return "\n".join([f"// {comment}", head, *rows(numbers), tail])


def rows(numbers: list[str]) -> list[str]:
    """Numbers in as few lines as there may be."""
    lines = [""]
    for number in numbers:
        if len(lines[-1]) + len(number) + 1 > ROW_CHARACTERS:
            lines.append("")
        lines[-1] += f"{number},"
    return [f"  {line}" for line in lines]


def _shortest(value: float) -> str:
    if isinstance(value, float):
        text = c_float(value)
        return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
    return "INT32_MIN" if value == -(2**31) else str(value)
