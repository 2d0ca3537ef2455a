"""Helium kernels on an emulated Cortex-M55 against their operators' definitions."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from case import Case
from strategies import STRATEGIES
from targets.helium_bench import MISSING, Call, HeliumBench, calls_of
from targets.helium_cases import HELIUM_CASES
from targets.kernel_bench import KernelFault
from targets.test_every_kernel import included_headers
from tilewright.ir.op import Op
from tilewright.ir.target import Kernel
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.targets.packs.helium.pack import HELIUM

needs_tools = pytest.mark.skipif(
    bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (apt packages of the same names)"
)

ROUNDS = range(4)
CONVOLUTION_ROUNDS = range(18)
"""Several kernels share their cases."""
MORE_ROUNDS = range(4, 24)
CASES_PER_ROUND = 12


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> HeliumBench:
    return HeliumBench(HELIUM, tmp_path_factory.mktemp("helium"))


Drawn = tuple[Kernel, Case, list[float]]
"""A kernel of the pack, a case that it takes, and where to split its work."""


def drawn(strategy: st.SearchStrategy[Case], rounds: range) -> list[Drawn]:
    """Every kernel of the pack that takes a drawn case; ``rounds`` are the seeds."""
    found: list[Drawn] = []

    def collect(case: Case, cuts: list[float]) -> None:
        takers = (k for k in HELIUM if k.objection(case.op, case.signature) is None)
        found.extend((kernel, case, cuts) for kernel in takers)

    relaxed = settings(
        deadline=None, max_examples=CASES_PER_ROUND, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for number in rounds:
        cases = given(case=strategy, cuts=st.lists(st.floats(0, 1), max_size=3))
        seed(number)(relaxed(cases(collect)))()
    return found


def all_calls(cases: Iterable[Drawn]) -> list[Call]:
    """Every case in all ways that its kernel promises."""
    return [call for kernel, case, cuts in cases for call in calls_of(kernel, case, cuts)]


@cache
def first_cases(op: type[Op]) -> list[Drawn]:
    """Shared by the tests that run them and that count them."""
    is_shared = op in (QConv2d, QDepthwiseConv2d)
    return drawn(strategies_of(op), CONVOLUTION_ROUNDS if is_shared else ROUNDS)


def strategies_of(op: type[Op]) -> st.SearchStrategy[Case]:
    return st.one_of(STRATEGIES[op], HELIUM_CASES[op])


@needs_tools
@pytest.mark.parametrize("op", HELIUM_CASES, ids=lambda op: op.__name__)
def test_kernels_compute_the_definition(bench: HeliumBench, op: type[Op]):
    bench.check(all_calls(first_cases(op)))


@needs_tools
@pytest.mark.slow
@pytest.mark.parametrize("op", HELIUM_CASES, ids=lambda op: op.__name__)
def test_kernels_compute_the_definition_on_many_cases(bench: HeliumBench, op: type[Op]):
    bench.check(all_calls(drawn(strategies_of(op), MORE_ROUNDS)))


def test_every_kernel_takes_some_drawn_case():
    taken = Counter(kernel.symbol for op in HELIUM_CASES for kernel, *_ in first_cases(op))
    assert [k.symbol for k in HELIUM if taken[k.symbol] < 5] == []


@needs_tools
def test_the_bench_notices_a_wrong_result(bench: HeliumBench):
    call = all_calls(drawn(HELIUM_CASES[QConv2d], range(1))[:1])[0]
    different = replace(call.case, inputs=tuple(1 - a for a in call.case.inputs))
    with pytest.raises(KernelFault, match="differs from the definition"):
        bench.check([replace(call, case=different)])


@needs_tools
def test_the_bench_notices_a_write_beyond_the_output(bench: HeliumBench):
    """The scratch of a convolution, were it not declared, would be such a write."""
    call = all_calls(drawn(HELIUM_CASES[QConv2d], range(1))[:1])[0]
    with pytest.raises(KernelFault, match="wrote to byte"):
        bench.check([replace(call, spare=())])


@pytest.mark.parametrize("kernel", HELIUM, ids=lambda kernel: kernel.symbol)
def test_a_kernel_lists_exactly_the_headers_that_it_includes(kernel: Kernel):
    needed = included_headers(kernel)
    assert {path.name for path in kernel.includes} == needed - {kernel.header.name}


def test_symbols_are_unique():
    assert len({kernel.symbol for kernel in HELIUM}) == len(HELIUM)
