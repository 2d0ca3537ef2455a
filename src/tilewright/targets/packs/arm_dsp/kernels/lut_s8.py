"""Binding of lut_s8_dsp."""

from dataclasses import replace

from tilewright.targets.packs.arm_dsp.kernels.estimates import faster_than
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE
from tilewright.targets.packs.portable.kernels.lut_s8 import LUT_S8

LUT_S8_DSP = replace(
    LUT_S8,
    symbol="lut_s8_dsp",
    struct="lut_s8_dsp_args",
    header=HERE / "lut_s8_dsp.h",
    source=HERE / "lut_s8_dsp.c",
    cycles=faster_than(LUT_S8),
    includes=(HERE / "dsp_words.h",),
)
