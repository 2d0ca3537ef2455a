"""Kernels for RV32 clusters on the simulated Snitch cluster, against the operators' definitions."""

import numpy as np

from siracusa_bench import drawn, needs_compiler, outputs_of
from tilewright.targets.packs.portable.pack import PORTABLE
from tilewright.targets.packs.rv32.pack import rv32_kernels
from tilewright.targets.snitch.target import SNITCH

KERNELS = rv32_kernels(PORTABLE)
CALLS_EACH = 6


@needs_compiler
def test_kernels_compute_the_definition_on_all_cores() -> None:
    chosen = [(kernel, call) for kernel in KERNELS for call in drawn(kernel, CALLS_EACH)]
    assert len(chosen) == len(KERNELS) * CALLS_EACH
    made = outputs_of(SNITCH, KERNELS, [call for _, call in chosen])
    for (kernel, call), output in zip(chosen, made, strict=True):
        wanted = call.op.evaluate(*call.inputs)
        assert np.array_equal(output, wanted), f"{kernel.symbol}: {call.op} on {call.signature}"


def test_layers_of_many_vectors_are_left_to_kernels_that_share_those() -> None:
    few = KERNELS[0]
    call = next(call for call in drawn(few, 20))
    assert few.items(call.op, call.signature) == call.signature.output.shape[-1]
