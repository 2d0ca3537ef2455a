"""Every C file of the product compiles without a warning and is formatted."""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tilewright.api import list_targets

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "src/tilewright/runtime"
PACKS = ROOT / "src/tilewright/targets/packs"
PORTABLE = PACKS / "portable/kernels"
"""Other packs may include its headers."""
STRICT = (
    "-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Wvla",
    "-Wundef", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Werror", "-fsyntax-only",
)  # fmt: skip

C_FILES = sorted(
    path
    for folder in (ROOT / "src", ROOT / "docs", ROOT / "examples")
    for suffix in ("*.c", "*.h")
    for path in folder.rglob(suffix)
)
SELF_CONTAINED = [p for p in C_FILES if RUNTIME in p.parents or PACKS in p.parents]
CROSS = {
    "helium": ("arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"),
    "xpulp": (
        "riscv64-unknown-elf-gcc", "-march=rv32imac_zicsr", "-mabi=ilp32", "-ffreestanding",
        f"-I{ROOT / 'src/tilewright/run/cluster/startup/libc'}",
    ),
}  # fmt: skip
"""Packs of kernels that only compilers for their processors take."""

COMMENT = re.compile(r"//.*")


def pack_of(path: Path) -> str | None:
    return path.relative_to(PACKS).parts[0] if PACKS in path.parents else None


def test_nothing_in_a_kernel_is_called_like_a_kernel():
    """Bundles put the network's name before every kernel's symbol that a bracket follows: a
    parameter of that name would call the kernel."""
    symbols = {
        kernel.symbol
        for target in list_targets().targets
        for engine in target.engines
        for kernel in engine.kernels
    }
    names = "|".join(sorted(symbols, key=len, reverse=True))
    called = re.compile(rf"\b({names})\s*\(")
    declared = re.compile(rf"^(?!\s*return\b)[\w ]*\w[ *]+({names})\s*\(", re.MULTILINE)
    found: list[str] = []
    for path in SELF_CONTAINED:
        text = COMMENT.sub("", path.read_text())
        lost = {*called.findall(text)} - {*declared.findall(text)}
        found += [f"{path.name}: {name}" for name in lost if PACKS in path.parents]
    assert found == []


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_kernels_and_runtime_compile_without_a_warning(compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    for path in SELF_CONTAINED:
        if pack_of(path) not in CROSS:
            assert_compiles((compiler,), path)


@pytest.mark.parametrize("pack", CROSS)
def test_kernels_for_other_processors_compile_without_a_warning(pack):
    command = CROSS[pack]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    for path in SELF_CONTAINED:
        if pack_of(path) == pack:
            assert_compiles(command, path)


def assert_compiles(command: tuple[str, ...], path: Path) -> None:
    # A header is compiled through a file that includes nothing else: it must stand alone.
    source = f'#include "{path.name}"\n' if path.suffix == ".h" else path.read_text()
    done = subprocess.run(
        [*command, *STRICT, *(f"-I{p}" for p in (RUNTIME, path.parent, PORTABLE)), "-x", "c", "-"],
        input=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{path.relative_to(ROOT)}\n{done.stderr}"


def test_c_is_formatted():
    command = shutil.which("clang-format", path=sysconfig.get_path("scripts"))
    assert command, "clang-format is not installed: run scripts/setup dev"
    done = subprocess.run(
        [command, "--dry-run", "-Werror", *map(str, C_FILES)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_c_has_no_heap_and_no_macros_but_constants():
    for path in SELF_CONTAINED:
        code = path.read_text()
        assert "malloc" not in code, path
        if path.name.endswith("_asm.h"):
            continue  # pieces of assembly: strings, and no way but macros to put them together
        macros = [line for line in code.splitlines() if line.startswith("#define") and "(" in line]
        assert [m for m in macros if "__attribute__" not in m] == [], path
