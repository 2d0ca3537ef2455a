"""Who may import whom: the layers of pyproject.toml, and what they cannot say."""

import ast
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/tilewright"


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_phases_only_look_down():
    command = shutil.which("lint-imports", path=sysconfig.get_path("scripts"))
    assert command, "import-linter is not installed: run scripts/setup dev"
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_target_imports_another():
    folders = [p for p in (PACKAGE / "targets").iterdir() if p.is_dir() and p.name != "packs"]
    for folder in folders:
        others = {f"tilewright.targets.{p.name}" for p in folders if p != folder}
        for path in folder.rglob("*.py"):
            found = {m for m in imported_modules(path) if m.startswith(tuple(others))}
            assert found == set(), path.relative_to(ROOT)


def test_the_judge_shares_nothing_with_what_it_judges():
    own = {"ir", "ops", "check"}
    for path in (PACKAGE / "check").rglob("*.py"):
        names = (m.split(".") for m in imported_modules(path))
        used = {name[1] for name in names if name[0] == "tilewright"}
        assert used <= own, path.relative_to(ROOT)


def test_the_solver_has_one_door():
    doors = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(m.startswith("ortools") for m in imported_modules(path))
    }
    assert doors <= {"midend/solve.py"}


def test_model_formats_stay_at_the_border():
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] in ("ir", "ops", "midend", "backend", "targets"):
            roots = {name.partition(".")[0] for name in imported_modules(path)}
            assert roots.isdisjoint({"onnx", "tflite", "flatbuffers"}), path.relative_to(ROOT)


def test_importing_the_package_loads_no_heavy_library():
    heavy = "{'numpy', 'onnx', 'tflite', 'ortools', 'rich', 'onnxruntime'}"
    code = f"import sys, tilewright; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
