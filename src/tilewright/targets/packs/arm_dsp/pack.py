"""Every kernel of the pack for Arm cores with the DSP extension."""

from pathlib import Path

from tilewright.ir.costs import priced
from tilewright.targets.packs.arm_dsp.kernels.add_s8 import ADD_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.concat import CONCAT_DSP
from tilewright.targets.packs.arm_dsp.kernels.conv2d_few_s8 import CONV2D_FEW_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.conv2d_groups_s8 import CONV2D_GROUPS_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.conv2d_s8 import CONV2D_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.dense_s8 import DENSE_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.depthwise_s8 import DEPTHWISE_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.depthwise_times_s8 import DEPTHWISE_TIMES_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.lut_s8 import LUT_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.mul_s8 import MUL_S8_DSP
from tilewright.targets.packs.arm_dsp.kernels.pooling import (
    AVERAGE_POOL2D_S8_DSP,
    MAX_POOL2D_S8_DSP,
    RESCALED_AVERAGE_POOL2D_S8_DSP,
)
from tilewright.targets.packs.arm_dsp.kernels.rows import (
    MEAN_S8_DSP,
    RESCALED_NORM_S8_DSP,
    SOFTMAX_S8_DSP,
)

PRODUCTS = (
    *CONV2D_S8_DSP, *CONV2D_FEW_S8_DSP, *CONV2D_GROUPS_S8_DSP, *DEPTHWISE_S8_DSP,
    *DEPTHWISE_TIMES_S8_DSP, *DENSE_S8_DSP,
)  # fmt: skip

ELEMENTWISE = (ADD_S8_DSP, *MUL_S8_DSP, LUT_S8_DSP, *CONCAT_DSP)

POOLING = (MAX_POOL2D_S8_DSP, AVERAGE_POOL2D_S8_DSP, *RESCALED_AVERAGE_POOL2D_S8_DSP)

ROWS = (*MEAN_S8_DSP, *SOFTMAX_S8_DSP, RESCALED_NORM_S8_DSP)

ARM_DSP_COSTS = Path(__file__).parent / "costs"
"""One table per machine, written by benchmarks/calibrate.py."""

ARM_DSP = priced((*PRODUCTS, *ELEMENTWISE, *POOLING, *ROWS), ARM_DSP_COSTS / "cortex-m4.toml")
"""With what they cost on a Cortex-M4, M7 or M33."""
