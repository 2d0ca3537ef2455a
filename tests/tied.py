"""A network that reads one table twice: rows of it, and products with all of them."""

import numpy as np

from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.types import DType, TensorType
from tilewright.ops.dense import QDense
from tilewright.ops.gather import Gather
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding


def tied(heads: int = 1) -> Graph:
    """An embedding of 16 words of 32 numbers, and ``heads`` dense layers with the same weights."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("net", Contract.TFLITE)
    table = builder.constant("table", rng.integers(-128, 128, (16, 32)).astype(np.int8))
    words = builder.input(Value(ValueName("words"), TensorType(DType.S32, (1,))))
    x = Value(ValueName("x"), TensorType(DType.S8, (1, 32)))
    x = builder.node("embed", Gather(0), (table, words), x)
    for number in range(heads):
        tables = (
            builder.constant("bias", rng.integers(-999, 999, 16).astype(np.int32)),
            builder.constant("multiplier", np.full(16, 1 << 30, np.int32)),
            builder.constant("shift", np.full(16, -7, np.int8)),
        )
        y = Value(ValueName(f"y{number}"), TensorType(DType.S8, (1, 16)))
        op = QDense(Requantise(Rounding.DOUBLE))
        builder.outputs.append(builder.node(f"logits{number}", op, (x, table, *tables), y))
    return builder.build()
