"""Every kernel for N-EUREKA; what it cannot compute exactly is left to the cluster."""

from tilewright.targets.packs.neureka.kernels.conv2d_neureka import (
    CONV2D_NEUREKA,
    DEPTHWISE_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.dense_neureka import (
    DENSE_NEUREKA,
    DENSE_VECTOR_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.depthwise_groups import (
    DEPTHWISE_FEW_STRIDED_NEUREKA,
    DEPTHWISE_GROUPS_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.depthwise_pairs import DEPTHWISE_PAIRS_NEUREKA
from tilewright.targets.packs.neureka.kernels.narrow import CONV2D_NARROW_NEUREKA
from tilewright.targets.packs.neureka.kernels.packed import (
    CONV2D_PACKED_NEUREKA,
    CONV2D_PACKED_STRIDED_NEUREKA,
    CONV2D_PAIRS_NEUREKA,
    DEPTHWISE_PACKED_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.rescaled_add import RESCALED_ADD_NEUREKA
from tilewright.targets.packs.neureka.kernels.strided import (
    CONV2D_STRIDED_NEUREKA,
    DEPTHWISE_STRIDED_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.sum_rows import SUM_ROWS_NEUREKA, SUM_VECTOR_NEUREKA

NEUREKA = (
    CONV2D_NEUREKA,
    DEPTHWISE_NEUREKA,
    DENSE_VECTOR_NEUREKA,
    DENSE_NEUREKA,
    CONV2D_STRIDED_NEUREKA,
    DEPTHWISE_STRIDED_NEUREKA,
    CONV2D_NARROW_NEUREKA,
    CONV2D_PAIRS_NEUREKA,
    DEPTHWISE_GROUPS_NEUREKA,
    DEPTHWISE_FEW_STRIDED_NEUREKA,
    CONV2D_PACKED_NEUREKA,
    CONV2D_PACKED_STRIDED_NEUREKA,
    DEPTHWISE_PACKED_NEUREKA,
    DEPTHWISE_PAIRS_NEUREKA,
    RESCALED_ADD_NEUREKA,
    SUM_VECTOR_NEUREKA,
    SUM_ROWS_NEUREKA,
)
