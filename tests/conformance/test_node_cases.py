"""The ONNX package's node cases: the stored table, and how results are compared."""

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest

from tilewright.conformance.cases import NodeCase
from tilewright.conformance.outcome import Result, difference
from tilewright.conformance.report import ConformanceReport
from tilewright.conformance.run import KINDS, run_cases
from tilewright.conformance.table import BOARD, PAGE_HEAD, Key, page_text, read_page
from tilewright.ir.types import Array
from tilewright.pipeline import load_target
from tilewright.targets.host.target import HOST

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "onnx-operators.md"
SAMPLE = 60


@pytest.fixture(scope="module")
def table() -> Mapping[Key, str]:
    """Kind and name → result on the host, as the page has it."""
    return read_page(PAGE.read_text(encoding="utf-8"))


def test_the_page_has_no_wrong_case(table: Mapping[Key, str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(PAGE_HEAD)
    assert [key for key, result in table.items() if result == "wrong"] == []
    rows = re.findall(r"^\| (\S+) \| (float|int8) \| .* \| (\d+) \|$", text, re.MULTILINE)
    pairs = {(target, kind) for target, kind, _ in rows}
    assert pairs == {(target, kind) for target in ("host", BOARD) for kind in KINDS}
    assert {wrong for _, _, wrong in rows} == {"0"}


@pytest.mark.parametrize("kind", KINDS)
def test_nine_in_ten_pass(table: Mapping[Key, str], kind: str) -> None:
    results = [result for (of, _), result in table.items() if of == kind]
    assert results.count("passed") >= 0.9 * len(results) > 500


def differing(table: Mapping[Key, str], kind: str, target: str, count: int) -> dict[str, object]:
    """Cases, of a sample of those that the page knows, that end otherwise than it says."""
    known = sorted(name for of, name in table if of == kind)
    names = set(random.Random(28).sample(known, count))
    outcomes = run_cases(load_target(target), lambda name: name in names, (kind,))
    assert {outcome.name for outcome in outcomes} == names
    return {
        o.name: (table[kind, o.name], o.result.value, o.reason)
        for o in outcomes
        if table[kind, o.name] != o.result.value
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_the_cases_is_as_the_page_says(table: Mapping[Key, str], kind: str) -> None:
    found = differing(table, kind, "host", SAMPLE)
    assert found == {}, f"run: python -m tilewright.conformance.table {PAGE.name}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_few_cases_on_an_emulated_board(table: Mapping[Key, str], kind: str) -> None:
    """Those that the page lists as ending otherwise there are not among them."""
    assert differing(table, kind, BOARD, 10) == {}


def test_the_machine_form_has_the_fields_that_scripts_rely_on() -> None:
    report = ConformanceReport(
        "host", run_cases(HOST, lambda name: name == "test_relu", ("float",))
    )
    assert json.loads(json.dumps(report.json())) == {
        "total": 1,
        "passed": 1,
        "refused": 0,
        "wrong": 0,
        "cases": [
            {
                "name": "test_relu",
                "kind": "float",
                "target": "host",
                "result": "passed",
                "reason": "",
            }
        ],
    }


def test_what_a_page_says_is_read_back() -> None:
    outcomes = run_cases(HOST, lambda name: name in ("test_relu", "test_nonzero_example"))
    assert read_page(page_text(outcomes, ())) == {
        ("float", "test_nonzero_example"): "refused",
        ("float", "test_relu"): "passed",
        ("int8", "test_relu"): "passed",
    }


def case(expected: Array) -> NodeCase:
    return NodeCase("made", onnx.ModelProto(), (), (expected,), 1e-3, 1e-7)


def test_a_wrong_number_is_found_and_said() -> None:
    expected = np.float32([1, 2, 3])
    assert difference(case(expected), 0, np.float32([1, 2, 3])) == ""
    text = difference(case(expected), 0, np.float32([1, 2.5, 3]))
    assert text == "output 0: 1 of 3 elements differ, at [1] 2.5 instead of 2.0"
    assert "shape [1, 3], not [3]" in difference(case(expected), 0, expected[None])
    assert difference(case(np.array([True])), 0, np.int32([0])) != ""


def test_results_are_passed_refused_or_wrong() -> None:
    assert [result.value for result in Result] == ["passed", "refused", "wrong"]
