"""The MLPerf Tiny networks in five sizes of near memory: never a byte more than was asked for."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from tilewright.backend.c_names import base_name, c_names
from tilewright.backend.print_layer import tile_tables
from tilewright.ir.program import Program
from tilewright.midend.check.check import check_plan
from tilewright.pipeline import Compilation, Options, compile_model, load_target
from tilewright.report.memory import MemoryUse, memory_use
from tilewright.run import compiler, elf
from tilewright.run.linked import linked_sizes
from tilewright.run.result import Linked

TINY = Path(__file__).parents[3] / "shared" / "models" / "mlperf_tiny"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TINY.is_dir(), reason=f"no models in {TINY}"),
]

KIB = 1024
NETWORKS = ("ad01_int8", "ic01_resnet8_int8", "kws01_int8", "vww96_int8")
SIZES = tuple(kib * KIB for kib in (8, 16, 32, 64, 128))

MAIN = """\
#include "{name}.h"
_Alignas(TW_{upper}_ARENA_ALIGN) uint8_t memory_L1[TW_{upper}_{l1_upper}_BYTES];
_Alignas(TW_{upper}_ARENA_ALIGN) uint8_t memory_L2[TW_{upper}_{l2_upper}_BYTES];
int main(void) {{
  const tw_{name}_arenas arenas = {{.{l1} = memory_L1, .{l2} = memory_L2}};
  const tw_{name}_inputs inputs = {{.{input} = tw_{name}_{input}_in(&arenas)}};
  const tw_{name}_outputs outputs = tw_{name}_outputs_in(&arenas);
  return tw_{name}_run(&arenas, &inputs, &outputs);
}}
"""


@cache
def compiled(name: str, size: int) -> Compilation:
    options = Options(memory={"L1": size})
    return compile_model(TINY / f"{name}.tflite", load_target("host"), options)


def use(c: Compilation) -> dict[str, MemoryUse]:
    return {memory.name: memory for memory in memory_use(c.target, c.plan, c.program)}


def main_of(program: Program) -> str:
    """C of a program that owns the network's memories and runs it once."""
    l1, l2 = base_name(program, "L1"), base_name(program, "L2")
    return MAIN.format(
        name=program.name, upper=program.name.upper(), l1=l1, l2=l2,
        l1_upper=l1.upper(), l2_upper=l2.upper(),
        input=c_names(program).tensors[program.inputs[0].value.name],
    )  # fmt: skip


def link(c: Compilation, folder: Path) -> tuple[Linked | None, dict[str, int]]:
    """What the network has in the linked program, and the bytes of the memories that main owns."""
    c.bundle.write_to(folder)
    (folder / "main.c").write_text(main_of(c.program))
    sources = [folder / name for name in (*c.bundle.sources, "main.c")]
    program = folder / "network"
    compiler.build(compiler.find_compiler(), compiler.BASE_FLAGS, folder, sources, program)
    symbols = elf.symbols(program) or ()
    owned = {s.name: s.size for s in symbols if s.name.startswith("memory_L")}
    return linked_sizes(c.bundle, folder, program), owned


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_plan_stays_within_the_size_that_was_asked_for(name: str, size: int) -> None:
    c = compiled(name, size)
    check_plan(c.plan, c.graph, c.target)
    near = use(c)["L1"]
    assert near.size == size
    assert near.short == 0
    assert 0 < near.used == c.program.arena_bytes["L1"] <= size
    reach = max(b.offset + b.size for b in c.plan.buffers if b.memory == "L1")
    assert reach <= near.used


@pytest.mark.skipif(
    not any(map(shutil.which, compiler.CANDIDATES)), reason="no C compiler: apt-get install gcc"
)
@pytest.mark.parametrize(("name", "size"), list(zip(NETWORKS, SIZES[:4], strict=True)))
def test_the_linked_program_has_the_bytes_that_the_plan_says(
    name: str, size: int, tmp_path: Path
) -> None:
    c = compiled(name, size)
    linked, owned = link(c, tmp_path)
    if linked is None:
        pytest.skip("this system's programs are no ELF files")
    said = use(c)
    assert owned == {"memory_L1": said["L1"].used, "memory_L2": said["L2"].used}
    assert owned["memory_L1"] <= size
    assert linked.writable == 0
    assert linked.constants == c.bundle.symbols
    tables = {n: size for n, size in linked.constants.items() if "_layer_" in n}
    assert tables == tile_tables(c.program, c_names(c.program))
    align = c.target.memory("flash").align
    assert sum(n + -n % align for n in linked.constants.values()) == said["flash"].used
