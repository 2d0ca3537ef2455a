"""The DSP kernels' instructions, on an emulated Cortex-M4, against their operators' definitions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings

from case import Case
from strategies import STRATEGIES
from strategies_dsp import SYMMETRIC
from targets.arm_bench import MOST_CASES, Image, missing_tool
from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding, fixed_point
from tilewright.ops.window2d import Window2d
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP

CASES = {op: SYMMETRIC.get(op, strategy) for op, strategy in STRATEGIES.items()}
SERVED = tuple(dict.fromkeys(kernel.op for kernel in ARM_DSP))

pytestmark = pytest.mark.skipif(
    missing_tool() is not None, reason=f"{missing_tool()} is not installed"
)


def drawn(op: type[Op], count: int) -> list[tuple[Kernel, Case]]:
    """Cases that some kernel takes, each with it; outputs of bytes, as the bench compares."""
    found: list[tuple[Kernel, Case]] = []

    def collect(case: Case) -> None:
        if case.signature.output.dtype.nbytes > 1:
            return
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
    Image(drawn(op, 128)).run(tmp_path)


def product(op: Op, shape: tuple[int, ...], weights: tuple[int, ...], axis: int) -> Case:
    """A case of a layer with sums of a few thousand, and scales that spread them over int8."""
    rng = np.random.default_rng(sum(shape) + sum(weights))
    channels = weights[axis]
    points = [fixed_point(2.0**e, Rounding.DOUBLE) for e in rng.uniform(-9, -6, channels)]
    inputs = (
        rng.integers(-128, 128, shape).astype(np.int8),
        rng.integers(-127, 128, weights).astype(np.int8),
        rng.integers(-3000, 3000, channels).astype(np.int32),
        np.array([p.multiplier for p in points], np.int32),
        np.array([p.shift for p in points], np.int8),
    )
    return Case(op, inputs)


def takers(case: Case) -> list[tuple[Kernel, Case]]:
    found = [(k, case) for k in ARM_DSP if k.objection(case.op, case.signature) is None]
    assert len(found) == 1
    return found


@pytest.mark.parametrize("zero", [-128, 5])
def test_windows_of_images_with_three_channels(zero: int, tmp_path: Path):
    output = Requantise(Rounding.DOUBLE, zero)
    cases = [
        product(QConv2d(Window2d((3, 3), strides, pads), output=output), x, (o, 3, 3, 3), 0)
        for strides, pads in (((1, 1), (1, 1, 1, 1)), ((2, 2), (0, 0, 1, 1)))
        for x in ((1, 8, 8, 3), (2, 5, 7, 3))
        for o in (1, 5, 8)
    ]
    Image([pair for case in cases for pair in takers(case)]).run(tmp_path)


@pytest.mark.parametrize("zero", [-128, 5])
@pytest.mark.parametrize("is_padded", [True, False])
def test_odd_depthwise_channels_follow_their_input_closely(
    zero: int, is_padded: bool, tmp_path: Path
):
    pads = (1, 1, 1, 1) if is_padded else (0, 0, 0, 0)
    cases = [
        product(
            QDepthwiseConv2d(Window2d((3, 3), strides, pads), Requantise(Rounding.DOUBLE, zero)),
            (1, 6, 7, channels),
            (3, 3, channels),
            2,
        )
        for strides in ((1, 1), (2, 2))
        for channels in (4, 5, 6, 7, 9, 13, 64, 65, 67)
    ]
    Image([pair for case in cases for pair in takers(case)], is_shared=True).run(tmp_path)


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
