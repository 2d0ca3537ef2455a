"""The DSP kernels' C, as any compiler understands it, against their operators' definitions."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from case import Case
from strategies import STRATEGIES
from strategies_dsp import SYMMETRIC
from targets.kernel_bench import KernelBench
from tilewright.ir.costs import priced
from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature
from tilewright.ir.types import TensorType
from tilewright.ops.arithmetic_tflite import QAdd, QMul
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.lut import Lut
from tilewright.ops.pool2d import MaxPool2d
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP
from tilewright.targets.packs.portable.pack import PORTABLE, PORTABLE_COSTS

SERVED = tuple(dict.fromkeys(kernel.op for kernel in ARM_DSP))
CASES = {op: SYMMETRIC.get(op, strategy) for op, strategy in STRATEGIES.items()}
ROUNDS = range(14)
ON_THIS_CORE = priced(PORTABLE, PORTABLE_COSTS / "cortex-m4.toml")
LARGE = (QConv2d, QDepthwiseConv2d, QDense, QAdd, QMul, Lut, MaxPool2d)
"""Work by the element; windows and rows of one element, which other operators may have however
large they are, can be quicker in plain C."""

PRECISE = 1.05
"""Estimates, by which kernels are chosen, are to be within 5 % of counts."""

MORE = 32
"""Rows and columns besides, and times as many channels, that make a layer large."""
MORE_ROUNDS = range(60)
"""For convolutions, which have a kernel for every kind of window and rounding."""

MOST_ROUNDS = 400
"""Until every kernel has run; few are needed."""


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
    """What is drawn depends on the modules that are there: whoever is left out gets more rounds."""
    runs = sum((bench.check_drawn(CASES[op], rounds(op)) for op in SERVED), Counter())
    for start in range(len(MORE_ROUNDS), MOST_ROUNDS, len(ROUNDS)):
        rare = {kernel.op for kernel in ARM_DSP if runs[kernel.symbol] < 3}
        for op in rare:
            runs += bench.check_drawn(CASES[op], range(start, start + len(ROUNDS)))
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


@pytest.mark.parametrize("op", LARGE, ids=lambda op: op.__name__)
def test_large_layers_are_faster_than_with_the_portable_pack(op: type[Op]):
    """Costs are sums over work. Set-up and padding, in which plain C may be better, grow with some
    sides of a layer only; products, loads and rounding grow with all of them."""
    compared = 0

    @settings(
        derandomize=True, deadline=None, max_examples=25, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=CASES[op])
    def check(case: Case):
        nonlocal compared
        large = grown(case)
        here, there = (cheapest(pack, case.op, large) for pack in (ARM_DSP, ON_THIS_CORE))
        if here is not None and there is not None:
            compared += 1
            assert here <= PRECISE * there

    check()
    assert compared >= 5


def cheapest(pack: tuple[Kernel, ...], op: Op, signature: Signature) -> int | None:
    """Of those that take the call."""
    takers = (k for k in pack if k.objection(op, signature) is None)
    return min((k.cycles(op, signature) for k in takers), default=None)


def grown(case: Case) -> Signature:
    """The same layer, larger on every side: rows and columns, channels, outputs."""
    x, *others = case.signature.inputs
    match case.op:
        case QConv2d():
            channels, sides = (1, (2, 3)) if case.op.is_channels_first else (3, (1, 2))
            x = widened(times(x, channels), sides)
            others = [times(times(others[0], 0), 3), *per_output(others)]
        case QDepthwiseConv2d():
            x, others = widened(times(x, 3), (1, 2)), [times(others[0], 2), *per_output(others, 2)]
        case QDense():
            x, others = times(x, -1), [times(times(others[0], 0), 1), *per_output(others)]
        case MaxPool2d():
            x = widened(times(x, 3), (1, 2))
        case _:
            most = max(t.shape[-1] for t in case.signature.inputs[: case.varying])
            x, *others = (times(t, -1) if t.shape[-1] == most else t for t in (x, *others))
    inputs = (x, *others)
    return Signature(inputs, case.op.infer(*inputs))


def times(t: TensorType, axis: int) -> TensorType:
    shape = list(t.shape)
    shape[axis] *= MORE
    return replace(t, shape=tuple(shape))


def widened(t: TensorType, axes: tuple[int, int]) -> TensorType:
    shape = tuple(n + MORE * (axis in axes) for axis, n in enumerate(t.shape))
    return replace(t, shape=shape)


def per_output(others: list[TensorType], axis: int = 0) -> list[TensorType]:
    """Biases and scales; one scale may be for all."""
    made = others[0].shape[axis]
    return [times(t, 0) if t.shape[0] == made else t for t in others[1:]]
