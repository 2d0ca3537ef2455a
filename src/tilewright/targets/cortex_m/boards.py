"""Arm's FPGA boards as QEMU knows them: where memories lie.

Source: Arm application notes AN386 (Cortex-M4), AN500 (M7), AN505 (M33), AN547 (M55); addresses
and sizes as QEMU 7.2 implements them. Sizes of the M55's memories are those of AN547; the other
boards have static RAM where a microcontroller has flash.
"""

from pathlib import Path

from tilewright.targets.cortex_m.board import Board, Region

_FOLDER = Path(__file__).parent / "startup"
STARTUP = (_FOLDER / "startup.c",)
SEMIHOSTING = (_FOLDER / "semihosting.c", _FOLDER / "semihosting.h")

KIB, MIB = 1 << 10, 1 << 20
STACK_BYTES = 2048


def _board(name: str, vectors_in: str, data_in: str, *regions: Region) -> Board:
    return Board(name, regions, vectors_in, "flash", data_in, STARTUP, SEMIHOSTING, STACK_BYTES)


MPS2_AN386 = _board(
    "mps2-an386", "flash", "ram",
    Region("flash", 0x0000_0000, 4 * MIB), Region("ram", 0x2000_0000, 4 * MIB),
)  # fmt: skip

MPS2_AN500 = _board(
    "mps2-an500", "flash", "dtcm",
    Region("flash", 0x0000_0000, 4 * MIB), Region("dtcm", 0x2000_0000, 128 * KIB),
    Region("sram", 0x2002_0000, 4 * MIB - 128 * KIB),
)  # fmt: skip

MPS2_AN505 = _board(
    "mps2-an505", "flash", "ram",
    Region("flash", 0x1000_0000, 4 * MIB), Region("ram", 0x3800_0000, 4 * MIB),
)  # fmt: skip

MPS3_AN547 = _board(
    "mps3-an547", "itcm", "dtcm",
    Region("itcm", 0x0000_0000, 512 * KIB), Region("dtcm", 0x2000_0000, 512 * KIB),
    Region("sram", 0x2100_0000, 4 * MIB), Region("flash", 0x0100_0000, 2 * MIB),
)  # fmt: skip

BOARDS = {
    "cortex-m4": MPS2_AN386,
    "cortex-m7": MPS2_AN500,
    "cortex-m33": MPS2_AN505,
    "cortex-m55": MPS3_AN547,
}
"""Target → the board that its programs are linked for."""
