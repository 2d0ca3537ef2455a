"""The commands that a newcomer types first say what is wrong."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ("try", "check", "scripts/setup", ".ci/run")
SETUP_NEEDS = ("sh", "dirname", "cat", "cksum", "tr", "id", "printf", "env", "tail", "grep")


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_executable_and_parse(script: str):
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["sh", "-n", ROOT / script], check=True)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with the scripts, and bin/ with the few tools that they need everywhere."""
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in SETUP_NEEDS:
        (bare / tool).symlink_to(str(shutil.which(tool)))
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/setup", tmp_path / "scripts/setup")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def add_tool(machine: Path, name: str, script: str) -> None:
    path = machine / "bin" / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def set_up(machine: Path) -> str:
    """What setup says where it cannot go on."""
    done = subprocess.run(
        [machine / "scripts/setup", "run"],
        env={"PATH": str(machine / "bin"), "HOME": str(machine)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    return done.stderr


def test_setup_names_what_a_bare_machine_lacks(machine: Path):
    said = set_up(machine)
    assert "lacks: python3 python3-venv gcc libc6-dev" in said
    assert "tried  nothing: there is no apt-get here" in said
    assert "too old" not in said
    assert "network" not in said
    assert not (machine / ".venv").exists()


def test_setup_says_that_a_python_is_too_old(machine: Path):
    refuses_then_says = 'case "$2" in *exit*) exit 1 ;; *print*) echo 3.9.2 ;; esac'
    add_tool(machine, "python3", refuses_then_says)
    said = set_up(machine)
    assert f"found  {machine}/bin/python3, which is Python 3.9.2: too old" in said


def test_setup_does_not_claim_to_have_tried_what_is_not_there(machine: Path):
    add_tool(machine, "apt-get", "exit 1")
    add_tool(machine, "apt-cache", "exit 1")
    add_tool(machine, "id", "echo 1000")
    said = set_up(machine)
    assert "tried  nothing: you are not root, and there is no sudo" in said
    assert "try    (as root) apt-get install python3" in said
    add_tool(machine, "sudo", "exit 1")
    said = set_up(machine)
    assert "tried  apt-get, through sudo" in said
    assert "try    sudo apt-get install python3" in said


def test_setup_asks_for_the_network_where_nobody_can_be_reached(machine: Path):
    add_tool(machine, "apt-get", "echo 'Temporary failure resolving mirror.example' >&2; exit 1")
    add_tool(machine, "apt-cache", "exit 1")
    add_tool(machine, "id", "echo 0")
    said = set_up(machine)
    assert "tried  apt-get, as root" in said
    assert "no network, or a proxy?" in said


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
