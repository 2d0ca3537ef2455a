"""Where the cycles went: by function and by core."""

from array import array
from dataclasses import dataclass

from tilewright.run.sim.elf_image import Image
from tilewright.run.sim.machine import Machine
from tilewright.run.sim.simulator import LOSSES, ProfileMap, Simulator

_OTHER = "(elsewhere)"


@dataclass(frozen=True, slots=True)
class Line:
    """One function on one core. ``lost``: cycles by reason (LOSSES)."""

    core: int
    function: str
    instructions: int
    cycles: int
    lost: tuple[int, ...]

    @property
    def compute(self) -> int:
        """Cycles in which the core did not wait."""
        return self.cycles - sum(self.lost)


def map_functions(image: Image, machine: Machine) -> ProfileMap:
    """Which function each halfword of memory belongs to."""
    names = [_OTHER]
    tables: dict[str, array[int]] = {}
    spans = zip(image.functions, [*image.functions[1:], (1 << 32, "")], strict=True)
    for (start, name), (stop, _) in spans:
        names.append(name)
        for window in machine.windows:
            if not (isinstance(window.shows, str) and 0 <= start - window.base < window.size):
                continue
            size = next(m.size for m in machine.memories if m.name == window.shows)
            table = tables.setdefault(window.shows, array("H", bytes(size)))
            first = start - window.base + window.offset
            last = min(stop - window.base + window.offset, size)
            count = (last - first) // 2
            table[first // 2 : first // 2 + count] = array("H", [len(names) - 1]) * count
            break
    return ProfileMap(tuple(names), {m: bytearray(t.tobytes()) for m, t in tables.items()})


def read_profile(sim: Simulator, functions: ProfileMap) -> tuple[Line, ...]:
    """Lines with at least one cycle, the longest first."""
    lines: list[Line] = []
    for core in range(len(sim.machine.cores)):
        for index, name in enumerate(functions.names):
            values = [sim.profile_value(core, index, c) for c in range(2 + len(LOSSES))]
            if values[1] > 0:
                lines.append(Line(core, name, values[0], values[1], tuple(values[2:])))
    return tuple(sorted(lines, key=lambda line: -line.cycles))


def profile_table(lines: tuple[Line, ...], limit: int = 40) -> str:
    """The lines as text, one column per reason."""
    head = ("core", "function", "instr", "cycles", "compute", *LOSSES)
    rows = [
        (str(x.core), x.function, *map(str, (x.instructions, x.cycles, x.compute, *x.lost)))
        for x in lines[:limit]
    ]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    texts = ["  ".join(_cell(row, i, widths) for i in range(len(head))) for row in (head, *rows)]
    rest = sum(x.cycles for x in lines[limit:])
    if rest:
        texts.append(f"... {len(lines) - limit} more lines with {rest} cycles")
    return "\n".join(texts)


def _cell(row: tuple[str, ...], column: int, widths: list[int]) -> str:
    # Names to the left, numbers to the right.
    return row[column].ljust(widths[column]) if column == 1 else row[column].rjust(widths[column])
