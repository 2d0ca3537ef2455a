"""The counting plugin counts what was executed, by layer, function and instruction."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bare_metal import needs_board
from tilewright.errors import ToolError
from tilewright.pipeline import load_target
from tilewright.run import elf
from tilewright.targets.cortex_m.board import EMULATOR, emulator_options
from tilewright.targets.cortex_m.boards import BOARDS
from tilewright.targets.cortex_m.print_link_script import print_link_script
from tilewright.targets.cortex_m.print_project import LINK_FLAGS, board_files
from tilewright.targets.cortex_m.qemu.counts import read_count, read_mnemonics, write_plan
from tilewright.targets.cortex_m.qemu.plugin import build_plugin

# Two layers: 1000 times two instructions, and 3 times three with one that is skipped. The loops
# run three times, but the second inference alone is counted; main and harness_... never count.
PROGRAM = """
void x_layer_00_first(void);
void x_layer_01_second(void);
void tw_x_run(void);
void harness_after(void);
void harness_inference(void);
void outside(void);

__attribute__((naked, noinline)) void x_layer_00_first(void) {
  __asm volatile("movw r0, #1000\\n1: subs r0, #1\\n bne 1b\\n bx lr");
}
__attribute__((naked, noinline)) void x_layer_01_second(void) {
  __asm volatile("movs r0, #3\\n1: subs r0, #1\\n it mi\\n addmi r1, #1\\n bne 1b\\n bx lr");
}
__attribute__((naked, noinline)) void tw_x_run(void) {
  __asm volatile("push {r4, lr}\\n bl x_layer_00_first\\n bl x_layer_01_second\\n pop {r4, pc}");
}
__attribute__((noinline)) void harness_after(void) { __asm volatile(""); }
__attribute__((noinline)) void outside(void) { __asm volatile("nop; nop; nop"); }
__attribute__((noinline)) void harness_inference(void) {
  tw_x_run();
  harness_after();
  __asm volatile("");
}
int main(void) {
  for (int i = 0; i < 3; ++i) {
    outside();
    harness_inference();
  }
  return 0;
}
"""


def call(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_board
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_a_known_loop_has_the_known_count(target: str, tmp_path: Path) -> None:
    toolchain = load_target(target).toolchain
    board = BOARDS[target]
    script = print_link_script(board, "x", board.data_in, {}, 512)
    texts = {**board_files(board), "board/board.ld": script}
    for name, text in {**texts, "main.c": PROGRAM}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    sources = ["main.c", *(name for name in texts if name.endswith(".c"))]
    call(
        toolchain.compiler, *toolchain.flags, *LINK_FLAGS, *sources, "-o", "x.elf", folder=tmp_path
    )
    symbols = elf.symbols(tmp_path / "x.elf")
    assert symbols is not None
    write_plan(tmp_path / "plan.bin", symbols, "tw_x_run", 1)
    plugin = build_plugin(EMULATOR)
    counting = f"{plugin},plan=plan.bin,out=count.bin"
    call(EMULATOR, "-plugin", counting, *emulator_options(board), "x.elf", folder=tmp_path)
    count = read_count(tmp_path / "count.bin", symbols, 2, {})
    # Calls, pushes and pops of tw_x_run count as well: one before, one between, one after.
    assert count.layers == (1 + 2 * 1000 + 1 + 1, 1 + 4 * 3 + 1 + 1)
    assert count.total == sum(count.layers) + 2
    assert count.functions[0] == {"x_layer_00_first": 2002, "tw_x_run": 1}


def test_a_disassembly_gives_each_address_its_instruction() -> None:
    text = "\nx.elf:     file format elf32-littlearm\n\n00000040 <f>:\n      40:\tpush\t{r4, lr}\n"
    text += "      42:\tvmladavax.s8\tr4, q1, q0\n      46:\tnop\n"
    assert read_mnemonics(text) == {0x40: "push", 0x42: "vmladavax.s8", 0x46: "nop"}


def test_clones_of_a_function_count_as_one_and_the_harness_not_at_all(tmp_path: Path) -> None:
    symbols = [
        elf.Symbol("harness_run", 8, True, False, 0x11),
        elf.Symbol("kernel", 8, True, False, 0x21),
        elf.Symbol("kernel.constprop.0", 8, True, False, 0x31),
    ]
    words = [1, 0x20, 2, 3, 0x10, 9, 0x22, 5, 0x30, 7]
    (tmp_path / "count.bin").write_bytes(np.array(words, np.uint64).tobytes())
    mnemonics = {0x20: "push", 0x22: "nop", 0x30: "nop"}
    count = read_count(tmp_path / "count.bin", symbols, 1, mnemonics)
    assert (count.total, count.layers) == (14, (12,))
    assert count.functions == ({"kernel": 12},)
    assert count.mixes == {"kernel": {"push": 2, "nop": 12}}


@needs_board
def test_the_plugin_is_built_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = build_plugin("qemu-system-arm")
    stamp = first.stat().st_mtime_ns
    assert build_plugin("qemu-system-arm") == first
    assert first.stat().st_mtime_ns == stamp
    assert [path.name for path in (tmp_path / "tilewright").iterdir()] == [first.name]


@needs_board
def test_plugins_for_newer_interfaces_build(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    libraries: set[Path] = set()
    for version in ("7.2.22", "9.2.0", "10.0.13"):
        emulator = tmp_path / f"qemu-{version}"
        emulator.write_text(f"#!/bin/sh\necho 'QEMU emulator version {version}'\n")
        emulator.chmod(0o755)
        libraries.add(build_plugin(str(emulator)))
    assert len(libraries) == 3
    assert all(path.is_file() for path in libraries)


def test_an_emulator_without_a_version_is_refused(tmp_path: Path) -> None:
    emulator = tmp_path / "qemu"
    emulator.write_text("#!/bin/sh\necho hello\n")
    emulator.chmod(0o755)
    with pytest.raises(ToolError, match="does not tell its version"):
        build_plugin(str(emulator))


def test_a_cache_that_cannot_be_made_is_among_the_temporary_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    emulator = tmp_path / "qemu"
    emulator.write_text("#!/bin/sh\necho 'QEMU emulator version 7.2.22'\n")
    emulator.chmod(0o755)
    monkeypatch.setenv("TILEWRIGHT_CACHE", str(emulator))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert build_plugin(str(emulator)).is_relative_to(tmp_path)


def test_a_kernel_named_after_layers_is_none(tmp_path: Path) -> None:
    """layer_norm_f32 in a network named x is x_layer_norm_f32."""
    names = ("tw_x_run", "harness_after", "x_layer_00_layer_norm", "x_layer_norm_f32")
    symbols = [elf.Symbol(name, 32, True, False, 0x101 + 0x40 * i) for i, name in enumerate(names)]
    write_plan(tmp_path / "plan.bin", symbols, "tw_x_run", 1)
    assert np.fromfile(tmp_path / "plan.bin", np.uint64).tolist()[5:] == [1, 0x180]
