"""The firmware folder builds with one command, runs, and takes what the plan says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bare_metal import RUN_ON, needs_board
from digits import MODEL
from tilewright import api
from tilewright.errors import OptionError
from tilewright.targets.cortex_m.boards import BOARDS
from tilewright.targets.cortex_m.print_link_script import print_link_script


def call(*command: str, folder: Path) -> str:
    done = subprocess.run([*command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr, done.stderr
    return done.stdout


def sections(size_report: str) -> dict[str, int]:
    rows = re.findall(r"^(\.\w+) +(\d+) +\d+$", size_report, re.MULTILINE)
    return {name: int(size) for name, size in rows}


def planned(target: str) -> tuple[int, int]:
    """Bytes of the arena and of constants that check reports."""
    by_name = {memory.name: memory.used for memory in api.check_model(MODEL, target).memories}
    return next(used for name, used in by_name.items() if name != "flash"), by_name["flash"]


@needs_board
@pytest.mark.parametrize("target", RUN_ON)
def test_make_builds_runs_and_reports_the_sizes_that_check_reports(
    target: str, tmp_path: Path
) -> None:
    api.compile_to(MODEL, tmp_path / "fw", target, is_project=True)
    found = sections(call("make", folder=tmp_path / "fw"))
    assert (found[".tw_arena"], found[".tw_constants"]) == planned(target)
    assert found[".data"] == found[".bss"] == 0
    call("make", "run", folder=tmp_path / "fw")


@needs_board
def test_cmake_builds_the_same_program(tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("no cmake: apt-get install cmake")
    api.compile_to(MODEL, tmp_path / "fw", "cortex-m4", is_project=True)
    call("make", folder=tmp_path / "fw")
    call("cmake", "--workflow", "--preset", "firmware", folder=tmp_path / "fw")
    by_make, by_cmake = (
        sections(call("arm-none-eabi-size", "-A", program, folder=tmp_path / "fw"))
        for program in ("build/digits_int8.elf", "build/cmake/digits_int8.elf")
    )
    assert by_cmake == by_make


@needs_board
def test_a_failed_inference_is_the_exit_code_of_the_emulator(tmp_path: Path) -> None:
    api.compile_to(MODEL, tmp_path / "fw", "cortex-m4", is_project=True)
    main = tmp_path / "fw/main.c"
    main.write_text(main.read_text().replace("_run(arena,", "_run(arena + 1,"))
    done = subprocess.run(["make", "run"], cwd=tmp_path / "fw", capture_output=True, check=False)
    assert done.returncode != 0


def test_a_target_without_a_board_has_no_firmware(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cortex-m4") as caught:
        api.compile_to(MODEL, tmp_path / "fw", "host", is_project=True)
    assert "-o FOLDER" in str(caught.value)
    assert not (tmp_path / "fw").exists()


def test_a_library_has_no_startup_code(tmp_path: Path) -> None:
    api.compile_to(MODEL, tmp_path / "library", "cortex-m4")
    names = {path.name for path in (tmp_path / "library").rglob("*")}
    assert "digits_int8.c" in names
    assert names.isdisjoint({"main.c", "startup.c", "board.ld", "Makefile", "CMakeLists.txt"})


def test_the_linker_may_fill_no_more_than_the_plan_may() -> None:
    script = print_link_script(BOARDS["cortex-m4"], "x", "ram", {"ram": 4096}, 512)
    assert re.search(r"ram : ORIGIN = 0x20000000, LENGTH = 4096$", script, re.MULTILINE)
    assert re.search(r"flash : ORIGIN = 0x00000000, LENGTH = 4194304$", script, re.MULTILINE)
    assert "stack_top" in script
    assert "> ram AT> flash" in script.replace("AT >", "AT>")


def test_the_arena_is_linked_into_the_ram_that_the_plan_names(tmp_path: Path) -> None:
    options = api.Options(memory={"sram": 65536})
    api.compile_to(MODEL, tmp_path / "fw", "cortex-m55", options, is_project=True)
    script = (tmp_path / "fw/board/board.ld").read_text()
    assert re.search(r"\.tw_arena .*> sram$", script, re.MULTILINE)
    assert re.search(r"sram : ORIGIN = 0x21000000, LENGTH = 65536$", script, re.MULTILINE)
