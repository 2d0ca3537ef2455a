"""Figures in the calibration programs' output: which numbers are cycles, which must be equal."""

import re

# Whatever follows one of these words (or stands in such a list) is a cycle count.
_LISTS = re.compile(
    r"^(.*(?:barriers \(8 cores\)|banks.*|bank|word|4\*id|apart|skewed"
    r"|cold|2nd|3rd|\(others\)|DMA|\(core1\)|cost|wake-last)) *:((?: -?\d+)+)$"
)
_FIGURES = re.compile(
    r"(total=|cycles=|loop |per-op x100=|cycle |RUN=|acquire=|setup=|alloc=|push=|wait=|x100 = "
    r"|x10=|arrival |: )(\d+)"
)
_DERIVED = ("per-op x100=", "x100 = ", "x10=")  # quotients of figures that are compared already


def split_line(line: str) -> tuple[str, list[tuple[str, int]]]:
    """The line without its cycle figures, and the figures with their names."""
    listed = _LISTS.match(line)
    if listed:
        name = listed[1].strip()
        text, figures = split_line(name)
        figures += [(f"{text} [{i}]", int(v)) for i, v in enumerate(listed[2].split())]
        return text, figures
    figures: list[tuple[str, int]] = []

    def take(match: re.Match[str]) -> str:
        is_cycles = match[1] != ": " or line[match.end() :].startswith((" cycles", ";"))
        if not is_cycles:
            return match[0]
        if match[1] not in _DERIVED:
            figures.append(
                (
                    f"{line.split('  ', maxsplit=1)[0].split(':', maxsplit=1)[0]} {match[1]}",
                    int(match[2]),
                )
            )
        return match[1]

    return _FIGURES.sub(take, line), figures
