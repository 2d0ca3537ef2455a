"""Drawn networks: valid, equal wherever they are compared; what is wrong is made small."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import onnx
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

import tilewright
from tilewright.fuzz import run
from tilewright.fuzz.agreement import disagreement
from tilewright.fuzz.cases import drawn_case
from tilewright.fuzz.examine import Examined, examine, finding
from tilewright.fuzz.network import draw_network
from tilewright.fuzz.run import FuzzSettings, in_c
from tilewright.fuzz.shrink import cut, shrunken
from tilewright.targets.host.target import HOST

QUICK, LONG = 24, 400


def test_drawn_networks_are_valid_and_of_every_operator() -> None:
    kinds: set[str] = set()
    for number in range(150):
        model = draw_network(Random(number)).model
        onnx.checker.check_model(model, full_check=True)
        kinds |= {node.op_type for node in model.graph.node}
    assert len(kinds) > 45
    assert {"Conv", "Gemm", "Split", "Concat", "QuantizeLinear", "Where"} <= kinds


def test_a_case_is_the_same_whenever_it_is_drawn() -> None:
    one, other = (drawn_case(17, 3, (HOST,)) for _ in range(2))
    assert one.drawn.model.SerializeToString() == other.drawn.model.SerializeToString()
    assert (one.memory, one.judged) == (other.memory, other.judged)


def check(cases: int, seed: int, settings: FuzzSettings) -> None:
    report = tilewright.fuzz_networks(cases, seed, None, settings)
    assert report.json()["findings"] == []
    assert report.cases == cases
    assert report.counts["refused"] < cases // 3, report.reasons


def test_a_few_drawn_networks_agree(tmp_path: Path) -> None:
    check(QUICK, 11, FuzzSettings(in_c=4, folder=tmp_path))


def test_an_interrupted_run_reports_what_it_has_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(number, seed, targets):
        if number == 5:
            raise KeyboardInterrupt
        return drawn_case(number, seed, targets)

    monkeypatch.setattr(run, "drawn_case", interrupted)
    settings = FuzzSettings(first=2, in_c=100, folder=tmp_path)
    report = tilewright.fuzz_networks(9, 11, "host", settings)
    assert report.cases == 3
    assert "--first 5 --seed 11" in caplog.text


@pytest.mark.slow
def test_many_drawn_networks_agree(tmp_path: Path) -> None:
    check(LONG, 12, FuzzSettings(in_c=12, folder=tmp_path))


def test_a_wrong_definition_is_found_made_small_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lowest bit of what networks with a convolution compute, turned in the C alone."""
    made = run.run_many

    def broken(networks, target, size=100):
        for network, ran in zip(networks, made(networks, target, size), strict=True):
            kinds = {type(call.node.op).__name__ for call in network.program.calls}
            assert not isinstance(ran, str)
            wrong = any("Conv" in kind for kind in kinds)
            yield tuple(tuple(a ^ wrong if a.dtype.kind in "iu" else a for a in r) for r in ran)

    monkeypatch.setattr(run, "run_many", broken)
    report = tilewright.fuzz_networks(4, 1, "host", FuzzSettings(in_c=1, folder=tmp_path))
    assert report.findings
    for found in report.findings:
        model = onnx.load(Path(found.reproducer) / "model.onnx")
        assert found.kind == "C"
        assert found.nodes == len(model.graph.node) <= 8
        assert "Conv" in {node.op_type for node in model.graph.node}
        text = (Path(found.reproducer) / "finding.txt").read_text(encoding="utf-8")
        assert "tilewright verify" in text
    shown = json.loads(json.dumps(report.json()))
    assert (shown["cases"], shown["nodes"]) == (4, report.nodes)
    assert shown["findings"][0]["kind"] == "C"


def small_case():
    """A drawn case for the host whose network has more than one output."""
    cases = (drawn_case(number, 1, (HOST,)) for number in range(100))
    return next(
        case for case in cases if len(case.drawn.model.graph.output) > 1 and not case.drawn.states
    )


def test_a_part_of_a_network_has_what_it_needs_and_no_more() -> None:
    model = small_case().drawn.model
    wanted = model.graph.output[0].name
    part = cut(model, [wanted], [])
    onnx.checker.check_model(part, full_check=True)
    read = {name for node in part.graph.node for name in node.input}
    assert {item.name for item in part.graph.initializer} <= read
    assert [item.name for item in part.graph.output] == [wanted]


def test_shrinking_keeps_what_is_looked_for() -> None:
    case = small_case()
    kind = case.drawn.model.graph.node[-1].op_type

    def again(smaller):
        kinds = {node.op_type for node in smaller.drawn.model.graph.node}
        return finding(smaller, "plan", "made up") if kind in kinds else None

    small, _ = shrunken(case, finding(case, "plan", "made up"), again)
    assert [node.op_type for node in small.drawn.model.graph.node] == [kind]


def test_one_step_of_difference_is_found_in_integers_and_explained_in_reals(tmp_path: Path) -> None:
    found = [examine(drawn_case(number, 1, (HOST,)), tmp_path) for number in range(12)]
    examined = [one for one in found if isinstance(one, Examined)]
    assert not in_c(examined[:2])
    for one in examined:
        graph = one.compilation.graph
        inputs = [one.batch.one(index) for index in range(one.batch.inferences)]
        assert disagreement(graph, inputs, one.expected, one.expected) == ""
        far = [[a if i else (a + a.dtype.type(64)) for i, a in enumerate(r)] for r in one.expected]
        assert "output" in disagreement(graph, inputs, one.expected, far)


def test_less_memory_is_another_case_of_the_same_network(tmp_path: Path) -> None:
    case = next(c for n in range(200) if (c := drawn_case(n, 2, (HOST,))).memory)
    assert isinstance(examine(case, tmp_path), Examined)
    assert isinstance(examine(replace(case, memory={}), tmp_path), Examined)
