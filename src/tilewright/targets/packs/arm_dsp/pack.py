"""Every kernel of the pack for Arm cores with the DSP extension."""

from tilewright.ir.target import Kernel
from tilewright.targets.packs.arm_dsp.kernels.add_s8 import ADD_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.conv2d_s8 import CONV2D_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.dense_s8 import DENSE_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.depthwise_s8 import DEPTHWISE_S8_DSP

ARM_DSP: tuple[Kernel, ...] = (*CONV2D_S8_DSP, *DEPTHWISE_S8_DSP, *DENSE_S8_DSP, ADD_S8_DSP)
