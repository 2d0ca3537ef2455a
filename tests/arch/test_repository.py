"""What lies in the repository: nothing generated, nothing large, nothing of one machine."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests", "docs", "examples", "benchmarks", "scripts", ".ci")
CACHES = {"__pycache__", ".hypothesis", ".ruff_cache", ".pytest_cache", "tilewright.egg-info"}
MOST_BYTES = 5_000_000

MACHINE_PATH = re.compile(r"(?<![\w.~$}/*-])/(home|root|work|opt|mnt|srv|Users|media)/\w")
PACKAGE_INDEX = re.compile(r"--(extra-)?index-url|--find-links|PIP_(EXTRA_)?INDEX|trusted-host")
WRITTEN_C = (
    "src/tilewright/runtime", "src/tilewright/targets", "src/tilewright/run",
    "docs", "examples", "tests",
)  # fmt: skip


def repository_files() -> list[Path]:
    known = {".setup.log", ".git"}  # a worktree's .git is a file
    files = [p for p in ROOT.iterdir() if p.is_file() and p.name not in known]
    for folder in FOLDERS:
        for where, folders, names in os.walk(ROOT / folder):
            folders[:] = [f for f in folders if f not in CACHES]
            files += [Path(where, name) for name in names]
    return sorted(p for p in files if p.suffix != ".pyc")


def texts() -> dict[str, str]:
    """Path → content of every text file but this one, which must name what it forbids."""
    found: dict[str, str] = {}
    for path in repository_files():
        content = path.read_bytes()
        if b"\0" not in content and path != Path(__file__):
            found[path.relative_to(ROOT).as_posix()] = content.decode()
    return found


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts().items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_file_is_large():
    sizes = {p.relative_to(ROOT): p.stat().st_size for p in repository_files()}
    assert {p: n for p, n in sizes.items() if n > MOST_BYTES} == {}


def test_no_file_names_a_path_of_one_machine():
    assert lines_with(MACHINE_PATH) == []


def test_no_file_chooses_a_package_index():
    assert lines_with(PACKAGE_INDEX) == []


def test_the_product_knows_no_folder_beside_the_repository():
    readers = lines_with(re.compile(r"\.\./shared|shared/models"))
    assert [
        r
        for r in readers
        if not r.startswith(("tests/", "benchmarks/", "docs/", "CONTRIBUTING.md"))
    ] == []


def test_c_is_only_where_people_write_it_or_goldens_show_it():
    c = [p.relative_to(ROOT).as_posix() for p in repository_files() if p.suffix in (".c", ".h")]
    assert [p for p in c if not p.startswith(WRITTEN_C)] == []


def test_promises_for_later_carry_an_issue_number():
    unkept = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
    assert [line for line in lines_with(unkept) if line.startswith("src/")] == []


def test_text_is_clean():
    ugly = {
        path: "blank at the end of a line"
        for path, text in texts().items()
        if re.search(r"[ \t]+$", text, re.MULTILINE) and "golden" not in path
    }
    ugly |= {p: "no newline at the end" for p, t in texts().items() if t and t[-1] != "\n"}
    assert ugly == {}
