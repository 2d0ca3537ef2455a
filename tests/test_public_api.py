"""The names that users import, and what they cost."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tilewright
from digits import MODEL, some_digits
from tilewright.cli.parser import COMMANDS

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"


def test_every_public_name_is_there() -> None:
    for name in tilewright.__all__:
        assert getattr(tilewright, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        tilewright.nonsense  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, tilewright; print('numpy' in sys.modules, 'rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_page_lists_the_function_of_every_command_with_its_parameters() -> None:
    rows = dict(re.findall(r"^\| `tilewright (\w+)` \| `([^`]+)`", PAGE.read_text(), re.MULTILINE))
    assert rows.keys() == {command.name for command in COMMANDS}
    for shown in rows.values():
        name, _, rest = shown.partition("(")
        listed = [p.partition("=")[0].strip() for p in rest.removesuffix(")").split(",") if p]
        parameters = list(inspect.signature(getattr(tilewright, name)).parameters)
        assert listed == parameters


def test_a_report_has_data_json_and_text() -> None:
    report = tilewright.check_model(MODEL)
    assert report.json()["memory"]["ram"]["used"] == report.memories[0].used


def test_a_mistake_is_an_exception_with_the_exit_code_of_the_command() -> None:
    with pytest.raises(tilewright.TilewrightError, match="no such file") as caught:
        tilewright.inspect_model("missing.onnx")
    assert caught.value.exit_code == 2


def test_run_model_takes_arrays_by_order() -> None:
    images = some_digits(2)
    try:
        by_order = tilewright.run_model(MODEL, inputs={"x": images}).outputs["probabilities"]
    except tilewright.TilewrightError as error:
        if error.exit_code == 3:
            pytest.skip(str(error))
        raise
    assert by_order.shape == (2, 1, 10)
    assert by_order.dtype == np.int8


def test_simulating_what_is_no_program_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.elf"
    path.write_text("no ELF file")
    with pytest.raises(tilewright.TilewrightError, match=r"notes\.elf"):
        tilewright.simulate(path)
