"""What ``./try`` shows once everything is set up."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples/digits"


def test_try_compiles_runs_verifies_and_says_where_the_c_is(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, DIGITS / "try.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONUTF8": "1", "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    stored = json.loads((DIGITS / "accuracy.json").read_text())
    compiled = next(line for line in done.stdout.splitlines() if line.startswith("compiled, int8"))
    assert f" {stored['onnxruntime_int8_correct']} " in compiled
    assert "less out/digits/digits.c" in done.stdout
    assert (tmp_path / "out/digits/digits.c").is_file()
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert done.stderr == ""
