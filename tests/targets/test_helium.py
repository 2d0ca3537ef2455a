"""Helium kernels on an emulated Cortex-M55 against their operators' definitions."""

from collections import Counter
from dataclasses import replace

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
from tilewright.ops.conv2d import QConv2d
from tilewright.targets.packs.helium.pack import HELIUM

needs_tools = pytest.mark.skipif(
    bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (apt packages of the same names)"
)

ROUNDS = 4
THOROUGH_ROUNDS = 40
CASES_PER_ROUND = 12


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> HeliumBench:
    return HeliumBench(HELIUM, tmp_path_factory.mktemp("helium"))


def drawn_calls(strategy: st.SearchStrategy[Case], rounds: int) -> list[Call]:
    """Every kernel of the pack that takes a drawn case, in all ways that it promises."""
    calls: list[Call] = []

    def collect(case: Case, cuts: list[float]) -> None:
        for kernel in HELIUM:
            if kernel.objection(case.op, case.signature) is None:
                calls.extend(calls_of(kernel, case, cuts))

    relaxed = settings(
        deadline=None, max_examples=CASES_PER_ROUND, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for number in range(rounds):
        drawn = given(case=strategy, cuts=st.lists(st.floats(0, 1), max_size=3))
        seed(number)(relaxed(drawn(collect)))()
    return calls


def strategies_of(op: type[Op]) -> st.SearchStrategy[Case]:
    return st.one_of(STRATEGIES[op], HELIUM_CASES[op])


@needs_tools
@pytest.mark.parametrize("op", HELIUM_CASES, ids=lambda op: op.__name__)
def test_kernels_compute_the_definition(bench: HeliumBench, op: type[Op]):
    bench.check(drawn_calls(strategies_of(op), ROUNDS))


@needs_tools
@pytest.mark.slow
@pytest.mark.parametrize("op", HELIUM_CASES, ids=lambda op: op.__name__)
def test_kernels_compute_the_definition_on_many_cases(bench: HeliumBench, op: type[Op]):
    bench.check(drawn_calls(strategies_of(op), THOROUGH_ROUNDS))


def test_every_kernel_takes_some_drawn_case():
    taken: Counter[str] = Counter()
    for op in HELIUM_CASES:
        taken.update(call.kernel.symbol for call in drawn_calls(strategies_of(op), ROUNDS))
    assert [k.symbol for k in HELIUM if taken[k.symbol] < 10] == []


@needs_tools
def test_the_bench_notices_a_wrong_result(bench: HeliumBench):
    call = drawn_calls(HELIUM_CASES[QConv2d], 1)[0]
    different = replace(call.case, inputs=tuple(1 - a for a in call.case.inputs))
    with pytest.raises(KernelFault, match="differs from the definition"):
        bench.check([replace(call, case=different)])


@needs_tools
def test_the_bench_notices_a_write_beyond_the_output(bench: HeliumBench):
    """The scratch of a convolution, were it not declared, would be such a write."""
    call = drawn_calls(HELIUM_CASES[QConv2d], 1)[0]
    with pytest.raises(KernelFault, match="wrote to byte"):
        bench.check([replace(call, spare=())])


@pytest.mark.parametrize("kernel", HELIUM, ids=lambda kernel: kernel.symbol)
def test_a_kernel_lists_exactly_the_headers_that_it_includes(kernel: Kernel):
    needed = included_headers(kernel)
    assert {path.name for path in kernel.includes} == needed - {kernel.header.name}


def test_symbols_are_unique():
    assert len({kernel.symbol for kernel in HELIUM}) == len(HELIUM)
