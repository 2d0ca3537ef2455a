"""Arm Cortex-M4F, M7, M33 and M55, each on the board of Arm's that QEMU emulates.

Required tools         arm-none-eabi-gcc with newlib and qemu-system-arm for `run` and `verify`;
                       none for `compile`
Environment variables  TILEWRIGHT_CACHE, XDG_CACHE_HOME: where the plugin that counts
                       instructions is kept
Build products         a folder of C; with --project one that builds to an .elf by itself
Known limits           one core; caches are left to the user's own code
"""

from functools import partial

from tilewright.ir.costs import priced
from tilewright.ir.target import Engine, Kernel, Memory, Reach, Role, Target, Toolchain
from tilewright.targets.cortex_m.board import Board
from tilewright.targets.cortex_m.boards import BOARDS
from tilewright.targets.cortex_m.cmsis_nn.target import CMSIS_NN
from tilewright.targets.cortex_m.print_project import print_project
from tilewright.targets.cortex_m.qemu.runner import NEEDS, run_on_qemu
from tilewright.targets.cortex_m.qemu.talk import talk_on_qemu
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP
from tilewright.targets.packs.helium.pack import HELIUM
from tilewright.targets.packs.portable.pack import PORTABLE, PORTABLE_COSTS

FLAGS = ("-std=c11", "-mthumb", "-mfloat-abi=hard")
SMALL = "-Os"
"""For cores whose hot loops are assembly: 3 KB less flash for 2 % more instructions."""
FAST = "-O2"
ACTIVATIONS = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
CONSTANTS = frozenset({Role.WEIGHT, Role.TABLE})
STACK_ONLY = frozenset[Role]()
SCALAR = (*ARM_DSP, *priced(PORTABLE, PORTABLE_COSTS / "cortex-m4.toml"))
"""What a core without vectors calls."""
VECTORS = (*HELIUM, *priced(PORTABLE, PORTABLE_COSTS / "cortex-m55.toml"))
SLOWER_RAMS = frozenset({"sram"})
"""Where the arena may lie instead: `--memory sram=SIZE` names it."""


def _target(name: str, summary: str, flags: tuple[str, ...], kernels: tuple[Kernel, ...]) -> Target:
    """A target whose arena lies where the board keeps static variables.

    Its alternatives have the arena in another RAM; the stack stays.
    """
    board = BOARDS[name]
    toolchain = Toolchain(
        "qemu-arm", "arm-none-eabi-gcc", (*FLAGS, *flags), run=partial(run_on_qemu, board),
        talk=partial(talk_on_qemu, board),
        project=partial(print_project, board), stack_in=board.data_in, needs=NEEDS,
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
            options=(CMSIS_NN,),
        )

    others = (r.name for r in board.regions if r.name in SLOWER_RAMS)
    return with_arena_in(board.data_in, tuple(with_arena_in(ram, ()) for ram in others))


def _memories(board: Board, arena_in: str) -> tuple[Memory, ...]:
    sizes = {region.name: region.size for region in board.regions}
    roles = {board.data_in: STACK_ONLY, board.code_in: CONSTANTS, arena_in: ACTIVATIONS}
    return tuple(Memory(memory, sizes[memory], 4, holds) for memory, holds in roles.items())


CORTEX_M4 = _target(
    "cortex-m4", "Arm Cortex-M4F: DSP extension, single-precision FPU",
    (SMALL, "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"), SCALAR,
)  # fmt: skip

CORTEX_M7 = _target(
    "cortex-m7", "Arm Cortex-M7: DSP extension, double-precision FPU, DTCM",
    (SMALL, "-mcpu=cortex-m7", "-mfpu=fpv5-d16"), SCALAR,
)  # fmt: skip

CORTEX_M33 = _target(
    "cortex-m33", "Arm Cortex-M33: DSP extension, single-precision FPU",
    (SMALL, "-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16"), SCALAR,
)  # fmt: skip

CORTEX_M55 = _target(
    "cortex-m55", "Arm Cortex-M55: Helium vectors, low-overhead loops, DTCM",
    (FAST, "-mcpu=cortex-m55"), VECTORS,
)  # fmt: skip
