"""The DSP kernels' C, as any compiler understands it, against their operators' definitions."""

import re
from collections import Counter
from pathlib import Path

import pytest

from strategies import STRATEGIES
from strategies_dsp import SYMMETRIC
from targets.kernel_bench import KernelBench
from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature
from tilewright.ir.types import DType, TensorType
from tilewright.ops.arithmetic_tflite import QAdd
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.rescale import FixedPoint
from tilewright.ops.window2d import Window2d
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP
from tilewright.targets.packs.portable.pack import PORTABLE

SERVED = (QConv2d, QDepthwiseConv2d, QDense, QAdd)
CASES = {op: SYMMETRIC.get(op, strategy) for op, strategy in STRATEGIES.items()}
ROUNDS = 10


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config):
    built = KernelBench(ARM_DSP, Path(pytestconfig.cache.mkdir("arm_dsp")))
    yield built
    built.close()


@pytest.mark.parametrize("op", SERVED, ids=lambda op: op.__name__)
def test_the_kernels_compute_the_definition(bench: KernelBench, op: type[Op]):
    bench.check_drawn(CASES[op], ROUNDS)


def test_every_kernel_runs_on_some_drawn_case(bench: KernelBench):
    runs = sum((bench.check_drawn(CASES[op], ROUNDS) for op in SERVED), Counter())
    assert [k.symbol for k in ARM_DSP if runs[k.symbol] < 3] == []


def test_symbols_differ_from_the_portable_pack():
    assert {k.symbol for k in ARM_DSP} & {k.symbol for k in PORTABLE} == set()


@pytest.mark.parametrize("kernel", ARM_DSP, ids=lambda kernel: kernel.symbol)
def test_a_kernel_lists_the_headers_that_it_includes(kernel: Kernel):
    listed = {path.name for path in (kernel.header, *kernel.includes)}
    assert listed == included_headers(kernel)


def included_headers(kernel: Kernel) -> set[str]:
    """Names of the pack's own headers that the source needs, directly or not."""
    found: set[str] = set()
    waiting = [kernel.source]
    while waiting:
        for name in re.findall(r'#include "(.+)"', waiting.pop().read_text()):
            path = kernel.source.parent / name
            if name not in found and path.exists():
                found.add(name)
                waiting.append(path)
    return found


@pytest.mark.parametrize("kernel", ARM_DSP, ids=lambda kernel: kernel.symbol)
def test_where_both_packs_serve_the_cost_estimate_prefers_this_one(kernel: Kernel):
    name = kernel.symbol.replace("_dsp", "").removesuffix("_relu")
    portable = next(k for k in PORTABLE if k.symbol == name)
    x, w = TensorType(DType.S8, (1, 8, 8, 8)), TensorType(DType.S8, (3, 3, 8))
    op: Op = QDepthwiseConv2d(Window2d((3, 3)))
    if kernel.symbol.startswith("conv2d"):
        w, op = TensorType(DType.S8, (8, 3, 3, 8)), QConv2d(Window2d((3, 3)))
    if kernel.symbol.startswith("dense"):
        x, w, op = TensorType(DType.S8, (1, 8)), TensorType(DType.S8, (8, 8)), QDense()
    tables = 3
    if kernel.symbol.startswith("add"):
        half = FixedPoint(1 << 30, 0)
        w, op, tables = x, QAdd(0, 0, half, half, half), 0
    inputs = (x, w, *(TensorType(DType.S32, (8,)) for _ in range(tables)))
    signature = Signature(inputs, op.infer(*inputs))
    assert kernel.cycles(op, signature) < portable.cycles(op, signature)
