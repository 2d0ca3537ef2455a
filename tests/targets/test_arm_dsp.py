"""The DSP kernels' C, as any compiler understands it, against their operators' definitions."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from strategies import STRATEGIES
from strategies_dsp import SYMMETRIC
from targets.kernel_bench import KernelBench
from tilewright.ir.op import Op
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP
from tilewright.targets.packs.portable.pack import PORTABLE

SERVED = (QConv2d, QDepthwiseConv2d, QDense)
CASES = {op: SYMMETRIC.get(op, strategy) for op, strategy in STRATEGIES.items()}
ROUNDS = 10
CASES_PER_ROUND = 8


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config):
    built = KernelBench(ARM_DSP, Path(pytestconfig.cache.mkdir("arm_dsp")))
    yield built
    built.close()


@cache
def run_cases(bench: KernelBench, op: type[Op]) -> Counter[str]:
    """Draw cases and run every kernel that takes them; how often each kernel ran."""
    runs: Counter[str] = Counter()

    def check(case, cuts):
        for kernel in ARM_DSP:
            if kernel.refuse(case.op, case.signature) is None:
                runs[kernel.symbol] += 1
                bench.check(kernel, case, cuts)

    relaxed = settings(
        deadline=None, max_examples=CASES_PER_ROUND, database=None,
        report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for number in range(ROUNDS):
        drawn = given(case=CASES[op], cuts=st.lists(st.floats(0, 1), max_size=3))
        seed(number)(relaxed(drawn(check)))()
    return runs


@pytest.mark.parametrize("op", SERVED, ids=lambda op: op.__name__)
def test_the_kernels_compute_the_definition(bench: KernelBench, op: type[Op]):
    run_cases(bench, op)


def test_every_kernel_runs_on_some_drawn_case(bench: KernelBench):
    runs = sum((run_cases(bench, op) for op in SERVED), Counter())
    assert [k.symbol for k in ARM_DSP if runs[k.symbol] < 3] == []


def test_symbols_differ_from_the_portable_pack():
    assert {k.symbol for k in ARM_DSP} & {k.symbol for k in PORTABLE} == set()
