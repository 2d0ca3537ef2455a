"""Every kernel of the pack on the simulated chip: the same bytes as the definition."""

import numpy as np
import pytest

from siracusa_bench import drawn, needs_compiler, outputs_of
from tilewright.ir.target import Kernel
from tilewright.targets.packs.xpulp.kernels.language import LANGUAGE_XPULP, LOOKUPS_XPULP
from tilewright.targets.packs.xpulp.pack import XPULP
from tilewright.targets.siracusa.target import with_cores

CALLS_EACH = 7

ANY = tuple(kernel for kernel in XPULP if "_any_" in kernel.symbol)
ROUNDED_UP = tuple(kernel for kernel in XPULP if kernel.symbol.startswith(("rescaled_", "table_")))
# In two programs: one that gets all their operands would have too large a stack frame.
LANGUAGE = LANGUAGE_XPULP[:4]
ROWS = (*LANGUAGE_XPULP[4:], *LOOKUPS_XPULP)
WINDOWS = tuple(
    kernel
    for kernel in XPULP
    if kernel not in (*ANY, *ROUNDED_UP) and kernel.symbol.startswith(("conv2d", "depthwise"))
)
DIALECT = tuple(
    kernel
    for kernel in XPULP
    if kernel.symbol.startswith(("ratio", "truncated", "mapped", "lut", "concat", "transpose"))
)
MATRICES = tuple(kernel for kernel in XPULP if kernel.symbol.startswith("matmul"))
APART = (*ANY, *ROUNDED_UP, *WINDOWS, *LANGUAGE, *ROWS, *MATRICES, *DIALECT)
OTHERS = tuple(kernel for kernel in XPULP if kernel not in APART)


@needs_compiler
@pytest.mark.parametrize(
    "kernels",
    [WINDOWS, OTHERS, ANY, ROUNDED_UP, LANGUAGE, ROWS, MATRICES, DIALECT],
    ids=["windows", "others", "any", "up", "language", "rows", "matrices", "dialect"],
)
@pytest.mark.parametrize("cores", [1, 2, 3, 8])
def test_drawn_calls_equal_the_definition(kernels: tuple[Kernel, ...], cores: int) -> None:
    assert all(len(drawn(kernel, CALLS_EACH)) == CALLS_EACH for kernel in kernels)
    chosen = [(kernel, call) for kernel in kernels for call in drawn(kernel, CALLS_EACH)]
    outputs = outputs_of(with_cores(cores), kernels, [call for _, call in chosen])
    for (kernel, call), output in zip(chosen, outputs, strict=True):
        expected = call.op.evaluate(*call.inputs)
        wrong = np.argwhere(expected != output)
        shapes = [t.shape for t in call.signature.inputs]
        assert not len(wrong), f"{kernel.symbol}: {call.op} on {shapes}: {len(wrong)} {wrong[:3]}"
