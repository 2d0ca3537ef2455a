"""The pages of the documentation, executed. ``--snapshot-update`` rewrites what they print."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from bare_metal import needs_board
from executable_page import Runner, run_page

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "page",
    ["README.md", "docs/tutorial.md", "docs/how-to/make-it-fit.md", "docs/how-to/add-a-target.md"],
)
def test_page_runs(page: str, tmp_path: Path, pytestconfig: pytest.Config):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    update = bool(pytestconfig.getoption("update_snapshots"))
    run_page(ROOT / page, Runner(tmp_path), update=update)


@pytest.mark.slow
def test_adding_an_operator_works_as_described(tmp_path: Path, pytestconfig: pytest.Config):
    for folder in ("src", "tests"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "arch")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    runner = Runner(tmp_path, environment={"PYTHONPATH": str(tmp_path / "src")})
    update = bool(pytestconfig.getoption("update_snapshots"))
    run_page(ROOT / "docs/how-to/add-an-operator.md", runner, update=update)


def test_architecture_shows_what_the_compiler_makes_today(pytestconfig: pytest.Config):
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = generate.PAGE.read_text()
    if pytestconfig.getoption("update_snapshots"):
        page = generate.regenerated(page)
        generate.PAGE.write_text(page)
    assert generate.regenerated(page) == page, "run .venv/bin/python docs/generate.py"


@needs_board
@pytest.mark.parametrize("page", ["docs/how-to/cortex-m.md", "docs/tutorial-language-model.md"])
def test_firmware_is_made_as_described(page: str, tmp_path: Path, pytestconfig: pytest.Config):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    update = bool(pytestconfig.getoption("update_snapshots"))
    run_page(ROOT / page, Runner(tmp_path), update=update)
