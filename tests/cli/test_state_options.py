"""--state OUT=IN on a file: every judge agrees, and what is wrong is said in words."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import Model, random_integers, saved
from tilewright.cli.main import main
from tilewright.errors import OptionError
from tilewright.pipeline import Options, compile_model, import_graph, load_target


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """h' = relu(W [x, h]), y = V h', in int8; a second pair of other types."""
    made = Model()
    x, h = made.input("x", (1, 8), np.int8), made.input("h_in", (1, 16), np.int8)
    made.input("wide", (1, 17), np.int8)
    real = [made.dequantise(name, 0.02, 3, np.int8) for name in (x, h)]
    made.node("Concat", real, "both", axis=1)
    made.quantise("both", 0.02, 3, np.int8, "joined")
    made.constant("w", random_integers(0, (24, 16), np.int8))
    operands = made.dequantise("joined", 0.02, 3, np.int8), made.dequantise("w", 0.01, 0, np.int8)
    made.quantise(made.node("MatMul", operands, "cell"), 0.02, 3, np.int8, "h_out")
    made.constant("v", random_integers(1, (16, 5), np.int8))
    operands = made.dequantise("h_out", 0.02, 3, np.int8), made.dequantise("v", 0.01, 0, np.int8)
    made.quantise(made.node("MatMul", operands, "head"), 0.1, 0, np.int8, "y")
    table = made.dequantise("wide", 0.02, 3, np.int8)
    made.quantise(made.node("Relu", (table,), "flat"), 0.02, -5, np.int8, "other")
    return saved(
        tmp_path_factory.mktemp("rnn"), made.proto(dict.fromkeys(("y", "h_out", "other"), np.int8))
    )


def refusal(model: Path, *pairs: tuple[str, str], **initial) -> str:
    with pytest.raises(OptionError) as caught:
        import_graph(model, Options(states=pairs, initial=initial))
    return str(caught.value)


def test_every_judge_agrees_from_run_to_run(model: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["verify", str(model), "--state", "h_out=h_in", "--samples", "4", "--json"]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["holds"]


def test_a_run_goes_on_where_the_last_one_ended(model: Path, tmp_path: Path):
    xs = random_integers(7, (5, 8), np.int8)
    feeds = {"x": xs, "wide": np.zeros((5, 17), np.int8)}
    start = random_integers(8, (1, 16), np.int8)
    np.savez(tmp_path / "start.npz", h_in=start)
    np.savez(tmp_path / "in.npz", **feeds)
    command = ["run", str(model), "--input", str(tmp_path / "in.npz")]
    kept = ["--state", "h_out=h_in", "--state-initial", str(tmp_path / "start.npz")]
    assert main([*command, *kept, "--output", str(tmp_path / "kept.npz")]) == 0
    wanted, h = [], start
    for x in xs:
        np.savez(tmp_path / "one.npz", x=x[None], wide=feeds["wide"][:1], h_in=h)
        out = str(tmp_path / "one_out.npz")
        assert main(["run", str(model), "--input", str(tmp_path / "one.npz"), "--output", out]) == 0
        with np.load(out) as found:
            wanted.append(found["y"])
            h = found["h_out"]
    with np.load(tmp_path / "kept.npz") as found:
        np.testing.assert_array_equal(found["y"].reshape(5, 5), np.reshape(wanted, (5, 5)))
        assert sorted(found.files) == ["other", "y"]


def test_a_state_begins_as_a_real_zero(model: Path):
    compiled = compile_model(model, load_target("host"), Options(states=(("h_out", "h_in"),)))
    (state,) = compiled.program.states
    assert (state.name, state.same_byte) == ("h_in", 3)
    assert [o.value.name for o in compiled.program.inputs] == ["x", "wide"]


def test_names_that_are_not_there_are_told_with_those_that_are(model: Path):
    assert refusal(model, ("h_uot", "h_in")) == (
        "--state h_uot=h_in: the network has no output h_uot: there are y, h_out, other; "
        "did you mean h_out"
    )
    assert "has no input h_out: there are x, h_in, wide" in refusal(model, ("h_out", "h_out"))


def test_types_and_scales_must_agree(model: Path):
    assert refusal(model, ("other", "h_in")) == (
        "--state other=h_in: output other is s8[1x17], input h_in is s8[1x16]; a state has one type"
    )
    assert refusal(model, ("other", "wide")) == (
        "--state other=wide: output other has scale 0.02 zero -5, input wide has scale 0.02 zero 3;"
        " quantise both alike"
    )


def test_every_end_takes_part_in_one_state(model: Path):
    assert "h_out=h_in is a state already" in refusal(model, ("h_out", "h_in"), ("h_out", "h_in"))


def test_initial_contents_fit(model: Path):
    pair = ("h_out", "h_in")
    wrong = np.zeros((2, 16), np.int8)
    assert refusal(model, pair, h_in=wrong) == (
        "--state-initial: h_in is int8[2, 16], the network wants s8[1x16]"
    )
    assert "holds 0 .. 300, which is beyond int8" in refusal(
        model, pair, h_in=np.arange(16, dtype=np.int16)[None] * 20
    )
    assert "x is no input that a --state names; there is h_in" in refusal(model, pair, x=wrong)


def test_a_network_has_an_end_that_is_no_state(tmp_path: Path):
    made = Model()
    table = made.dequantise(made.input("x", (1, 8), np.int8), 0.02, 3, np.int8)
    made.quantise(made.node("Relu", (table,), "flat"), 0.02, 3, np.int8, "y")
    path = saved(tmp_path, made.proto({"y": np.int8}))
    assert "every input of" in refusal(path, ("y", "x"))


def test_check_counts_what_is_kept(model: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(model), "--state", "h_out=h_in", "--json"]) == 0
    parts = json.loads(capsys.readouterr().out)["memory"]["ram"]["parts"]
    assert parts["states"] == 16


def test_a_pair_that_is_none_is_refused(model: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main(["check", str(model), "--state", "h_out"])
    assert "'h_out' is no NAME=VALUE; write it like h_out=h_in" in capsys.readouterr().err
