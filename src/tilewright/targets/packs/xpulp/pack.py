"""Every kernel of the XpulpV2 pack; what it refuses is left to the portable pack."""

from tilewright.ir.target import Kernel
from tilewright.targets.packs.xpulp.kernels.add import ADD_XPULP
from tilewright.targets.packs.xpulp.kernels.average_pool import AVERAGE_POOL_XPULP
from tilewright.targets.packs.xpulp.kernels.conv2d import CONV2D_ANY_XPULP, CONV2D_XPULP
from tilewright.targets.packs.xpulp.kernels.dense import DENSE_ANY_XPULP, DENSE_XPULP
from tilewright.targets.packs.xpulp.kernels.depthwise import DEPTHWISE_XPULP
from tilewright.targets.packs.xpulp.kernels.language import LANGUAGE_XPULP
from tilewright.targets.packs.xpulp.kernels.matmul import MATMUL_XPULP
from tilewright.targets.packs.xpulp.kernels.movement import MOVEMENT_XPULP
from tilewright.targets.packs.xpulp.kernels.pointwise import POINTWISE_XPULP
from tilewright.targets.packs.xpulp.kernels.ratio_attention import RATIO_ATTENTION_XPULP
from tilewright.targets.packs.xpulp.kernels.rescaled_add import RESCALED_ADD_XPULP
from tilewright.targets.packs.xpulp.kernels.rescaled_average_pool import (
    RESCALED_AVERAGE_POOL_XPULP,
)
from tilewright.targets.packs.xpulp.kernels.table_softmax import TABLE_SOFTMAX_XPULP
from tilewright.targets.packs.xpulp.kernels.truncated_norms import TRUNCATED_NORMS_XPULP

XPULP: tuple[Kernel, ...] = (
    *CONV2D_XPULP,
    *CONV2D_ANY_XPULP,
    *DEPTHWISE_XPULP,
    *DENSE_XPULP,
    *DENSE_ANY_XPULP,
    *MATMUL_XPULP,
    ADD_XPULP,
    AVERAGE_POOL_XPULP,
    RATIO_ATTENTION_XPULP,
    RESCALED_ADD_XPULP,
    RESCALED_AVERAGE_POOL_XPULP,
    TABLE_SOFTMAX_XPULP,
    *TRUNCATED_NORMS_XPULP,
    *POINTWISE_XPULP,
    *MOVEMENT_XPULP,
    *LANGUAGE_XPULP,
)
