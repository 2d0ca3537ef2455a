"""The out-of-tree target as an installation leaves it behind."""

import tomllib
from pathlib import Path

import pytest

from tilewright.ir.target import Target
from tilewright.pipeline import load_target, target_names

PACKAGE = Path(__file__).parent / "package"


@pytest.fixture
def gadget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The package on the path, and its metadata."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    info = tmp_path / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    points = project["entry-points"]["tilewright.targets"]
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[tilewright.targets]", *lines]))
    monkeypatch.syspath_prepend(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    assert "gadget" in target_names()
    return load_target("gadget")
