"""Arm Cortex-M4F, M7, M33 and M55, each on the board of Arm's that QEMU emulates.

Required tools         arm-none-eabi-gcc with newlib and qemu-system-arm for `run` and `verify`;
                       none for `compile`
Environment variables  XDG_CACHE_HOME: where the plugin that counts instructions is kept
Build products         a folder of C; with --project one that builds to an .elf by itself
Known limits           one core; caches are left to the user's own code
"""

from tilewright.ir.board import Board
from tilewright.ir.target import Engine, Kernel, Memory, Role, Target, Toolchain
from tilewright.targets.cortex_m.boards import MPS2_AN386, MPS2_AN500, MPS2_AN505, MPS3_AN547
from tilewright.targets.packs.portable.pack import PORTABLE

FLAGS = ("-std=c11", "-O2", "-mthumb", "-mfloat-abi=hard")
EMULATOR = (
    "-display", "none", "-monitor", "none", "-serial", "none", "-no-reboot",
    "-semihosting-config", "enable=on,target=native", "-kernel",
)  # fmt: skip
ACTIVATIONS = frozenset({Role.ACTIVATION, Role.SCRATCH})
CONSTANTS = frozenset({Role.WEIGHT, Role.TABLE})


def _target(
    name: str, summary: str, board: Board, flags: tuple[str, ...], pack: tuple[Kernel, ...]
) -> Target:
    sizes = {region.name: region.size for region in board.regions}
    ram, flash = board.data_in, board.code_in
    return Target(
        name=name,
        summary=f"{summary}; QEMU's {board.name}",
        memories=(
            Memory(ram, sizes[ram], 4, ACTIVATIONS),
            Memory(flash, sizes[flash], 4, CONSTANTS),
        ),
        engines=(Engine("cpu", "core", ram, kernels=(*pack, *PORTABLE)),),
        toolchain=Toolchain(
            "qemu-arm", "arm-none-eabi-gcc", (*FLAGS, *flags), board,
            ("qemu-system-arm", "-machine", board.name, *EMULATOR),
        ),
        constants_in=flash,
    )  # fmt: skip


CORTEX_M4 = _target(
    "cortex-m4", "Arm Cortex-M4F: DSP extension, single-precision FPU",
    MPS2_AN386, ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"), (),
)  # fmt: skip

CORTEX_M7 = _target(
    "cortex-m7", "Arm Cortex-M7: DSP extension, double-precision FPU, DTCM",
    MPS2_AN500, ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"), (),
)  # fmt: skip

CORTEX_M33 = _target(
    "cortex-m33", "Arm Cortex-M33: DSP extension, single-precision FPU",
    MPS2_AN505, ("-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16"), (),
)  # fmt: skip

CORTEX_M55 = _target(
    "cortex-m55", "Arm Cortex-M55: Helium vectors, low-overhead loops, DTCM",
    MPS3_AN547, ("-mcpu=cortex-m55",), (),
)  # fmt: skip
