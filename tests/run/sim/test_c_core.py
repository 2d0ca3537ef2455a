"""The C core, generated part included, compiles without a warning."""

import shutil
import subprocess
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
