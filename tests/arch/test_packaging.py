"""The wheel carries the C that generated programs are made of."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def c_files(package: Path) -> list[str]:
    files = [p for suffix in ("*.c", "*.h") for p in package.rglob(suffix)]
    return sorted(p.relative_to(package).as_posix() for p in files)


def run(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(out)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out / done.stdout.splitlines()[-1]


def test_the_wheel_has_every_c_file_and_no_test(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    packed = [n.removeprefix("tilewright/") for n in names if n.endswith((".c", ".h"))]
    assert sorted(packed) == c_files(ROOT / "src/tilewright")
    assert [n for n in names if n.startswith("tests")] == []


@pytest.mark.slow
def test_an_installed_wheel_finds_its_c_files(wheel: Path, tmp_path: Path):
    run(sys.executable, "-m", "venv", tmp_path / "fresh")
    python = tmp_path / "fresh/bin/python"
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", wheel)
    where = run(python, "-I", "-c", "import tilewright; print(tilewright.__path__[0])").strip()
    assert Path(where).is_relative_to(tmp_path)
    assert c_files(Path(where)) == c_files(ROOT / "src/tilewright")
