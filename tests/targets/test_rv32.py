"""Kernels for RV32 clusters on the simulated Snitch cluster, against the operators' definitions."""

import numpy as np
from chosen import Call
from hypothesis import Phase, given, settings

from case import Case
from siracusa_bench import drawn, needs_compiler, outputs_of
from strategies_tiles import tile_norm_factors
from tilewright.ops.dense import QDense
from tilewright.ops.tile_norm import TileNormFactors
from tilewright.targets.packs.portable.pack import PORTABLE
from tilewright.targets.packs.rv32.pack import rv32_kernels
from tilewright.targets.snitch.target import SNITCH

KERNELS = rv32_kernels(PORTABLE)
FEW = [kernel for kernel in KERNELS if kernel.op is QDense]
CALLS_EACH = 6


@needs_compiler
def test_kernels_compute_the_definition_on_all_cores() -> None:
    chosen = [(kernel, call) for kernel in FEW for call in drawn(kernel, CALLS_EACH)]
    assert len(chosen) == len(FEW) * CALLS_EACH
    made = outputs_of(SNITCH, FEW, [call for _, call in chosen])
    for (kernel, call), output in zip(chosen, made, strict=True):
        wanted = call.op.evaluate(*call.inputs)
        assert np.array_equal(output, wanted), f"{kernel.symbol}: {call.op} on {call.signature}"


def test_layers_of_many_vectors_are_left_to_kernels_that_share_those() -> None:
    few = FEW[0]
    call = next(call for call in drawn(few, 20))
    assert few.items(call.op, call.signature) == call.signature.output.shape[-1]


@needs_compiler
def test_factors_of_norms_are_the_definitions() -> None:
    cases: list[Call] = []

    @settings(
        derandomize=True, deadline=None, max_examples=8, database=None, phases=[Phase.generate]
    )
    @given(tile_norm_factors())
    def draw(case: Case) -> None:
        cases.append(Call(case.op, case.inputs))

    draw()
    kernels = [kernel for kernel in KERNELS if kernel.op is TileNormFactors]
    for call, output in zip(cases, outputs_of(SNITCH, kernels, cases), strict=True):
        assert np.array_equal(output, call.op.evaluate(*call.inputs)), str(call.op)
