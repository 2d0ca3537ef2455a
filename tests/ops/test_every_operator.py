"""Properties of every operator: what it infers, and which input regions it says that it reads."""

from dataclasses import replace
from importlib import import_module
from inspect import isabstract
from math import inf
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import tilewright.ops
from case import Case, seeds
from strategies import STRATEGIES
from strategies_state import STATE
from tilewright.ir.op import Access, Along, Op
from tilewright.ir.types import Array, Region, Shape, Span, TensorType
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Add, Mul
from tilewright.ops.layout import Concat, Copy, Pad, Transpose
from tilewright.ops.matmul import MatMul
from tilewright.ops.pool2d import AveragePool2d
from tilewright.ops.reduce import Mean

OPS = Path(tilewright.ops.__path__[0])

relaxed = settings(
    derandomize=True, deadline=None, max_examples=15, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

every_operator = pytest.mark.parametrize("op", STRATEGIES, ids=lambda op: op.__name__)
ALL = {**STRATEGIES, **STATE}
"""With the views that say where states lie: they are whole, in tiles they mean nothing."""
whole_operator = pytest.mark.parametrize("op", ALL, ids=lambda op: op.__name__)


def concrete_operators(root: type[Op] = Op) -> set[str]:
    """Names of all whole operator classes that are imported and belong to the package."""
    below = {found for child in root.__subclasses__() for found in concrete_operators(child)}
    own = root.__module__.startswith("tilewright.ops.")
    own = own and not isabstract(root) and not root.__name__.startswith("_")
    return below | ({root.__name__} if own else set())


def test_every_operator_has_a_strategy():
    for path in sorted(OPS.rglob("*.py")):
        name = ".".join(path.relative_to(OPS).with_suffix("").parts)
        import_module(f"tilewright.ops.{name}")
    missing = concrete_operators() - {op.__name__ for op in ALL}
    assert sorted(missing) == []


@whole_operator
def test_infer_tells_the_type_that_evaluate_makes(op: type[Op]):
    @relaxed
    @given(case=ALL[op])
    def check(case: Case):
        assert TensorType.of(case.op.evaluate(*case.inputs)) == case.signature.output

    check()


@whole_operator
def test_reads_has_one_entry_per_dimension_of_every_input(op: type[Op]):
    @relaxed
    @given(case=ALL[op])
    def check(case: Case):
        accesses = case.op.reads(*case.signature.inputs)
        assert [len(a) for a in accesses] == [x.ndim for x in case.inputs]

    check()


@every_operator
def test_an_output_region_depends_on_nothing_outside_what_reads_names(op: type[Op]):
    @relaxed
    @given(case=STRATEGIES[op], data=st.data(), seed=seeds())
    def check(case: Case, data: st.DataObject, seed: int):
        region = data.draw(regions(case.signature.output.shape), label="output region")
        expected = case.op.evaluate(*case.inputs)[slices(region)]
        rng = np.random.default_rng(seed)
        changed: list[Array] = []
        accesses = case.op.reads(*case.signature.inputs)
        for index, (x, access) in enumerate(zip(case.inputs, accesses, strict=True)):
            is_named = np.zeros(x.shape, bool)
            is_named[slices(named_region(access, region, x.shape))] = True
            others = other_values(x, rng) if index < case.varying else rng.permuted(x.ravel())
            changed.append(np.where(is_named, x, others.reshape(x.shape)))
        with np.errstate(all="ignore"):  # constants of one channel beside those of another
            actual = case.op.evaluate(*changed)[slices(region)]
        np.testing.assert_array_equal(actual, expected)

    check()


SENSITIVE = (
    Conv2d, DepthwiseConv2d, AveragePool2d, Dense, MatMul, Add, Mul, Mean, Copy, Transpose, Concat,
    Pad,
)  # fmt: skip
"""Operators whose result changes whenever an element that it depends on changes."""


@pytest.mark.parametrize("op", SENSITIVE, ids=lambda op: op.__name__)
def test_reads_names_no_more_than_what_an_output_element_depends_on(op: type[Op]):
    @relaxed
    @given(case=STRATEGIES[op].map(without_clip), data=st.data(), seed=seeds())
    def check(case: Case, data: st.DataObject, seed: int):
        # Between the taps of a dilated window lie elements that are named but not read.
        window = getattr(case.op, "window", None)
        assume(window is None or window.dilations == (1, 1))
        output = case.signature.output.shape
        element = tuple(Span(data.draw(st.integers(0, n - 1)), 1) for n in output)
        rng = np.random.default_rng(seed)
        accesses = case.op.reads(*case.signature.inputs)
        for index in range(case.varying):
            shape = case.inputs[index].shape
            named = named_region(accesses[index], element, shape)
            for axis, along in enumerate(accesses[index]):
                if isinstance(along, Along):
                    used = planes_in_use(case, index, axis, element, rng)
                    is_empty = any(span.size == 0 for span in named)
                    assert used == ([] if is_empty else list(range(*_ends(named[axis]))))

    check()


@st.composite
def regions(draw: st.DrawFn, shape: Shape) -> Region:
    """A non-empty box inside a tensor."""
    starts = [draw(st.integers(0, n - 1)) for n in shape]
    return tuple(
        Span(start, draw(st.integers(1, n - start))) for start, n in zip(starts, shape, strict=True)
    )


def slices(region: Region) -> tuple[slice, ...]:
    return tuple(slice(*_ends(span)) for span in region)


def _ends(span: Span) -> tuple[int, int]:
    return span.start, span.stop


def named_region(access: Access, out: Region, shape: Shape) -> Region:
    """What ``reads`` says about one input."""
    return tuple(
        a.span(out[a.axis], n) if isinstance(a, Along) else Span(0, n)
        for a, n in zip(access, shape, strict=True)
    )


def other_values(x: Array, rng: np.random.Generator) -> Array:
    """An array of the same type that differs in every element."""
    if x.dtype == np.float32:
        return np.where(np.isfinite(x), x, 0) + rng.uniform(0.5, 1.5, x.shape).astype(np.float32)
    return x ^ rng.integers(1, 128, x.shape).astype(x.dtype)


def without_clip(case: Case) -> Case:
    if not hasattr(case.op, "low"):
        return case
    return replace(case, op=replace(case.op, low=-inf, high=inf))


def planes_in_use(
    case: Case, index: int, axis: int, element: Region, rng: np.random.Generator
) -> list[int]:
    """Indices along one axis of one input whose planes change the output element."""
    expected = case.op.evaluate(*case.inputs)[slices(element)]
    used: list[int] = []
    for plane in range(case.inputs[index].shape[axis]):
        at = (*[slice(None)] * axis, plane)
        inputs = [x.copy() for x in case.inputs]
        inputs[index][at] = other_values(inputs[index], rng)[at]
        if not np.array_equal(case.op.evaluate(*inputs)[slices(element)], expected):
            used.append(plane)
    return used
