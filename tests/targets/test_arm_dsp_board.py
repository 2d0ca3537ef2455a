"""The DSP kernels' instructions, on an emulated Cortex-M4, against their operators' definitions."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings

from case import Case
from strategies import STRATEGIES
from strategies_dsp import SYMMETRIC
from targets.arm_bench import MOST_CASES, Image, missing_tool
from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.dense import QDense
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP

CASES = {op: SYMMETRIC.get(op, strategy) for op, strategy in STRATEGIES.items()}
SERVED = tuple(dict.fromkeys(kernel.op for kernel in ARM_DSP))

pytestmark = pytest.mark.skipif(
    missing_tool() is not None, reason=f"{missing_tool()} is not installed"
)


def drawn(op: type[Op], count: int) -> list[tuple[Kernel, Case]]:
    """Cases that some kernel takes, each with it."""
    found: list[tuple[Kernel, Case]] = []

    def collect(case: Case) -> None:
        takers = (k for k in ARM_DSP if k.objection(case.op, case.signature) is None)
        found.extend((kernel, case) for kernel in takers)

    relaxed = settings(
        deadline=None, max_examples=8, database=None, suppress_health_check=list(HealthCheck)
    )
    for number in range(count // 8):
        seed(number)(relaxed(given(case=CASES[op])(collect)))()
    return found


@pytest.mark.parametrize("op", SERVED, ids=lambda op: op.__name__)
def test_the_instructions_compute_the_definition(op: type[Op], tmp_path: Path):
    Image(drawn(op, 160)).run(tmp_path)


def test_the_bench_notices_a_wrong_result(tmp_path: Path):
    kernel, case = drawn(QDense, 8)[0]

    def off_by_one(op: Op, signature: Signature) -> Fields:
        fields = kernel.fields(op, signature)
        return {**fields, "y_zero": fields["y_zero"] + 1, "low": -128, "high": 127}

    with pytest.raises(AssertionError, match=f"{kernel.symbol} differs"):
        Image([(replace(kernel, fields=off_by_one), case)]).run(tmp_path)


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
def test_any_optimisation_level_will_do(level: str, tmp_path: Path):
    pairs = [pair for op in SERVED for pair in drawn(op, 24)]
    for start in range(0, len(pairs), MOST_CASES):
        Image(pairs[start : start + MOST_CASES]).run(tmp_path, level)
