"""Every kernel of the portable pack, optimised ones before general ones."""

from tilewright.ir.target import Kernel
from tilewright.targets.packs.portable.kernels.lut_s8 import LUT_S8

PORTABLE: tuple[Kernel, ...] = (LUT_S8,)
