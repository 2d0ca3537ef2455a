"""N-EUREKA's kernels on the simulated chip against the operators' definitions."""

from collections.abc import Callable

import numpy as np
import pytest

from case import Case
from siracusa_bench import needs_compiler
from targets.neureka_bench import NeurekaBench
from targets.neureka_cases import (
    dense_case,
    depthwise_case,
    few_strided_depthwise_case,
    narrow_case,
    packed_case,
    packed_depthwise_case,
    packed_strided_case,
    paired_case,
    paired_depthwise_case,
    point_case,
    strided_case,
    strided_depthwise_case,
    sum_case,
    sums_case,
    vector_case,
    vector_sums_case,
    window_case,
)
from tilewright.ir.target import Kernel
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.targets.packs.neureka.cycles import AROUND, BETWEEN
from tilewright.targets.packs.neureka.kernels.conv2d_neureka import (
    CONV2D_NEUREKA,
    DEPTHWISE_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.dense_neureka import (
    DENSE_NEUREKA,
    DENSE_VECTOR_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.depthwise_groups import (
    DEPTHWISE_FEW_STRIDED_NEUREKA,
    DEPTHWISE_GROUPS_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.depthwise_pairs import DEPTHWISE_PAIRS_NEUREKA
from tilewright.targets.packs.neureka.kernels.narrow import CONV2D_NARROW_NEUREKA
from tilewright.targets.packs.neureka.kernels.packed import (
    CONV2D_PACKED_NEUREKA,
    CONV2D_PACKED_STRIDED_NEUREKA,
    CONV2D_PAIRS_NEUREKA,
    DEPTHWISE_PACKED_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.rescaled_add import RESCALED_ADD_NEUREKA
from tilewright.targets.packs.neureka.kernels.strided import (
    CONV2D_STRIDED_NEUREKA,
    DEPTHWISE_STRIDED_NEUREKA,
)
from tilewright.targets.packs.neureka.kernels.sum_rows import SUM_ROWS_NEUREKA, SUM_VECTOR_NEUREKA

COLD_SETUP = 1200
"""Cycles of a first call that go to instructions from L2 and to the registers."""

MOST_CONFLICTS = 20
"""Cycles that a job loses to a core that reads its arguments."""

Draw = Callable[[np.random.Generator], Case]

KINDS: dict[str, tuple[Kernel, Draw]] = {
    "window": (CONV2D_NEUREKA, window_case),
    "point": (CONV2D_NEUREKA, point_case),
    "depthwise": (DEPTHWISE_NEUREKA, depthwise_case),
    "dense": (DENSE_NEUREKA, dense_case),
    "vector": (DENSE_VECTOR_NEUREKA, vector_case),
    "strided": (CONV2D_STRIDED_NEUREKA, strided_case),
    "strided_depthwise": (DEPTHWISE_STRIDED_NEUREKA, strided_depthwise_case),
    "groups": (DEPTHWISE_GROUPS_NEUREKA, depthwise_case),
    "few_strided": (DEPTHWISE_FEW_STRIDED_NEUREKA, few_strided_depthwise_case),
    "paired": (CONV2D_PAIRS_NEUREKA, paired_case),
    "narrow": (CONV2D_NARROW_NEUREKA, narrow_case),
    "packed": (CONV2D_PACKED_NEUREKA, packed_case),
    "packed_strided": (CONV2D_PACKED_STRIDED_NEUREKA, packed_strided_case),
    "packed_depthwise": (DEPTHWISE_PACKED_NEUREKA, packed_depthwise_case),
    "sum": (RESCALED_ADD_NEUREKA, sum_case),
    "paired_depthwise": (DEPTHWISE_PAIRS_NEUREKA, paired_depthwise_case),
    "sums": (SUM_ROWS_NEUREKA, sums_case),
    "vector_sums": (SUM_VECTOR_NEUREKA, vector_sums_case),
}


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> NeurekaBench:
    return NeurekaBench(tmp_path_factory.mktemp("neureka"))


@needs_compiler
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(10))
def test_kernels_compute_the_definition_in_the_cycles_that_they_say(
    bench: NeurekaBench, kind: str, seed: int
) -> None:
    kernel, draw = KINDS[kind]
    case = draw(np.random.default_rng([seed, list(KINDS).index(kind)]))
    assert kernel.objection(case.op, case.signature) is None
    # Depthwise weights in L1 take another time in the model; all others do not.
    is_far = kernel.op is QDepthwiseConv2d or seed % 2 == 0
    is_far = is_far and kernel is not RESCALED_ADD_NEUREKA  # it has no weights
    ran = bench.kernel(kernel, case, in_weight_memory=is_far)
    wanted = case.op.evaluate(*case.inputs)
    made = np.frombuffer(ran.data, wanted.dtype).reshape(wanted.shape)
    assert (made == wanted).all(), f"{(made != wanted).sum()} of {made.size} differ: {case}"
    if kernel is CONV2D_NARROW_NEUREKA:  # a core copies first
        estimate = kernel.cycles(case.op, case.signature)
        assert 0.85 * estimate < ran.call_cycles < 1.15 * estimate + COLD_SETUP
        return
    later = len(ran.jobs) - 1
    wanted_cycles = kernel.cycles(case.op, case.signature) - AROUND - BETWEEN * later
    # While a job runs, the core that comes back, or writes the next one's registers, uses L1, too.
    assert wanted_cycles <= sum(ran.jobs) <= wanted_cycles + MOST_CONFLICTS * len(ran.jobs)
