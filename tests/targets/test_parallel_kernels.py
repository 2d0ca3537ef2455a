"""Every portable kernel on 2, 3 and 8 threads at once under ThreadSanitizer, and in every order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest

from case import Case
from strategies import STRATEGIES
from targets.kernel_bench import KernelBench, KernelFault, _compile
from targets.kernel_worker import Run, Spans
from tilewright.ir.op import Op
from tilewright.ir.target import Kernel
from tilewright.ops.lut import Lut
from tilewright.run.thread_sanitizer import why_no_thread_sanitizer
from tilewright.targets.packs.portable.pack import PORTABLE

CORES = (2, 3, 8)
ROUNDS = range(3)
SANITIZED = ("-O1", "-g", "-fsanitize=thread")
MISSING = why_no_thread_sanitizer()

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


class ParallelBench(KernelBench):
    """Kernels whose work is shared by threads; a race ends the process that runs them."""

    preload = "libtsan.so"

    def _built(self, cache: Path) -> list[Path]:
        threads = Path(__file__).with_name("parallel_bench.c")
        return [_compile(self.kernels, SANITIZED, cache, threads)]

    def _runs(self, kernel: Kernel, case: Case, cuts: Sequence[float]) -> list[Run]:
        """At once, one after the other in every order, and in an input's place."""
        op, signature = case.op, case.signature
        items = kernel.items(op, signature)
        runs = [Run((), fill=0xA5, cores=cores) for cores in CORES]
        runs += [Run(order, fill=0x5A) for cores in (2, 3) for order in orders(items, cores)]
        replaced = kernel.replaces
        if replaced is not None and signature.inputs[replaced].nbytes == signature.output.nbytes:
            runs += [Run((), (replaced, 0), cores=cores) for cores in CORES]
        return runs


def orders(items: int, cores: int) -> list[Spans]:
    """The shares of tw_share, one after the other, in every order."""
    ends = [core * (items // cores) + min(core, items % cores) for core in range(cores + 1)]
    return list(permutations(pairwise(ends)))


@pytest.fixture(scope="module")
def bench(pytestconfig: pytest.Config):
    built = ParallelBench(PORTABLE, Path(pytestconfig.cache.mkdir("kernels")))
    yield built
    built.close()


@pytest.mark.parametrize("op", STRATEGIES, ids=lambda op: op.__name__)
def test_kernels_compute_the_definition_on_several_cores(bench: KernelBench, op: type[Op]):
    bench.check_drawn(STRATEGIES[op], ROUNDS)


def test_every_kernel_runs_on_several_cores(bench: KernelBench):
    runs = sum((bench.check_drawn(STRATEGIES[op], ROUNDS) for op in STRATEGIES), Counter())
    assert [k.symbol for k in PORTABLE if runs[k.symbol] == 0] == []


SHARES_A_SUM = """
#include "tilewright.h"
typedef struct { const int8_t *x; const int8_t *table; int8_t *y; } lut_s8_args;
int32_t last_index;
void lut_s8(const void *args, tw_work work) {
  const lut_s8_args *a = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    last_index = a->x[i] + 128;
    a->y[i] = a->table[last_index];
  }
}
"""


def test_the_bench_notices_what_cores_share(tmp_path: Path):
    (lut,) = (k for k in PORTABLE if k.symbol == "lut_s8")
    source = tmp_path / lut.source.name
    source.write_text(SHARES_A_SUM)
    table = np.arange(-128, 128, dtype=np.int8)
    case = Case(Lut(), (np.zeros(4096, np.int8), table))
    bench = ParallelBench((replace(lut, source=source),), tmp_path)
    try:
        with pytest.raises(KernelFault, match="data race"):
            bench.check(bench.kernels[0], case)
    finally:
        bench.close()
