"""Every kernel's C against its operator's definition, over drawn shapes and parameters."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from case import Case
from strategies import STRATEGIES
from targets.kernel_bench import KernelBench, KernelFault
from tilewright.ir.op import Op
from tilewright.ir.target import Kernel
from tilewright.ops.lut import Lut
from tilewright.targets.packs.portable.pack import PORTABLE

ROUNDS = range(6)
MORE_ROUNDS = range(6, 40)


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config):
    built = KernelBench(PORTABLE, Path(pytestconfig.cache.mkdir("kernels")))
    yield built
    built.close()


@pytest.mark.parametrize("op", STRATEGIES, ids=lambda op: op.__name__)
def test_kernels_compute_the_definition(bench: KernelBench, op: type[Op]):
    bench.check_drawn(STRATEGIES[op], ROUNDS)


@pytest.mark.slow
@pytest.mark.parametrize("op", STRATEGIES, ids=lambda op: op.__name__)
def test_kernels_compute_the_definition_on_many_cases(bench: KernelBench, op: type[Op]):
    bench.check_drawn(STRATEGIES[op], MORE_ROUNDS)


def test_every_kernel_runs_on_some_drawn_case(bench: KernelBench):
    runs = sum((bench.check_drawn(STRATEGIES[op], ROUNDS) for op in STRATEGIES), Counter())
    assert [k.symbol for k in PORTABLE if runs[k.symbol] < 3] == []


@pytest.mark.parametrize("kernel", PORTABLE, ids=lambda kernel: kernel.symbol)
def test_a_kernel_lists_every_header_that_it_includes(kernel: Kernel):
    missing = included_headers(kernel) - {path.name for path in (kernel.header, *kernel.includes)}
    assert missing == set()


@pytest.mark.parametrize("kernel", PORTABLE, ids=lambda kernel: kernel.symbol)
def test_a_kernel_lists_no_header_in_vain(kernel: Kernel):
    assert {path.name for path in kernel.includes} <= included_headers(kernel)


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


def test_kernel_symbols_are_unique():
    symbols = Counter(k.symbol for k in PORTABLE)
    assert [s for s, count in symbols.items() if count > 1] == []


READS_TOO_FAR = """
#include "tilewright.h"
typedef struct { const int8_t *x; const int8_t *table; int8_t *y; } lut_s8_args;
void lut_s8(const void *args, tw_work work) {
  const lut_s8_args *a = args;
  for (int32_t i = work.start; i < work.stop; i++) {
    a->y[i] = a->table[a->x[i + 1] + 128];
  }
}
"""


def test_the_bench_notices_a_read_beyond_an_operand(tmp_path: Path):
    (lut,) = (k for k in PORTABLE if k.symbol == "lut_s8")
    broken = _with_source(lut, tmp_path, READS_TOO_FAR)
    with pytest.raises(KernelFault, match="heap-buffer-overflow"):
        _check_on_one_case(broken, tmp_path)


def test_the_bench_notices_a_wrong_result(tmp_path: Path):
    (lut,) = (k for k in PORTABLE if k.symbol == "lut_s8")
    broken = _with_source(lut, tmp_path, READS_TOO_FAR.replace("x[i + 1]", "x[0]"))
    with pytest.raises(KernelFault, match="lut_s8 differs from the definition"):
        _check_on_one_case(broken, tmp_path)


def _with_source(kernel: Kernel, folder: Path, text: str) -> Kernel:
    source = folder / kernel.source.name
    source.write_text(text)
    return replace(kernel, source=source)


def _check_on_one_case(kernel: Kernel, folder: Path) -> None:
    table = np.arange(-128, 128, dtype=np.int8)
    case = Case(Lut(), (np.arange(5, dtype=np.int8), table))
    bench = KernelBench((kernel,), folder)
    try:
        bench.check(kernel, case)
    finally:
        bench.close()
