"""docs/reference/instructions.md, made from the instruction tables: run as a module to print it."""

import sys

from tilewright.run.sim.isa_format import read_formats
from tilewright.run.sim.isa_table import read_rows

INTRODUCTION = """\
# Instructions of the simulator

This page is generated (`python -m tilewright.run.sim.instruction_page`, to this file); a
test checks that it is up to date. One row per line of `src/tilewright/run/sim/isa/`, which also has
what each instruction means, in C. What a timing class costs is in
[the simulator's reference](simulator.md#time).

"""


def instruction_table() -> str:
    """The table of the documentation, as Markdown."""
    formats = read_formats()
    lines = ["| instruction | bits 31..0 or 15..0 | operands | timing |", "|---|---|---|---|"]
    lines += [
        f"| `{row.name}` | `{row.bits}` | {formats[row.form].syntax.replace('@', '')} "
        f"| {row.timing} |"
        for row in sorted(read_rows(), key=lambda row: (row.extension, row.name))
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(INTRODUCTION + instruction_table())
