"""The size ratchet: files and functions stay short. There is no list of exceptions."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50

PYTHON = sorted(
    path
    for folder in ("src", "tests", "examples", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.py")
)
C = sorted(path for suffix in ("*.c", "*.h") for path in (ROOT / "src").rglob(suffix))


def c_functions(text: str) -> list[tuple[str, int]]:
    """Name and number of lines of every function, given clang-format's LLVM layout.

    A function starts in the first column and its closing brace stands there alone.
    """
    found: list[tuple[str, int]] = []
    start, name = 0, ""
    for number, line in enumerate(text.splitlines()):
        head = re.match(r"(?!typedef|enum|struct|#)\w[\w *]*?\b(\w+)\(", line)
        if head and not line.rstrip().endswith(";"):
            start, name = number, head[1]
        elif line == "}" and name:
            found.append((name, number - start + 1))
            name = ""
    return found


def python_functions(text: str) -> list[tuple[str, int]]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, functions)
    ]


def test_the_c_scanner_finds_functions_and_their_lengths():
    text = (
        "typedef struct {\n  int x;\n} pair;\n\n"
        "static inline int one(int a,\n               int b) {\n  return a + b;\n}\n\n"
        "void declared(int a);\n\nvoid two(void) {\n  for (;;) {\n  }\n}\n"
    )
    assert c_functions(text) == [("one", 4), ("two", 4)]


def test_no_file_is_longer_than_400_lines():
    lengths = {p.relative_to(ROOT): len(p.read_text().splitlines()) for p in [*PYTHON, *C]}
    assert {p: n for p, n in lengths.items() if n > MOST_LINES_OF_A_FILE} == {}


@pytest.mark.parametrize(
    ("paths", "functions"), [(PYTHON, python_functions), (C, c_functions)], ids=["python", "c"]
)
def test_no_function_is_longer_than_50_lines(paths, functions):
    too_long = [
        f"{path.relative_to(ROOT)}: {name} has {lines} lines"
        for path in paths
        for name, lines in functions(path.read_text())
        if lines > MOST_LINES_OF_A_FUNCTION
    ]
    assert too_long == []


def code_lines(text: str) -> int:
    """Lines that are neither blank, nor docstrings or comments."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documented |= {*range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    lines = enumerate(text.splitlines(), 1)
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") and number not in documented
        for number, line in lines
    )


def test_the_judge_can_be_read_at_one_sitting():
    paths = sorted((ROOT / "src/tilewright/check").rglob("*.py"))
    assert len(paths) > 3
    assert sum(code_lines(path.read_text()) for path in paths) < 500


def test_no_module_is_a_drawer_for_odds_and_ends():
    names = {p.stem for p in [*PYTHON, *C]}
    assert names.isdisjoint({"util", "utils", "helper", "helpers", "misc", "manager", "common"})
