"""A target from outside brings what runs its programs; one that is broken is named, and no more."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from digits import MODEL, some_digits
from tilewright.api import list_targets
from tilewright.errors import CompileError, ToolError
from tilewright.ir.target import Target
from tilewright.pipeline import Options, compile_model, load_target
from tilewright.run.host import HostOptions
from tilewright.run.inputs import match_inputs
from tilewright.run.runners import run_bundle


def test_programs_run_with_the_runner_that_the_target_brings(gadget: Target) -> None:
    made = compile_model(MODEL, gadget, Options(memory={"L1": 8192}))
    assert "tw_parallel(" in made.bundle.files[f"{made.program.name}.c"]
    batch = match_inputs(made.graph, {made.graph.inputs[0]: some_digits(2)})
    toolchain = made.target.toolchain
    result = run_bundle(made.bundle, made.program, toolchain, batch, HostOptions())
    assert result.log.endswith("gadget: 2 inferences\n")
    assert result.runs_identical
    without = replace(toolchain, run=None)
    with pytest.raises(ToolError, match="no runner for programs of kind gadget"):
        run_bundle(made.bundle, made.program, without, batch, HostOptions())


def install(folder: Path, module: str, text: str) -> None:
    """A package ``broken-chips`` whose target ``broken`` is ``module``."""
    info = folder / "broken_chips-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: broken-chips\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tilewright.targets]\nbroken = {module}:CHIP\n")
    (folder / f"{module}.py").write_text(text)


@pytest.mark.parametrize(
    ("module", "text", "reason"),
    [
        ("chip_that_raises", "import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("chip_that_lacks", "CHOP = 1", "AttributeError"),
        ("chip_that_is_none", "CHIP = 'chip'", "which is a str, no tilewright Target"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_named_and_takes_nothing_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, text: str, reason: str
) -> None:
    install(tmp_path, module, text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CompileError, match=reason) as refusal:
        load_target("broken")
    assert "package broken-chips" in str(refusal.value)
    listed = list_targets()
    assert "host" in [target.name for target in listed.targets]
    assert [reason in said for said in listed.broken] == [True]
    console = Console(record=True, width=1000, file=StringIO())
    listed.show(console)
    assert reason in console.export_text()
