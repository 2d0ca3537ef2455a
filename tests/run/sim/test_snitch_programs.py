"""C programs for a Snitch cluster with the runtime that ships: output, profile, timeline."""

import json
import shutil
from pathlib import Path

import pytest

from tilewright.cli.main import main
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.profile import map_functions, profile_table, read_profile
from tilewright.run.sim.program import RISCV_GCC, build_program
from tilewright.run.sim.simulator import LOSSES, Outcome, Simulator

needs_compiler = pytest.mark.skipif(
    shutil.which(RISCV_GCC.name) is None, reason=f"{RISCV_GCC.name} is not installed"
)

PROGRAM = """
#include "tw_sim.h"

enum { WORDS = 1024, TILE = 4096 };
TW_L1 static int32_t values[WORDS];
TW_L1 static int32_t sums[TW_WORKERS];
TW_L1 static double halves[TW_WORKERS];
TW_L1 static int8_t x[TILE] __attribute__((aligned(128))), y[TILE] __attribute__((aligned(128)));
static int32_t source[WORDS];

__attribute__((noinline)) static int32_t sum_of(const int32_t *at, int count) {
  int32_t sum = 0;
  for (int i = 0; i < count; i++) {
    sum += at[i];
  }
  return sum;
}

static void work(int core, void *argument) {
  (void)argument;
  TW_REGION_BEGIN(3);
  sums[core] = sum_of(values + 128 * core, 128);
  halves[core] = sums[core] * 0.5;
  TW_REGION_END(3);
  tw_barrier();
  if (core == 0) {
    printf("%d\\n", (int)sum_of(sums, TW_WORKERS));
  }
}

static void multiply(void) {
  for (int i = 0; i < TILE; i++) {
    x[i] = (int8_t)(i % 5 - 2);
  }
  *tw_ita(0x20) = (uint32_t)x - 0x10000000u;
  *tw_ita(0x24) = (uint32_t)x - 0x10000000u;
  *tw_ita(0x30) = (uint32_t)y - 0x10000000u;
  *tw_ita(0x38) = 0x111;
  *tw_ita(0x3c) = 1;
  *tw_ita(0x54) = 2;
  *tw_ita(0x58) = 1 | 4;
  *tw_ita(0) = 0;
  tw_ita_wait();
}

int main(void) {
  for (int i = 0; i < WORDS; i++) {
    source[i] = i;
  }
  tw_dma_wait(tw_dma(values, source, sizeof values));
  tw_run_on_cluster(TW_WORKERS, work, 0);
  multiply();
  int wrong = 0;
  for (int r = 0; r < 64; r++) {
    for (int c = 0; c < 64; c++) {
      int sum = 0;
      for (int k = 0; k < 64; k++) {
        sum += x[64 * r + k] * x[64 * c + k];
      }
      wrong += y[64 * r + c] != (sum > 127 ? 127 : sum < -128 ? -128 : sum);
    }
  }
  tw_dma_wait(tw_dma_2d(source, values, 16, 4, 32, 16));
  printf("%d wrong, %d, %d\\n", wrong, (int)source[8], (int)halves[7]);
  return 3;
}
"""


def built(folder: Path) -> Path:
    source = folder / "program.c"
    source.write_text(PROGRAM)
    build_program([source], folder / "program.elf", ("-Wall", "-Werror"), runtime="snitch")
    return folder / "program.elf"


@needs_compiler
@pytest.mark.parametrize("timing", ["gvsoc", "rtl"])
def test_workers_dma_and_ita_do_what_the_program_says(timing: str, tmp_path: Path):
    sim = Simulator(find_machine("snitch-ita", timing))
    sim.load(built(tmp_path))
    assert sim.run(max_cycles=5_000_000) is Outcome.EXITED
    assert sim.exit_code == 3
    total, last = 1023 * 1024 // 2, sum(range(896, 1024))
    assert sim.printed == f"{total}\n0 wrong, 4, {last // 2}\n"
    assert all(sim.region_cycles(core, 3) > 128 for core in range(8))
    engines = sim.engines()
    assert (engines.jobs, engines.moved_bytes) == (1, 4096 + 64)
    assert engines.job_cycles == 303
    # 64 bytes a cycle; the emulator pays for bursts, a line is no shorter than a beat
    assert 64 + 4 <= engines.moving_cycles <= 64 + 4 + 16


@needs_compiler
def test_the_profile_adds_up_and_names_functions(tmp_path: Path):
    sim = Simulator(find_machine("snitch-ita", "rtl"))
    sim.load(built(tmp_path))
    functions = map_functions(sim.image, sim.machine)
    sim.start_profile(functions)
    assert sim.run(max_cycles=5_000_000) is Outcome.EXITED
    lines = read_profile(sim, functions)
    assert {line.function for line in lines} >= {"main", "sum_of", "tw_worker", "work"}
    assert all(line.compute >= 0 for line in lines)
    for core in range(9):
        own = [line for line in lines if line.core == core]
        counters = sim.counters(core)
        assert sum(line.cycles for line in own) == counters.cycles - 1  # they start in cycle 1
        assert sum(line.instructions for line in own) == counters.instructions
        assert counters.instructions <= counters.cycles
    sleeping = next(line for line in lines if line.function == "tw_worker")
    assert sleeping.lost[LOSSES.index("asleep")] > 0
    assert "sum_of" in profile_table(lines)


@needs_compiler
def test_the_command_writes_tracks_of_cores_dma_and_ita(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    timeline = tmp_path / "out.json"
    command = ["sim", str(built(tmp_path)), "--machine", "snitch-ita", "--timeline", str(timeline)]
    assert main(command) == 3
    assert capsys.readouterr().out.endswith("0 wrong, 4, 61408\n")
    events = json.loads(timeline.read_text())["traceEvents"]
    tracks = {e["args"]["name"]: e["tid"] for e in events if e["ph"] == "M"}
    names = {(e["tid"], e["name"]) for e in events if e["ph"] == "X"}
    assert (tracks["DMA to L1"], "4096 bytes") in names
    assert (tracks["DMA from L1"], "64 bytes") in names
    assert any(tid == tracks["ITA"] for tid, _ in names)
    assert {(tracks[f"core {i}"], "region 3") for i in range(8)} <= names


@needs_compiler
def test_a_program_of_several_files_is_built_for_the_machine_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = tmp_path / "hello.c"
    source.write_text(
        '#include "tw_sim.h"\nint main(void) { printf("%d\\n", tw_core()); return 0; }'
    )
    assert main(["sim", str(source), "--machine", "snitch", "--timing", "gvsoc"]) == 0
    assert capsys.readouterr().out == "8\n"


def test_a_machine_without_a_runtime_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    source = tmp_path / "hello.c"
    source.write_text("int main(void) { return 0; }")
    assert main(["sim", str(source), "--machine", "rv32imac"]) != 0
    assert "no runtime ships for it" in capsys.readouterr().err


@needs_compiler
def test_a_stack_that_overflows_on_a_worker_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = tmp_path / "deep.c"
    source.write_text(
        '#include "tw_sim.h"\n'
        "__attribute__((noinline)) static int deep(int n) { volatile int room[32];\n"
        "  for (int i = 0; i < 32; i++) { room[i] = n; }\n"
        "  return n == 0 ? 0 : deep(n - 1) + room[0]; }\n"
        "static void work(int core, void *argument) { *(int *)argument = deep(100 + core); }\n"
        "int main(void) { int sum; tw_run_on_cluster(1, work, &sum); return 0; }\n"
    )
    assert main(["sim", str(source), "--machine", "snitch"]) == 2
    assert "stack overflow" in capsys.readouterr().err


@needs_compiler
@pytest.mark.parametrize("machine", ["siracusa", "snitch"])
def test_constants_count_as_written_and_stack_rubbish_does_not(
    machine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = tmp_path / "constants.c"
    source.write_text(
        '#include "tw_sim.h"\n'
        "static const int table[] = {3, 1, 4, 1};\n"
        "TW_L1 static volatile int nobody_writes;\n"
        'int main(void) { volatile int i = 2; printf("%d\\n", table[i]); return nobody_writes; }\n'
    )
    command = ["sim", str(source), "--machine", machine, "--check", "uninitialised"]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert printed.out == "4\n"
    assert "main" in printed.err.splitlines()[0]
    assert "that nothing has written" in printed.err
