"""N-EUREKA's jobs: values and cycles equal the simulated engine's."""

import numpy as np
import pytest

from siracusa_bench import needs_compiler
from targets.neureka_bench import NeurekaBench
from targets.neureka_jobs import drawn_data, drawn_job
from tilewright.targets.packs.neureka.arithmetic import compute
from tilewright.targets.packs.neureka.cycles import AROUND, job_cycles
from tilewright.targets.packs.neureka.job import Job, Mode, Out, Rescale

MEASURED = (
    ("1x1 wmem", Mode.POINT, 32, 32, 6, 6, 8, True, False, 8, 166),
    ("1x1 wmem again", Mode.POINT, 32, 32, 6, 6, 8, True, False, 8, 166),
    ("1x1 tcdm weights", Mode.POINT, 32, 32, 6, 6, 8, False, False, 8, 166),
    ("1x1 prefetch", Mode.POINT, 32, 32, 6, 6, 8, True, True, 8, 163),
    ("1x1 norm32", Mode.POINT, 32, 32, 6, 6, 8, True, False, 32, 190),
    ("1x1 out32", Mode.POINT, 32, 32, 6, 6, 8, True, False, 0, 245),
    ("1x1 qw4", Mode.POINT, 32, 32, 6, 6, 4, True, False, 8, 166),
    ("1x1 ki64", Mode.POINT, 64, 32, 6, 6, 8, True, False, 8, 256),
    ("1x1 ki64 ko64", Mode.POINT, 64, 64, 6, 6, 8, True, False, 8, 504),
    ("1x1 12x12", Mode.POINT, 32, 32, 12, 12, 8, True, False, 8, 640),
    ("1x1 ki64 ko64 12x12", Mode.POINT, 64, 64, 12, 12, 8, True, False, 8, 1992),
    ("1x1 same, prefetch", Mode.POINT, 64, 64, 12, 12, 8, True, True, 8, 1496),
    ("1x1 3x3out", Mode.POINT, 32, 32, 3, 3, 8, True, False, 8, 145),
    ("1x1 ki16 ko8", Mode.POINT, 16, 8, 6, 6, 8, True, False, 8, 136),
    ("3x3 wmem", Mode.WINDOW, 28, 32, 6, 6, 8, True, False, 8, 413),
    ("3x3 tcdm", Mode.WINDOW, 28, 32, 6, 6, 8, False, False, 8, 413),
    ("3x3 qw4", Mode.WINDOW, 28, 32, 6, 6, 4, True, False, 8, 285),
    ("3x3 out32", Mode.WINDOW, 28, 32, 6, 6, 8, True, False, 0, 492),
    ("3x3 ki56 ko32", Mode.WINDOW, 56, 32, 6, 6, 8, True, False, 8, 753),
    ("3x3 ki32", Mode.WINDOW, 32, 32, 6, 6, 8, True, False, 8, 753),
    ("DW wmem", Mode.DEPTHWISE, 28, 28, 6, 6, 8, True, False, 8, 400),
    ("DW 56", Mode.DEPTHWISE, 56, 56, 6, 6, 8, True, False, 8, 793),
    ("DW 28 12x12", Mode.DEPTHWISE, 28, 28, 12, 12, 8, True, False, 8, 1576),
    ("DW tcdm", Mode.DEPTHWISE, 28, 28, 6, 6, 8, False, False, 8, 184),
)
"""Name, mode, channels in and out, rows, columns, bits of weights, weights in the weight memory,
prefetching, bits of scales (0: sums come out), cycles measured on GVSoC's model of the engine."""


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row[0].replace(" ", "_"))
def test_cycles_are_those_measured_on_another_model(row: tuple) -> None:
    _, mode, inputs, outputs, rows, columns, bits, is_far, prefetches, scale_bits, cycles = row
    rescale = Rescale(scale_bits, 8) if scale_bits else None
    job = Job(
        mode, inputs, outputs, rows, columns, weight_bits=bits, prefetches=prefetches,
        out=Out.U8 if scale_bits else Out.SUMS, rescale=rescale,
    )  # fmt: skip
    assert job_cycles(job, in_weight_memory=is_far) == cycles


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> NeurekaBench:
    return NeurekaBench(tmp_path_factory.mktemp("neureka"))


@needs_compiler
@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("seed", range(12))
def test_drawn_jobs_compute_and_last_as_defined(bench: NeurekaBench, mode: Mode, seed: int) -> None:
    rng = np.random.default_rng([seed, mode])
    job = drawn_job(rng, mode)
    data = drawn_data(rng, job)
    is_far = bool(rng.integers(2))
    ran = bench.job(job, data, in_weight_memory=is_far)
    wanted = compute(job, data.image, data.stored, data.tables, data.held)
    made = np.frombuffer(ran.data, wanted.dtype).reshape(wanted.shape)
    assert (made == wanted).all(), job
    assert sum(ran.jobs) == job_cycles(job, in_weight_memory=is_far) - AROUND, job
