"""The command: exit codes, profile, timeline, trace; and programs with the runtime that ships."""

import json
import shutil
from pathlib import Path

import pytest

from run.sim.programs import encode_i, exit_with
from run.sim.test_qemu import elf_file
from tilewright.cli import main

ROOT = Path(__file__).parents[3]
HELLO = ROOT / "examples/hello_cluster/hello.c"
COMPILER = "riscv64-unknown-elf-gcc"

needs_compiler = pytest.mark.skipif(
    shutil.which(COMPILER) is None,
    reason=f"{COMPILER} is not there: apt-get install gcc-riscv64-unknown-elf",
)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Adds one to a register and exits with code 1."""
    words = [encode_i("addi", 5, 5, 1), *exit_with(1)]
    path = tmp_path / "program.elf"
    path.write_bytes(elf_file(b"".join(w.to_bytes(4, "little") for w in words), b""))
    return path


def test_the_exit_code_is_the_programs(program: Path):
    assert main(["sim", str(program), "--machine", "rv32imac"]) == 1


def test_json_has_counters(program: Path, capsys: pytest.CaptureFixture[str]):
    main(["sim", str(program), "--machine", "rv32imac", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["outcome"] == "exited"
    assert said["cores"][0]["instructions"] == 7


def test_a_trace_has_a_line_per_instruction(program: Path, tmp_path: Path):
    trace = tmp_path / "trace.txt"
    main(["sim", str(program), "--machine", "rv32imac", "--trace-to", str(trace)])
    lines = trace.read_text().splitlines()
    assert len(lines) == 7
    assert lines[0].split()[2:5] == ["0", "80000000", "addi"]


def test_a_trace_goes_to_stderr(program: Path, capfd: pytest.CaptureFixture[str]):
    main(["sim", "--trace", str(program), "--machine", "rv32imac"])
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 7
    assert program.read_bytes().startswith(b"\x7fELF")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.elf"], "nothing.elf: cannot be read"),
        ([str(HELLO.with_name("README.md")), "x.elf"], "give one ELF file"),
        ([str(ROOT / "pyproject.toml")], "not an ELF file"),
    ],
)
def test_wrong_programs_are_refused_in_words(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["sim", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_an_unknown_machine_names_the_known_ones(program: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["sim", str(program), "--machine", "gap9"]) == 2
    assert (
        "there is siracusa, snitch, snitch-ita, snitch-ita-shift5, rv32imac, rv32imfc"
        in " ".join(capsys.readouterr().err.split())
    )


@needs_compiler
def test_ten_lines_of_c_greet_from_eight_cores(capsys: pytest.CaptureFixture[str]):
    assert len(HELLO.read_text().splitlines()) == 10
    assert main(["sim", str(HELLO)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sorted(said) == [f"hello world, this is core {core}" for core in range(8)]


@needs_compiler
def test_profile_and_timeline_show_where_cycles_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = tmp_path / "copy.c"
    source.write_text(COPY)
    timeline = tmp_path / "out.json"
    assert main(["sim", str(source), "--profile", "--timeline", str(timeline)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "4096 bytes right\n"
    table = captured.err.splitlines()
    assert table[0].split()[:5] == ["core", "function", "instr", "cycles", "compute"]
    assert any(line.split()[1] == "work" for line in table[1:])
    events = json.loads(timeline.read_text())["traceEvents"]
    names = {event["name"] for event in events}
    assert {"4096 bytes", "region 5", "asleep: dma", "asleep: barrier"} <= names
    assert all(event["dur"] > 0 for event in events if event["ph"] == "X")


COPY = r"""
#include "tw_sim.h"
static uint8_t far[4096], back[4096];
TW_L1 uint8_t near[4096];
static void work(int core, void *argument) {
  if (core == 0) {
    TW_REGION_BEGIN(5);
    tw_dma_wait(tw_dma_to_l1(near, far, sizeof near));
    tw_dma_wait(tw_dma_from_l1_2d(back, near, sizeof near, 64, 64));
    TW_REGION_END(5);
  }
  tw_barrier();
}
int main(void) {
  int right = 0;
  for (int i = 0; i < 4096; i++) far[i] = (uint8_t)(i * 7);
  tw_run_on_cluster(4, work, 0);
  for (int i = 0; i < 4096; i++) right += back[i] == (uint8_t)(i * 7);
  printf("%d bytes right\n", right);
  return 0;
}
"""
