"""The DSP kernels' C, as any compiler understands it, against their operators' definitions."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings

from case import Case
from strategies import STRATEGIES
from strategies_dsp import SYMMETRIC
from targets.kernel_bench import KernelBench
from tilewright.ir.costs import priced
from tilewright.ir.op import Op
from tilewright.ir.target import Kernel
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP
from tilewright.targets.packs.portable.pack import PORTABLE, PORTABLE_COSTS

SERVED = tuple(dict.fromkeys(kernel.op for kernel in ARM_DSP))
CASES = {op: SYMMETRIC.get(op, strategy) for op, strategy in STRATEGIES.items()}
ROUNDS = range(14)
ON_THIS_CORE = priced(PORTABLE, PORTABLE_COSTS / "cortex-m4.toml")
FEW_MACS = 2000
"""A convolution of fewer may be mostly set-up and padding."""
MORE_ROUNDS = range(80)
"""For convolutions, which have a kernel for every kind of window and rounding."""


def rounds(op: type[Op]) -> range:
    return MORE_ROUNDS if op in (QConv2d, QDepthwiseConv2d) else ROUNDS


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config):
    built = KernelBench(ARM_DSP, Path(pytestconfig.cache.mkdir("arm_dsp")))
    yield built
    built.close()


@pytest.mark.parametrize("op", SERVED, ids=lambda op: op.__name__)
def test_the_kernels_compute_the_definition(bench: KernelBench, op: type[Op]):
    bench.check_drawn(CASES[op], rounds(op))


def test_every_kernel_runs_on_some_drawn_case(bench: KernelBench):
    runs = sum((bench.check_drawn(CASES[op], rounds(op)) for op in SERVED), Counter())
    assert [k.symbol for k in ARM_DSP if runs[k.symbol] < 3] == []


def test_symbols_differ_from_the_portable_pack():
    assert {k.symbol for k in ARM_DSP} & {k.symbol for k in PORTABLE} == set()


@pytest.mark.parametrize("kernel", ARM_DSP, ids=lambda kernel: kernel.symbol)
def test_a_kernel_lists_the_headers_that_it_includes(kernel: Kernel):
    listed = {path.name for path in (kernel.header, *kernel.includes)}
    assert listed == included_headers(kernel)


def included_headers(kernel: Kernel) -> set[str]:
    """Names of the packs' headers that the source needs, directly or not."""
    folders = {path.parent for path in (kernel.source, *kernel.includes)}
    found: set[str] = set()
    waiting = [kernel.source]
    while waiting:
        for name in re.findall(r'#include "(.+)"', waiting.pop().read_text()):
            paths = [folder / name for folder in folders if (folder / name).exists()]
            if paths and name not in found:
                found.add(name)
                waiting.append(paths[0])
    return found


@pytest.mark.parametrize("kernel", ARM_DSP, ids=lambda kernel: kernel.symbol)
def test_where_both_packs_serve_this_one_costs_no_multiple(kernel: Kernel):
    """Of drawn, tiny calls: set-up and padding may cost more than is saved, never twice as much."""

    @settings(
        derandomize=True, deadline=None, max_examples=10, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=CASES[kernel.op])
    def check(case: Case):
        assume(kernel.objection(case.op, case.signature) is None)
        if 0 < case.op.macs(*case.signature.inputs) < FEW_MACS:
            return
        takers = (k for k in ON_THIS_CORE if k.objection(case.op, case.signature) is None)
        portable = min(k.cycles(case.op, case.signature) for k in takers)
        assert kernel.cycles(case.op, case.signature) < 2 * portable

    check()
