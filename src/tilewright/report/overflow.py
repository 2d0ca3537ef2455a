"""What `tilewright` says where constants do not fit into the memory that is to hold them."""

from collections.abc import Sequence

from tilewright.backend.stage import constants_by_pointer
from tilewright.ir.program import Program
from tilewright.report.memory import MemoryUse

MOST_SHOWN = 5
"""Constants that are named, the largest ones."""


def overflow(memory: MemoryUse, program: Program, target: str, helps: Sequence[str] = ()) -> str:
    """By how much, what fills the memory, and what would do.

    helps  what else was tried and fits
    """
    assert memory.size is not None
    users = constants_by_pointer(program)
    largest = sorted(program.constants.items(), key=lambda item: (-item[1].nbytes, item[0]))
    rows = [
        (f"{users[name][1]} of {program.calls[users[name][0]].node.name}", f"{array.nbytes:,}")
        for name, array in largest[:MOST_SHOWN]
    ]
    names = max((len(name) for name, _ in rows), default=0)
    sizes = max((len(size) for _, size in rows), default=0)
    parts = ", ".join(f"{part} {size:,} B" for part, size in memory.parts.items())
    lines = [
        f"{memory.name} of target '{target}': the network needs {memory.used:,} B, "
        f"{memory.short:,} B more than the {memory.size:,} B that there are",
        f"  {parts}; largest of {len(program.constants)} constants:",
        *(f"    {name:<{names}}  {size:>{sizes}} B" for name, size in rows),
        "  each of these was tried and fits:",
        *(f"    {said}" for said in helps),
        f"    {memory.name} {memory.short:,} B larger (--memory {memory.name}={memory.used})",
    ]
    return "\n".join(lines)
