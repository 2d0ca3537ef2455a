"""The C core, generated part included, compiles without a warning."""

import shutil
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tilewright.run.sim.build_core import CORE_FOLDER, build_core
from tilewright.run.sim.generate import generate_header

STRICT = ("-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wvla", "-Werror",
          "-Wstrict-prototypes", "-fsyntax-only")  # fmt: skip


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_the_core_compiles_without_a_warning(tmp_path: Path):
    (tmp_path / "generated.h").write_text(generate_header())
    for source in sorted(CORE_FOLDER.glob("*.c")):
        command = ["gcc", *STRICT, f"-I{tmp_path}", f"-I{CORE_FOLDER}", str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_core_is_compiled_once():
    library = build_core()
    before = library.stat().st_mtime_ns
    build_core.cache_clear()
    assert build_core() == library
    assert library.stat().st_mtime_ns == before


def uses_of(objects: list[Path]) -> dict[str, set[str]]:
    """Which file calls which, by the symbols of the object files."""
    home: dict[str, str] = {}
    wants: dict[str, set[str]] = {}
    for path in objects:
        listed = subprocess.run(["nm", str(path)], capture_output=True, text=True, check=True)
        symbols = [line.split()[-2:] for line in listed.stdout.splitlines()]
        home |= {name: path.stem for kind, name in symbols if kind in "TDBR"}
        wants[path.stem] = {name for kind, name in symbols if kind == "U"}
    return {file: {home[n] for n in names if n in home} for file, names in wants.items()}


@pytest.mark.skipif(
    shutil.which("gcc") is None or shutil.which("nm") is None, reason="gcc or nm is not installed"
)
def test_files_of_the_core_call_each_other_in_one_direction(tmp_path: Path):
    (tmp_path / "generated.h").write_text(generate_header())
    objects = [tmp_path / f"{source.stem}.o" for source in sorted(CORE_FOLDER.glob("*.c"))]
    for path in objects:
        source = CORE_FOLDER / f"{path.stem}.c"
        command = ["gcc", "-std=gnu11", "-O0", "-w", f"-I{tmp_path}", f"-I{CORE_FOLDER}", "-c",
                   str(source), "-o", str(path)]  # fmt: skip
        subprocess.run(command, check=True)
    uses = uses_of(objects)
    assert uses["schedule"] == set()
    order = list(
        TopologicalSorter(uses).static_order()
    )  # raises CycleError where there is a circle
    assert order.index("schedule") < order.index("cpu") < order.index("api")
