"""A bundle is files as data: written whole or not at all."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tilewright.backend.bundle import Bundle
from tilewright.errors import OptionError

BUNDLE = Bundle("net", {"net.h": "// h\n", "kernels/add.c": "// c\n"}, ("kernels/add.c",), {})


def written(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_all_files_are_written_into_a_new_folder(tmp_path: Path) -> None:
    BUNDLE.write_to(tmp_path / "deep" / "out")
    assert written(tmp_path / "deep" / "out") == dict(BUNDLE.files)


def test_writing_twice_replaces_files_and_keeps_strangers(tmp_path: Path) -> None:
    out = tmp_path / "out"
    BUNDLE.write_to(out)
    (out / "main.c").write_text("mine")
    replace(BUNDLE, files={"net.h": "// new\n"}).write_to(out)
    assert written(out) == {"net.h": "// new\n", "kernels/add.c": "// c\n", "main.c": "mine"}


def test_nothing_is_left_beside_the_folder(tmp_path: Path) -> None:
    BUNDLE.write_to(tmp_path / "out")
    BUNDLE.write_to(tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OptionError, match=r"cannot create the output folder: .*; choose a folder"):
        BUNDLE.write_to(tmp_path / "file" / "out")


def test_a_file_where_the_folder_should_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OptionError, match=r"out: cannot write the generated files"):
        BUNDLE.write_to(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "in the way"
    assert os.listdir(tmp_path) == ["out"]


def test_the_digest_tells_names_and_contents_apart() -> None:
    moved = replace(BUNDLE, files={"net.h": "// c\n", "kernels/add.c": "// h\n"})
    assert len({BUNDLE.digest(), moved.digest(), replace(BUNDLE, files={}).digest()}) == 3
    assert BUNDLE.digest() == replace(BUNDLE).digest()
