"""The ONNX package's node cases: the stored table, and how results are compared."""

import json
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest

from tilewright.conformance.cases import NodeCase
from tilewright.conformance.outcome import Result, difference
from tilewright.conformance.report import ConformanceReport
from tilewright.conformance.run import run_cases
from tilewright.conformance.table import PAGE_HEAD, page_text, read_page
from tilewright.ir.types import Array
from tilewright.targets.host.target import HOST

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "onnx-operators.md"
SAMPLE = 120


@pytest.fixture(scope="module")
def table() -> Mapping[str, str]:
    """Case → result, as the page has it."""
    return read_page(PAGE.read_text(encoding="utf-8"))


def test_the_page_has_no_wrong_case(table: Mapping[str, str]) -> None:
    assert PAGE.read_text(encoding="utf-8").startswith(PAGE_HEAD)
    assert [name for name, result in table.items() if result == "wrong"] == []
    passed = sum(result == "passed" for result in table.values())
    assert passed >= 0.9 * len(table)


def test_a_sample_of_the_cases_is_as_the_page_says(table: Mapping[str, str]) -> None:
    names = set(random.Random(28).sample(sorted(table), SAMPLE))
    report = ConformanceReport("host", run_cases(HOST, lambda name: name in names))
    differing = {
        o.name: (table[o.name], o.result.value, o.reason)
        for o in report.outcomes
        if table[o.name] != o.result.value
    }
    assert differing == {}, f"run: python -m tilewright.conformance.table {PAGE.name}"


def test_the_machine_form_has_the_fields_that_scripts_rely_on() -> None:
    report = ConformanceReport("host", run_cases(HOST, lambda name: name == "test_relu"))
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
    text = page_text(ConformanceReport("host", outcomes))
    assert read_page(text) == {"test_nonzero_example": "refused", "test_relu": "passed"}


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
