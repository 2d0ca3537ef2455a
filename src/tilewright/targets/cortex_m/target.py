"""Arm Cortex-M4F, M7, M33 and M55, each on the board of Arm's that QEMU emulates.

Required tools         arm-none-eabi-gcc with newlib and qemu-system-arm for `run` and `verify`;
                       none for `compile`
Environment variables  XDG_CACHE_HOME: where the plugin that counts instructions is kept
Build products         a folder of C; with --project one that builds to an .elf by itself
Known limits           one core; caches are left to the user's own code
"""

from tilewright.ir.board import Board
from tilewright.ir.costs import priced
from tilewright.ir.target import Engine, Kernel, Memory, Reach, Role, Target, Toolchain
from tilewright.run.qemu import run_on_qemu
from tilewright.targets.cortex_m.boards import MPS2_AN386, MPS2_AN500, MPS2_AN505, MPS3_AN547
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP
from tilewright.targets.packs.helium.pack import HELIUM
from tilewright.targets.packs.portable.pack import PORTABLE, PORTABLE_COSTS

FLAGS = ("-std=c11", "-mthumb", "-mfloat-abi=hard")
SMALL = "-Os"
"""For cores whose hot loops are assembly: 3 KB less flash for 2 % more instructions."""
FAST = "-O2"
EMULATOR = (
    "-display", "none", "-monitor", "none", "-serial", "none", "-no-reboot",
    "-semihosting-config", "enable=on,target=native", "-kernel",
)  # fmt: skip
ACTIVATIONS = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
CONSTANTS = frozenset({Role.WEIGHT, Role.TABLE})
STACK_ONLY = frozenset[Role]()
SCALAR = (*ARM_DSP, *priced(PORTABLE, PORTABLE_COSTS / "cortex-m4.toml"))
"""What a core without vectors calls."""
VECTORS = (*HELIUM, *priced(PORTABLE, PORTABLE_COSTS / "cortex-m55.toml"))
SLOWER_RAMS = frozenset({"sram"})
"""Where the arena may lie instead: `--memory sram=SIZE` names it."""


def _target(
    name: str, summary: str, board: Board, flags: tuple[str, ...], kernels: tuple[Kernel, ...]
) -> Target:
    """A target whose arena lies where the board keeps static variables.

    Its alternatives have the arena in another RAM; the stack stays.
    """
    toolchain = Toolchain(
        "qemu-arm", "arm-none-eabi-gcc", (*FLAGS, *flags), board,
        ("qemu-system-arm", "-machine", board.name, *EMULATOR), run=run_on_qemu,
    )  # fmt: skip

    def with_arena_in(ram: str, alternatives: tuple[Target, ...]) -> Target:
        return Target(
            name=name,
            summary=f"{summary}; QEMU's {board.name}",
            memories=_memories(board, ram),
            engines=(
                Engine(
                    "cpu", "core", (Reach(ram), Reach(board.code_in, CONSTANTS)), kernels=kernels
                ),
            ),
            toolchain=toolchain,
            alternatives=alternatives,
        )

    others = (r.name for r in board.regions if r.name in SLOWER_RAMS)
    return with_arena_in(board.data_in, tuple(with_arena_in(ram, ()) for ram in others))


def _memories(board: Board, arena_in: str) -> tuple[Memory, ...]:
    sizes = {region.name: region.size for region in board.regions}
    roles = {board.data_in: STACK_ONLY, board.code_in: CONSTANTS, arena_in: ACTIVATIONS}
    return tuple(Memory(memory, sizes[memory], 4, holds) for memory, holds in roles.items())


CORTEX_M4 = _target(
    "cortex-m4", "Arm Cortex-M4F: DSP extension, single-precision FPU",
    MPS2_AN386, (SMALL, "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"), SCALAR,
)  # fmt: skip

CORTEX_M7 = _target(
    "cortex-m7", "Arm Cortex-M7: DSP extension, double-precision FPU, DTCM",
    MPS2_AN500, (SMALL, "-mcpu=cortex-m7", "-mfpu=fpv5-d16"), SCALAR,
)  # fmt: skip

CORTEX_M33 = _target(
    "cortex-m33", "Arm Cortex-M33: DSP extension, single-precision FPU",
    MPS2_AN505, (SMALL, "-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16"), SCALAR,
)  # fmt: skip

CORTEX_M55 = _target(
    "cortex-m55", "Arm Cortex-M55: Helium vectors, low-overhead loops, DTCM",
    MPS3_AN547, (FAST, "-mcpu=cortex-m55"), VECTORS,
)  # fmt: skip
