"""Binding of lut_helium."""

from dataclasses import replace

from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.portable.kernels.lut_s8 import LUT_S8
from tilewright.targets.packs.terms import ELEMENTS

LUT_HELIUM = replace(
    LUT_S8,
    symbol="lut_helium",
    struct="lut_helium_args",
    header=HERE / "lut_helium.h",
    source=HERE / "lut_helium.c",
    terms=ELEMENTS,
)
