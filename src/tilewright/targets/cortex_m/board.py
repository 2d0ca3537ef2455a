"""A microcontroller board as a linker and an emulator see it."""

from dataclasses import dataclass
from pathlib import Path

EMULATOR = "qemu-system-arm"


@dataclass(frozen=True, slots=True)
class Region:
    """One range of addresses. A target's memory of the same name lies in it.

    origin, size  bytes
    """

    name: str
    origin: int
    size: int


@dataclass(frozen=True, slots=True)
class Board:
    """Where a program lies and how it starts.

    name         as people and the emulator know it
    regions      every memory that the linker may fill
    vectors_in   region whose first bytes are the vector table
    code_in      region of code and constants
    data_in      region of static variables and the stack
    startup      C files that define the vector table and ``reset``, which calls ``main``
    emulated     C files to link for an emulator besides: input, output, the exit code
    stack_bytes  what the linker sets aside for the stack
    """

    name: str
    regions: tuple[Region, ...]
    vectors_in: str
    code_in: str
    data_in: str
    startup: tuple[Path, ...]
    emulated: tuple[Path, ...]
    stack_bytes: int


def emulator_options(board: Board) -> tuple[str, ...]:
    """What EMULATOR is called with to run a program on ``board``: all but the program."""
    return (
        "-machine", board.name, "-display", "none", "-monitor", "none", "-serial", "none",
        "-no-reboot", "-semihosting-config", "enable=on,target=native", "-kernel",
    )  # fmt: skip
