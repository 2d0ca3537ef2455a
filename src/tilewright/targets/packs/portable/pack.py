"""Every kernel of the portable pack, optimised ones before general ones."""

from pathlib import Path

from tilewright.ir.costs import priced
from tilewright.targets.packs.portable.kernels.arithmetic_tflite import (
    ADD_S8_TFLITE,
    MUL_S8_TFLITE,
)
from tilewright.targets.packs.portable.kernels.binary import BINARY
from tilewright.targets.packs.portable.kernels.binary_f32 import ADD_F32, MUL_F32
from tilewright.targets.packs.portable.kernels.border import (
    DEQUANTIZE_F32,
    DEQUANTIZE_S16,
    QUANTIZE_S8,
    RECENTRE,
)
from tilewright.targets.packs.portable.kernels.concat import CONCAT
from tilewright.targets.packs.portable.kernels.conv2d_s8 import CONV2D_S8, CONV2D_S8_NARROW
from tilewright.targets.packs.portable.kernels.convert import CONVERT
from tilewright.targets.packs.portable.kernels.copy import COPY
from tilewright.targets.packs.portable.kernels.curve_f32 import CURVE_F32
from tilewright.targets.packs.portable.kernels.dense_s8 import DENSE_S8
from tilewright.targets.packs.portable.kernels.depthwise_s8 import DEPTHWISE_S8, DEPTHWISE_S8_PLANES
from tilewright.targets.packs.portable.kernels.dialect_softmax import (
    RATIO_SOFTMAX_S8,
    SHIFT_SOFTMAX_S8,
)
from tilewright.targets.packs.portable.kernels.gather import GATHER, GATHER_SUM
from tilewright.targets.packs.portable.kernels.language import LANGUAGE
from tilewright.targets.packs.portable.kernels.lstm_sequence import LSTM_SEQUENCE, WIDE_SOFTMAX
from tilewright.targets.packs.portable.kernels.lut_s8 import LUT_S8
from tilewright.targets.packs.portable.kernels.mapped import MAPPED_CONCAT_S8, MAPPED_MUL_S8
from tilewright.targets.packs.portable.kernels.matmul import MATMUL_F32, MATMUL_S8
from tilewright.targets.packs.portable.kernels.means_tflite import (
    AVERAGE_POOL2D_S8_TFLITE,
    MEAN_S8_TFLITE,
)
from tilewright.targets.packs.portable.kernels.norms_f32 import LAYER_NORM_F32, RMS_NORM_F32
from tilewright.targets.packs.portable.kernels.pad import PAD_F32, PAD_S8
from tilewright.targets.packs.portable.kernels.pool2d import (
    AVERAGE_POOL2D_F32,
    MAX_POOL2D_F32,
    MAX_POOL2D_S8,
)
from tilewright.targets.packs.portable.kernels.products_f32 import (
    CONV2D_F32,
    DENSE_F32,
    DEPTHWISE_F32,
)
from tilewright.targets.packs.portable.kernels.quantize_s8_tflite import (
    QUANTIZE_S8_TFLITE,
    QUANTIZE_S16_TFLITE,
)
from tilewright.targets.packs.portable.kernels.ratio_attention import RATIO_ATTENTION_S8
from tilewright.targets.packs.portable.kernels.rescaled_arithmetic import (
    RESCALED_ADD_S8,
    RESCALED_MUL_S8,
)
from tilewright.targets.packs.portable.kernels.rescaled_means import (
    RESCALED_AVERAGE_POOL2D_S8,
    RESCALED_MEAN_S8,
)
from tilewright.targets.packs.portable.kernels.rescaled_norm import RESCALED_NORM_S8
from tilewright.targets.packs.portable.kernels.rows import ROW_KERNELS
from tilewright.targets.packs.portable.kernels.rows_f32 import (
    BATCH_NORM_F32,
    MEAN_F32,
    SOFTMAX_F32,
)
from tilewright.targets.packs.portable.kernels.softmax_s8_tflite import SOFTMAX_S8_TFLITE
from tilewright.targets.packs.portable.kernels.sums_s8 import SUMS_S8
from tilewright.targets.packs.portable.kernels.table_softmax import TABLE_SOFTMAX_S8
from tilewright.targets.packs.portable.kernels.tiles_s8 import TILE_KERNELS
from tilewright.targets.packs.portable.kernels.transpose import (
    TRANSPOSE_8,
    TRANSPOSE_16,
    TRANSPOSE_32,
)
from tilewright.targets.packs.portable.kernels.truncated_norms import (
    TRUNCATED_LAYER_NORM_S8,
    TRUNCATED_RMS_NORM_S8,
)
from tilewright.targets.packs.portable.kernels.unary_f32 import ACTIVATION_F32, CLIP_F32
from tilewright.targets.packs.portable.kernels.wide import WIDE

INTEGERS = (
    *CONV2D_S8,
    *CONV2D_S8_NARROW,
    *DEPTHWISE_S8,
    *DEPTHWISE_S8_PLANES,
    *DENSE_S8,
    *MATMUL_S8,
    *SUMS_S8,
    GATHER_SUM,
    LUT_S8,
    MAX_POOL2D_S8,
    PAD_S8,
)

MOVEMENT = (COPY, RECENTRE, GATHER, TRANSPOSE_8, TRANSPOSE_32, *CONCAT)

FLOAT32 = (
    CONV2D_F32,
    DEPTHWISE_F32,
    DENSE_F32,
    MATMUL_F32,
    ADD_F32,
    MUL_F32,
    CLIP_F32,
    ACTIVATION_F32,
    BATCH_NORM_F32,
    MAX_POOL2D_F32,
    AVERAGE_POOL2D_F32,
    MEAN_F32,
    SOFTMAX_F32,
    LAYER_NORM_F32,
    RMS_NORM_F32,
    PAD_F32,
    QUANTIZE_S8,
    DEQUANTIZE_F32,
)

GENERAL = (
    CURVE_F32, *BINARY, *CONVERT, *ROW_KERNELS, *TILE_KERNELS, *LANGUAGE,
    RATIO_SOFTMAX_S8, SHIFT_SOFTMAX_S8, *WIDE, WIDE_SOFTMAX, LSTM_SEQUENCE,
    QUANTIZE_S16_TFLITE, DEQUANTIZE_S16, TRANSPOSE_16,
)  # fmt: skip
"""For breadth: one loop for a whole family. Priced by the rough rule, not by a table."""

FUSED = (MAPPED_CONCAT_S8, MAPPED_MUL_S8, RATIO_ATTENTION_S8)
"""Several steps of the integer dialect in one. They say themselves what they cost."""

ROUNDED_ONCE = (
    *RESCALED_ADD_S8,
    *RESCALED_MUL_S8,
    *RESCALED_AVERAGE_POOL2D_S8,
    *RESCALED_MEAN_S8,
    *TABLE_SOFTMAX_S8,
    RESCALED_NORM_S8,
)

DIALECT = (TRUNCATED_LAYER_NORM_S8, TRUNCATED_RMS_NORM_S8)

ROUNDED_TWICE = (
    ADD_S8_TFLITE,
    MUL_S8_TFLITE,
    AVERAGE_POOL2D_S8_TFLITE,
    MEAN_S8_TFLITE,
    SOFTMAX_S8_TFLITE,
    QUANTIZE_S8_TFLITE,
)

PORTABLE_COSTS = Path(__file__).parent / "costs"
"""One table per machine, written by benchmarks/calibrate.py."""

PORTABLE = priced(
    (
        *INTEGERS,
        *ROUNDED_TWICE,
        *ROUNDED_ONCE,
        *DIALECT,
        *MOVEMENT,
        *FLOAT32,
        *FUSED,
        *GENERAL,
    ),
    PORTABLE_COSTS / "host.toml",
)  # fmt: skip
"""With what they cost on the host; targets for other machines price them by their own tables."""
