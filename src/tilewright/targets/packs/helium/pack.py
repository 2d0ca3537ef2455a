"""Every kernel of the Helium pack; what it refuses is left to the portable pack."""

from pathlib import Path

from tilewright.ir.costs import priced
from tilewright.targets.packs.helium.kernels.add_helium import ADD_HELIUM
from tilewright.targets.packs.helium.kernels.average_pool2d_helium import (
    AVERAGE_POOL2D_HELIUM,
    RESCALED_AVERAGE_POOL2D_HELIUM,
)
from tilewright.targets.packs.helium.kernels.concat_helium import CONCAT_HELIUM
from tilewright.targets.packs.helium.kernels.conv2d_groups_helium import CONV2D_GROUPS_HELIUM
from tilewright.targets.packs.helium.kernels.conv2d_helium import CONV2D_HELIUM
from tilewright.targets.packs.helium.kernels.dense_helium import DENSE_HELIUM
from tilewright.targets.packs.helium.kernels.depthwise3x3_helium import DEPTHWISE3X3_HELIUM
from tilewright.targets.packs.helium.kernels.depthwise_helium import DEPTHWISE_HELIUM
from tilewright.targets.packs.helium.kernels.depthwise_lanes_helium import DEPTHWISE_LANES_HELIUM
from tilewright.targets.packs.helium.kernels.language import (
    CACHED_ATTENTION_HELIUM,
    LINEAR_ROWS_HELIUM,
)
from tilewright.targets.packs.helium.kernels.lut_helium import LUT_HELIUM
from tilewright.targets.packs.helium.kernels.matmul_helium import MATMUL_HELIUM
from tilewright.targets.packs.helium.kernels.max_pool2d_helium import MAX_POOL2D_HELIUM
from tilewright.targets.packs.helium.kernels.mul_helium import MUL_HELIUM
from tilewright.targets.packs.helium.kernels.rows import (
    MEAN_HELIUM,
    RESCALED_NORM_HELIUM,
    SOFTMAX_HELIUM,
    TABLE_SOFTMAX_HELIUM,
)

HELIUM_COSTS = Path(__file__).parent / "costs"
"""One table per machine, written by benchmarks/calibrate.py."""

HELIUM = priced(
    (
        *CONV2D_HELIUM,
        *CONV2D_GROUPS_HELIUM,
        *DEPTHWISE3X3_HELIUM,
        *DEPTHWISE_HELIUM,
        *DEPTHWISE_LANES_HELIUM,
        *DENSE_HELIUM,
        *MATMUL_HELIUM,
        ADD_HELIUM,
        *MUL_HELIUM,
        AVERAGE_POOL2D_HELIUM,
        RESCALED_AVERAGE_POOL2D_HELIUM,
        MAX_POOL2D_HELIUM,
        LUT_HELIUM,
        *CONCAT_HELIUM,
        *MEAN_HELIUM,
        SOFTMAX_HELIUM,
        TABLE_SOFTMAX_HELIUM,
        RESCALED_NORM_HELIUM,
        *LINEAR_ROWS_HELIUM,
        CACHED_ATTENTION_HELIUM,
    ),
    HELIUM_COSTS / "cortex-m55.toml",
)
"""With what they cost on a Cortex-M55."""
