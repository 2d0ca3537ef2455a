"""Cost tables: complete, as their bindings say, and near what machines execute."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tilewright.ir.costs import CALL, priced
from tilewright.ir.target import Kernel, Signature, Terms, rough_cycles
from tilewright.ir.types import DType, TensorType
from tilewright.ops.lut import Lut
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP, ARM_DSP_COSTS
from tilewright.targets.packs.helium.kernels.language import (
    CACHED_ATTENTION_HELIUM,
    LINEAR_ROWS_HELIUM,
)
from tilewright.targets.packs.helium.pack import HELIUM, HELIUM_COSTS
from tilewright.targets.packs.portable.kernels.lut_s8 import LUT_S8
from tilewright.targets.packs.portable.pack import FUSED, GENERAL, PORTABLE, PORTABLE_COSTS

COUNTED = tuple(kernel for kernel in PORTABLE if kernel not in (*GENERAL, *FUSED))
COUNTED_HELIUM = tuple(
    kernel for kernel in HELIUM if kernel not in (*LINEAR_ROWS_HELIUM, CACHED_ATTENTION_HELIUM)
)
"""Kernels of language models have estimates of their own, so far."""

TABLES = [
    pytest.param(COUNTED, PORTABLE_COSTS / "host.toml", id="portable-host"),
    pytest.param(COUNTED, PORTABLE_COSTS / "cortex-m4.toml", id="portable-m4"),
    pytest.param(COUNTED, PORTABLE_COSTS / "cortex-m55.toml", id="portable-m55"),
    pytest.param(ARM_DSP, ARM_DSP_COSTS / "cortex-m4.toml", id="arm_dsp-m4"),
    pytest.param(COUNTED_HELIUM, HELIUM_COSTS / "cortex-m55.toml", id="helium-m55"),
]

SIGNATURE = Signature(
    (TensorType(DType.S8, (7, 10)), TensorType(DType.S8, (256,))), TensorType(DType.S8, (7, 10))
)

AGAIN = "run benchmarks/calibrate.py for it, see docs/how-to/calibrate.md"


@pytest.mark.parametrize(("kernels", "table"), TABLES)
def test_a_table_knows_every_kernel_by_the_terms_of_its_binding(
    kernels: Sequence[Kernel], table: Path
) -> None:
    known = tomllib.loads(table.read_text())["kernels"]
    for kernel in kernels:
        assert kernel.terms is not None, f"{kernel.symbol} names no terms"
        assert kernel.symbol in known, f"{table.name} lacks {kernel.symbol}: {AGAIN}"
        cost = known[kernel.symbol]["cost"]
        assert set(cost) == {CALL, *kernel.terms.names}, f"{kernel.symbol}: {AGAIN}"
        assert all(value >= 0 for value in cost.values())
        assert any(value > 0 for value in cost.values())
    assert set(known) == {kernel.symbol for kernel in kernels}


@pytest.mark.parametrize(("kernels", "table"), TABLES)
def test_most_calls_that_a_table_was_fitted_to_cost_what_it_says(
    kernels: Sequence[Kernel], table: Path
) -> None:
    known = tomllib.loads(table.read_text())["kernels"]
    medians = sorted(known[kernel.symbol]["error"]["median"] for kernel in kernels)
    assert medians[len(medians) // 2] < 0.05
    assert medians[-1] < 0.25


def test_general_kernels_are_priced_by_the_rough_rule() -> None:
    assert all(kernel.terms is None and kernel.cycles is rough_cycles for kernel in GENERAL)


def test_a_cost_is_the_sum_of_its_terms(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text("[kernels.lut_s8]\ncost = { call = 10, vectors = 2.5, rest = 0.5 }\n")
    (kernel,) = priced([LUT_S8], table)
    assert kernel.terms is not None
    assert kernel.terms.count(Lut(), SIGNATURE) == (70 // 32, 70 % 32)
    assert kernel.cycles(Lut(), SIGNATURE) == 10 + 2 * 2.5 + 6 * 0.5
    assert LUT_S8.cycles(Lut(), SIGNATURE) == rough_cycles(Lut(), SIGNATURE)


def test_kernels_without_data_keep_an_estimate(tmp_path: Path) -> None:
    own = replace(LUT_S8, terms=None, cycles=lambda op, signature: 77)
    unknown, kept = priced([LUT_S8, own], tmp_path / "absent.toml")
    assert unknown.cycles(Lut(), SIGNATURE) == rough_cycles(Lut(), SIGNATURE)
    assert kept.cycles(Lut(), SIGNATURE) == 77


def test_a_table_older_than_its_binding_is_said_to_be(tmp_path: Path) -> None:
    table = tmp_path / "old.toml"
    table.write_text("[kernels.lut_s8]\ncost = { call = 10, elements = 2 }\n")
    (kernel,) = priced([LUT_S8], table)
    with pytest.raises(ValueError, match=r"old\.toml: lut_s8 has the terms call, elements"):
        kernel.cycles(Lut(), SIGNATURE)


def test_targets_price_one_pack_each_for_itself() -> None:
    """The same C, other coefficients: a lookup costs a vector machine less than a scalar one."""
    here = next(k for k in PORTABLE if k.symbol == "conv2d_s8_double")
    there = priced([here], PORTABLE_COSTS / "cortex-m4.toml")[0]
    assert here.terms is there.terms
    assert isinstance(here.terms, Terms)
    assert here.cycles is not there.cycles
