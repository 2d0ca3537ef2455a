"""Binding of lut_s8_dsp."""

from dataclasses import replace

from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE
from tilewright.targets.packs.arm_dsp.kernels.words import FOURS
from tilewright.targets.packs.portable.kernels.lut_s8 import LUT_S8
from tilewright.targets.packs.portable.kernels.quick_loops import QUICK_LOOPS

LUT_S8_DSP = replace(
    LUT_S8,
    symbol="lut_s8_dsp",
    struct="lut_s8_dsp_args",
    header=HERE / "lut_s8_dsp.h",
    source=HERE / "lut_s8_dsp.c",
    terms=FOURS,
    includes=(HERE / "dsp_words.h", QUICK_LOOPS),
)
