"""The commands that a newcomer types first say what is wrong."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ("try", "check", "scripts/setup", ".ci/run")
SETUP_NEEDS = ("sh", "dirname", "cat", "cksum", "tr", "id", "printf", "env", "tail")


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_executable_and_parse(script: str):
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["sh", "-n", ROOT / script], check=True)


def test_setup_names_what_a_bare_machine_lacks(tmp_path: Path):
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in SETUP_NEEDS:
        (bare / tool).symlink_to(str(shutil.which(tool)))
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/setup", tmp_path / "scripts/setup")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = subprocess.run(
        [tmp_path / "scripts/setup", "run"],
        env={"PATH": str(bare), "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "lacks: python3 python3-venv gcc libc6-dev" in done.stderr
    assert "sudo apt-get install" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_check_refuses_unknown_options():
    done = subprocess.run([ROOT / "check", "--fats"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--fast" in done.stderr


def test_ci_runs_the_check_command_and_nothing_else():
    commands = [
        line
        for line in (ROOT / ".ci/run").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert commands == ['exec "$(dirname "$0")/../check"']
