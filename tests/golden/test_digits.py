"""Every artefact of one whole compilation, as text that a reviewer reads.

``--snapshot-update`` (or ``just golden``) writes the files anew; their diff is part of the review.
"""

import subprocess
from pathlib import Path

import pytest

from tilewright.ir.dump import dump_graph, dump_plan, dump_program
from tilewright.pipeline import Compilation, Options, compile_model, load_target

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "digits"
MODEL = ROOT / "examples/digits/digits_int8.onnx"


@pytest.fixture(scope="module")
def compiled() -> Compilation:
    return compile_model(MODEL, load_target("host"), Options(name="digits"))


@pytest.mark.parametrize(
    "name", ["source.txt", "graph.txt", "plan.txt", "program.txt", "digits.h", "digits.c"]
)
def test_artefact_is_as_reviewed(name: str, compiled: Compilation, pytestconfig: pytest.Config):
    texts = {
        "source.txt": dump_graph(compiled.source),
        "graph.txt": dump_graph(compiled.graph),
        "plan.txt": dump_plan(compiled.plan),
        "program.txt": dump_program(compiled.program),
    }
    text = texts[name] if name in texts else compiled.bundle.files[name]
    if pytestconfig.getoption("update_snapshots"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(text)
    assert text == (GOLDEN / name).read_text(), "changed on purpose? run with --snapshot-update"


def test_a_second_compilation_gives_the_same_bytes(compiled: Compilation):
    again = compile_model(MODEL, load_target("host"), Options(name="digits"))
    assert dict(again.bundle.files) == dict(compiled.bundle.files)
    assert again.bundle.digest() == compiled.bundle.digest()


@pytest.mark.parametrize("dialect", ["c11", "c17", "gnu11"])
def test_the_golden_c_compiles_without_a_warning(
    dialect: str, compiled: Compilation, tmp_path: Path
):
    compiled.bundle.write_to(tmp_path / "digits")
    strict = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"]
    for name in ("digits.c", "digits.h"):
        (tmp_path / "digits" / name).write_text((GOLDEN / name).read_text())
    for source in compiled.bundle.sources:
        done = subprocess.run(
            ["gcc", f"-std={dialect}", "-O2", *strict, "-c", source, "-o", "object.o"],
            cwd=tmp_path / "digits", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_the_header_is_valid_cpp(tmp_path: Path):
    (tmp_path / "digits.h").write_text((GOLDEN / "digits.h").read_text())
    (tmp_path / "user.cpp").write_text('#include "digits.h"\n')
    done = subprocess.run(
        ["gcc", "-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
         "user.cpp"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "cc1plus" in done.stderr:
        pytest.skip("this gcc has no C++ front end: apt-get install g++")
    assert done.returncode == 0, done.stderr
