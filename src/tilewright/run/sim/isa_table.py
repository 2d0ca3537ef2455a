"""The instruction tables ``isa/*.isa`` as data: one row per instruction.

Columns, two or more blanks apart: name; bits as the manual prints them; format (isa_format.py);
timing class; meaning in C. The file that a row stands in is the extension it belongs to.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ISA_FOLDER = Path(__file__).parent / "isa"
EXTENSIONS = {
    "i": 1, "m": 2, "a": 4, "f": 8, "c": 16, "xpulp": 32, "d": 64, "xssr": 128, "xfrep": 256,
    "xdma": 512,
}  # fmt: skip
"""Letter or name of an extension to its bit in ``tw_core.extensions``."""


@dataclass(frozen=True, slots=True)
class Row:
    """One instruction. ``bits`` holds 0, 1 and - only, highest bit first, 16 or 32 of them."""

    name: str
    bits: str
    form: str
    timing: str
    meaning: str
    extension: str

    @property
    def mask(self) -> int:
        """Ones where the encoding is fixed."""
        return int("".join("0" if b == "-" else "1" for b in self.bits), 2)

    @property
    def match(self) -> int:
        """Value of the fixed bits."""
        return int(self.bits.replace("-", "0"), 2)

    @property
    def size(self) -> int:
        """Length in halfwords."""
        return len(self.bits) // 16

    @property
    def symbol(self) -> str:
        """Name as a C identifier."""
        return self.name.replace(".", "_")

    @property
    def needs(self) -> int:
        """Bits of the extensions that a core must have."""
        also_float = self.form.startswith("F") and self.extension == "c"
        return EXTENSIONS[self.extension] | (EXTENSIONS["f"] if also_float else 0)

    def uses(self, operand: str) -> bool:
        """Whether the meaning names the operand."""
        return re.search(rf"\b{operand}\b", self.meaning) is not None


def read_rows(folder: Path = ISA_FOLDER) -> tuple[Row, ...]:
    """All rows, the most specific encodings first: the first match is the instruction."""
    rows: list[Row] = []
    for path in sorted(folder.glob("*.isa")):
        extension = "xpulp" if path.stem.startswith("xpulp") else path.stem.removeprefix("rv32")
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                rows.append(_row(line, extension))
    return tuple(sorted(rows, key=lambda row: -row.mask.bit_count()))


def _row(line: str, extension: str) -> Row:
    name, bits, form, timing, meaning = re.split(r"  +", line.strip(), maxsplit=4)
    return Row(name, bits.replace(" ", ""), form, timing, meaning, extension)
