"""`--runner gvsoc` with a program of that name on PATH that runs what it gets on our simulator."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from digits import MODEL
from siracusa_bench import needs_compiler
from tilewright import api
from tilewright.cli.main import main
from tilewright.errors import MismatchError, OptionError, ToolError
from tilewright.pipeline import load_target
from tilewright.targets.siracusa.gvsoc import with_runner

ON_GVSOC = with_runner(load_target("siracusa"), "gvsoc")

RUNS_IT = """
from tilewright.cli.main import main
print("something of the simulator's own")
sys.exit(main(["sim", options["--binary"], "--machine", "siracusa"]))
"""


def put_on_path(folder: Path, patch: pytest.MonkeyPatch, does: str) -> None:
    """A gvsoc that checks what it is asked and then does something."""
    program = folder / "gvsoc"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "if sys.argv[1:] == ['--version']: print('fake 1'); sys.exit()\n"
        "options = dict(word.split('=', 1) for word in sys.argv[1:] if '=' in word)\n"
        "assert options['--target'] == 'siracusa' and sys.argv[-3:] == ['image', 'flash', 'run']\n"
        "open(options['--work-dir'] + '/trace', 'w').close()\n"
        f"{does}\n"
    )
    program.chmod(0o755)
    patch.setenv("PATH", str(folder), prepend=":")


@needs_compiler
def test_the_same_program_says_what_the_simulator_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = api.run_model(MODEL, "siracusa")
    put_on_path(tmp_path, monkeypatch, RUNS_IT)
    assert main(["run", str(MODEL), "--target", "siracusa", "--runner", "gvsoc", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert ours.count_total is not None
    # What the program counts begins before the network is given its tensors.
    assert 0 < said["count"]["total"] - ours.count_total < 1000
    assert {layer["count"] for layer in said["count"]["layers"]} == {None}
    theirs = api.run_model(MODEL, ON_GVSOC)
    assert theirs.runs_identical
    for name, output in ours.outputs.items():
        assert np.array_equal(theirs.outputs[name], output)
    report = api.verify_model(MODEL, ON_GVSOC, inputs=2)
    assert report.holds
    assert main(["doctor", "--json"]) == 0
    tools = {tool["name"]: tool for tool in json.loads(capsys.readouterr().out)["tools"]}
    assert tools["gvsoc"]["found"] == "fake 1"


def test_without_it_the_way_to_get_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"^--runner gvsoc: gvsoc is not on PATH; build it from "):
        api.run_model(MODEL, ON_GVSOC)
    assert {tool.name: tool.found for tool in api.doctor().tools}["gvsoc"] is None


def test_what_only_our_simulator_knows_is_refused() -> None:
    with pytest.raises(OptionError, match=r"^--runner gvsoc: .* cycles in total only; leave "):
        api.run_model(MODEL, ON_GVSOC, settings=api.RunSettings(profiles=True))
    with pytest.raises(OptionError, match=r"^--runner qemu: there are sim, gvsoc$"):
        with_runner(load_target("siracusa"), "qemu")


@needs_compiler
@pytest.mark.parametrize(
    ("does", "error", "words"),
    [
        ("print('no such chip'); sys.exit(3)", ToolError, r"gvsoc ended with code 3: [^\n]*run\n"),
        ("print('stuck')", MismatchError, r"did not come to its end on gvsoc\nstuck"),
        (
            "print('tilewright results 0g'); print('tilewright end')",
            ToolError,
            "mixed up in its lines of results",
        ),
    ],
)
def test_a_run_that_ends_early_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    does: str,
    error: type[Exception],
    words: str,
) -> None:
    put_on_path(tmp_path, monkeypatch, does)
    with pytest.raises(error, match=words):
        api.run_model(MODEL, ON_GVSOC)
