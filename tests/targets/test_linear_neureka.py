"""Linear layers that N-EUREKA and all cores compute together are their definition."""

import numpy as np
import pytest
from chosen import Call

from siracusa_bench import needs_compiler, outputs_of
from tilewright.ops.llm.linear import LinearRows
from tilewright.ops.llm.rows import scaled_rows
from tilewright.targets.packs.xpulp.kernels.linear_neureka import LINEAR_NEUREKA
from tilewright.targets.siracusa.target import SIRACUSA

SIZES = (
    *((1, inputs, outputs) for inputs, outputs in ((64, 32), (252, 193), (172, 810), (504, 400))),
    *((rows, 64, 130) for rows in (2, 6, 7, 32)),
    (13, 36, 65),
    (5, 300, 40),
)
"""Rows, inputs and outputs: of one part and of several, of one job to a part and of two."""


def call(rng: np.random.Generator, rows: int, inputs: int, outputs: int) -> Call:
    """Every other one adds its result to something."""
    x = scaled_rows(rng.integers(-(2**29), 2**29, (rows, inputs)) >> int(rng.integers(0, 24)))
    w = rng.integers(-127, 128, (outputs, inputs)).astype(np.int8)
    reach = int(np.abs(w.astype(np.int64)).sum(axis=1).max()) * 127 * 2**15
    op = LinearRows(reach.bit_length() - 30, int(rng.integers(20, 40)))
    multiplier = rng.integers(0, 2**15, outputs).astype(np.int16)
    residual = rng.integers(-9999, 9999, (rows, outputs)).astype(np.int16)
    return Call(op, (x, w, multiplier, *((residual,) if outputs % 2 else ())))


@needs_compiler
@pytest.mark.parametrize("symbol", ["linear_vector_neureka", "linear_rows_neureka"])
def test_drawn_layers_are_their_definition(symbol: str) -> None:
    rng = np.random.default_rng(3)
    kernels = [kernel for kernel in LINEAR_NEUREKA if kernel.symbol == symbol]
    calls = [call(rng, *size) for size in SIZES]
    taken = [c for c in calls if any(k.objection(c.op, c.signature) is None for k in kernels)]
    assert len(taken) == (4 if symbol == "linear_vector_neureka" else len(SIZES))
    for drawn, output in zip(taken, outputs_of(SIRACUSA, kernels, taken), strict=True):
        expected = drawn.op.evaluate(*drawn.inputs)
        wrong = np.argwhere(expected != output)
        assert not len(wrong), f"{drawn.signature}: {len(wrong)} {wrong[:3]}"
