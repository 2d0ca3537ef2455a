"""All constants of a network: in C, or in a binary file that the assembler includes."""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from tilewright.backend.c_names import CNames
from tilewright.backend.print_constants import (
    WORD_BYTES,
    declaration,
    print_array,
    rows,
    stored_bytes,
)
from tilewright.backend.print_notes import Notes
from tilewright.backend.stage import constants_by_pointer
from tilewright.ir.program import Program
from tilewright.ir.types import Array, TensorType

MAGIC = b"tilewght"
VERSION = 1
MOST_BYTES_AS_C = 2 << 20
"""Constants up to here are C where nobody says anything: as text, larger ones are slow to compile
and of no use to a reader."""

HEAD = struct.Struct("<8sII32s16x")
"""Head of a binary file: magic, version of its format, bytes behind this head, their SHA-256."""


class Where(Enum):
    """Where constants go: ``AUTO``: into C up to MOST_BYTES_AS_C, else into a binary file."""

    AUTO = "auto"
    C = "c"
    BLOB = "blob"

    def is_blob(self, constants: Iterable[Array]) -> bool:
        """Whether these go into a binary file."""
        if self is Where.AUTO:
            return sum(array.nbytes for array in constants) > MOST_BYTES_AS_C
        return self is Where.BLOB


@dataclass(frozen=True, slots=True)
class Weights:
    """``texts``: NAME_weights.c and .h; ``blobs``: NAME_weights.bin, where there is one."""

    texts: Mapping[str, str]
    blobs: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


def print_weights(
    bundle: str, constants: Mapping[str, Array], comments: Mapping[str, str], *, in_blob: bool
) -> Weights:
    """The files. ``constants``, ``comments``: by array; ``in_blob``: numbers go into a binary
    file."""
    stem = f"{bundle}_weights"
    head = [f'#include "{stem}.h"', "", *_byte_order(), ""]
    declared = ["#pragma once", "", "#include <stdint.h>", ""]
    declared += [declaration(name, a) for name, a in constants.items()]
    if not in_blob:
        arrays = [
            f"{print_array(name, array, comments[name])}\n" for name, array in constants.items()
        ]
        if not all(map(_is_finite, constants.values())):
            head[1:1] = ["", "#include <math.h>"]
        return Weights({f"{stem}.c": "\n".join([*head, *arrays]), f"{stem}.h": _text(declared)})
    blob = pack(constants)
    declared += ["", "/// Whether the binary file with these constants is the one of this network."]
    declared += [f"int {stem}_match(void);"]
    lines = [*head, *_included(bundle, constants, comments), "", *_match(stem, blob)]
    texts = {f"{stem}.c": _text(lines), f"{stem}.h": _text(declared)}
    return Weights(texts, {f"{stem}.bin": blob})


def _is_finite(array: Array) -> bool:
    """Whether no element is printed as INFINITY or NAN."""
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def pack(constants: Mapping[str, Array]) -> bytes:
    """A head, then the arrays one after the other, each filled up to whole words."""
    data = b"".join(a.tobytes().ljust(stored_bytes(a), b"\0") for a in constants.values())
    return HEAD.pack(MAGIC, VERSION, len(data), hashlib.sha256(data).digest()) + data


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _byte_order() -> list[str]:
    return [
        "#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__",
        '#error "these constants are for little-endian machines"',
        "#endif",
    ]


def described_constants(program: Program, names: CNames, notes: Notes) -> dict[str, str]:
    """Array → its type and use."""
    layers = [number for number, layer in enumerate(program.layers) for _ in layer.calls]
    users = constants_by_pointer(program)
    where = f" of {program.name}" if program.family else ""
    said: dict[str, str] = {}
    for key, array in program.constants.items():
        use = "initial content"
        if key in users:
            use = f"{notes.label(key)} of layer {layers[users[key][0]]}{where}"
        said[names.constants[key]] = f"{use}: {TensorType.of(array)}"
    return said


def _included(
    bundle: str, constants: Mapping[str, Array], comments: Mapping[str, str]
) -> Iterator[str]:
    """Assembler that includes the head and every array; each in a section of its own."""
    stem, macro = f"{bundle}_weights", f"{bundle}_constant"
    yield f"// {stem}.bin: a head, then all arrays. The assembler looks for it as the compiler does"
    yield "// for header files: where it is called and in the folders of -I."
    yield "__asm__("
    yield from (
        f'    "{line}\\n"'
        for line in (
            f".macro {macro} name start size",
            '.pushsection .rodata.\\\\name, \\"a\\", %progbits',
            ".balign 4",
            ".global \\\\name",
            ".type \\\\name, %object",
            ".size \\\\name, \\\\size",
            "\\\\name:",
            f'.incbin \\"{stem}.bin\\", \\\\start, \\\\size',
            ".popsection",
            ".endm",
            f"{macro} {stem}_head, 0, {HEAD.size}",
        )
    )
    start = HEAD.size
    for name, array in constants.items():
        size = stored_bytes(array)
        yield f'    "{macro} {name}, {start}, {size}\\n" // {comments[name]}'
        start += size
    yield f'    ".purgem {macro}\\n");'


def _match(stem: str, blob: bytes) -> Iterator[str]:
    """The function that compares the file's head with what this C was printed for."""
    words = np.frombuffer(blob[: HEAD.size], "<u4").tolist()
    yield f"extern const uint32_t {stem}_head[{len(words)}];"
    yield ""
    yield "// Magic, format version, bytes behind the head, their SHA-256, nothing."
    yield f"static const uint32_t expected[{len(words)}] = {{"
    yield from rows([f"0x{word:08x}" for word in words])
    yield "};"
    yield ""
    yield f"int {stem}_match(void) {{"
    yield f"  for (int i = 0; i < {HEAD.size // WORD_BYTES}; ++i) {{"
    yield f"    if ({stem}_head[i] != expected[i]) {{"
    yield "      return 0;"
    yield "    }"
    yield "  }"
    yield "  return 1;"
    yield "}"
