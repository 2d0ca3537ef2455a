"""Every kernel for clusters of RV32 cores without SIMD."""

from collections.abc import Iterable

from tilewright.ir.target import Kernel
from tilewright.targets.packs.rv32.kernels.dense_few import dense_few
from tilewright.targets.packs.rv32.kernels.tile_norm import TILE_NORM_FACTORS_RV32


def rv32_kernels(portable: Iterable[Kernel]) -> tuple[Kernel, ...]:
    """Kernels in the place of portable ones that leave cores idle; they cost as much, so they stand
    before them."""
    return (*dense_few(portable), TILE_NORM_FACTORS_RV32)
