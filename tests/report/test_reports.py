"""Reports say what their data says, in at most 100 columns, and in JSON."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from digits import MODEL, compiled_digits
from tilewright import api
from tilewright.frontend.rewrites.prune_report import PrunedLayer, PruneReport
from tilewright.ir.graph import ValueName
from tilewright.ir.plan import Proof
from tilewright.report.compiled import proof_json, proof_text
from tilewright.report.inspected import InspectReport, OperatorRow
from tilewright.report.installed import DoctorReport
from tilewright.report.memory import MemoryUse, memory_use
from tilewright.report.problems import Problem
from tilewright.report.running import LayerCost, RunReport, layer_costs
from tilewright.report.text import Report, json_text
from tilewright.report.verified import VerifyReport
from tilewright.run.compare import Agreement, Pair, Tolerance, compare
from tilewright.run.installed import Tool
from tilewright.run.result import Count, Energy, Linked, RunResult, Speed
from tilewright.run.verify import Verification


def shown(report: Report) -> str:
    text = io.StringIO()
    report.show(Console(file=text, width=100, highlight=False))
    assert max(map(len, text.getvalue().splitlines())) <= 100
    assert json.loads(json_text(report)) == json.loads(json.dumps(report.json()))
    return text.getvalue()


def a_result(**changes: object) -> RunResult:
    fields: Mapping[str, object] = {
        "outputs": {}, "runs": 2, "runs_identical": True, "layers": (), "stack": 100,
        "linked": Linked(code=1000, constants={}, other=24, writable=0), "count": None, "log": "",
        **changes,
    }  # fmt: skip
    return RunResult(**fields)


def test_memory_is_the_sum_of_its_parts_and_unmeasured_parts_are_left_out() -> None:
    compiled = compiled_digits()
    planned = memory_use(compiled.target, compiled.plan, compiled.program)
    measured = memory_use(compiled.target, compiled.plan, compiled.program, a_result())
    ram, flash = planned
    assert sum(ram.parts.values()) == compiled.plan.arena_bytes["ram"]
    assert "stack" not in ram.parts
    assert measured[0].parts == {**ram.parts, "stack": 100}
    assert measured[1].parts == {**flash.parts, "code": 1024}
    bare = a_result(stack=None, linked=None)
    assert memory_use(compiled.target, compiled.plan, compiled.program, bare) == planned


def test_a_memory_says_how_much_it_lacks() -> None:
    assert MemoryUse("ram", 100, {"arena": 90, "stack": 30}).short == 20
    assert MemoryUse("ram", 120, {"arena": 90, "stack": 30}).short == 0
    assert MemoryUse("ram", None, {"arena": 90}).short == 0
    hosted = MemoryUse("ram", 100, {"arena": 90, "stack": 30}, frozenset({"stack"}))
    assert (hosted.used, hosted.short) == (90, 0)


def test_a_run_shows_the_largest_outputs_and_the_cost_of_every_layer() -> None:
    layers = (
        LayerCost("conv", "QConv2d", "cpu", 750, 64, 700),
        LayerCost("add", "QAdd", "cpu", 250, 0, 260),
    )
    output = np.int8([[-5, 90, 7, 3, 2, 1, 0, -1]])
    report = RunReport(
        "m.onnx", "host", "onnx", 1, 2, True, (128, 64), (), "instructions", 1000, 960, layers,
        {ValueName("y"): output},
    )  # fmt: skip
    said = shown(report)
    assert "Output y: int8[1, 8]" in said
    lines = [line.split() for line in said.splitlines()]
    assert ["1", "90"] in lines
    assert ["0", "-5"] not in lines
    assert ["conv", "QConv2d", "750", "75.0", "%", "64", "11.72"] in lines
    assert ["all", "1,000", "64", "15.62"] in lines
    assert "64 compiled, 128 in the model" in said
    assert "960, counted 1 k instructions: off by -4.0 %" in said
    assert report.json()["count"] == {
        "unit": "instructions",
        "total": 1000,
        "planned": 960,
        "layers": [
            {
                "name": "conv",
                "op": "QConv2d",
                "engine": "cpu",
                "count": 750,
                "planned": 700,
                "macs": 64,
            },
            {
                "name": "add",
                "op": "QAdd",
                "engine": "cpu",
                "count": 250,
                "planned": 260,
                "macs": 0,
            },
        ],
    }


def test_a_run_on_a_chip_with_a_clock_says_what_cycles_mean() -> None:
    report = RunReport(
        "m.onnx", "chip", "pulp", 1, 2, True, (512, 512), (), "cycles", 1000, 960, (),
        {ValueName("y"): np.int8([1])}, energy=Energy(2.5, "a guess"), speed=Speed(4e6, "NPU", 2),
    )  # fmt: skip
    assert report.json()["speed"] == {
        "clock_hz": 4e6, "engine": "NPU", "in_use": 0.256, "gop_per_second": 0.0,
        "inferences_per_second": 4000.0,
    }  # fmt: skip
    said = " ".join(shown(report).split())
    assert "4,000.0 inferences/s and 0 GOp/s at 4 MHz; NPU does 25.6% of what it could" in said
    assert "2.5 uJ, a guess" in said
    assert Speed(4e6, "NPU", 2).gop_per_second(10**6, 1000) == 8.0


def test_a_plan_says_how_good_it_is_known_to_be() -> None:
    assert proof_text(Proof(1234, 1234)) == "1,234 cycles, optimal"
    assert proof_text(Proof(2000, 1990)) == "2,000 cycles, gap 0.50 %: at least 1,990 needed"
    assert proof_text(Proof(10**9, 10**9 - 1)).startswith("1,000,000,000 cycles, gap 0.01 %")
    assert proof_json(Proof(2000, 1990)) == {"cycles": 2000, "bound": 1990, "is_optimal": False}
    assert proof_json(None) is None
    assert proof_text(Proof(12, 12), is_replayed=True) == "12 cycles, as the stored plan says"
    replayed = {"cycles": 12, "bound": None, "is_optimal": None}
    assert proof_json(Proof(12, 12), is_replayed=True) == replayed


def test_runs_that_differ_are_said_aloud() -> None:
    report = RunReport(
        "m.onnx", "host", "onnx", 1, 2, False, (1, 1), (), "none", None, 0, (),
        {ValueName("y"): np.int8([1])},
    )  # fmt: skip
    assert "The runs gave different bytes." in shown(report)


def test_layer_costs_follow_the_program() -> None:
    program = compiled_digits().program
    counts = tuple(range(len(program.calls)))
    costs = layer_costs(program, Count("instructions", 99, counts))
    assert [cost.count for cost in costs] == list(counts)
    assert [cost.name for cost in costs] == [call.node.name for call in program.calls]
    assert sum(cost.macs for cost in costs) == compiled_digits().graph.macs


def test_a_mismatch_names_node_element_and_both_values() -> None:
    pair = Pair("conv_3", "relu;conv", np.int8([[4, 5]]), np.int8([[4, 7]]))
    parties = ("planned", "generated C")
    agreement = Agreement("y", 8, 7, 31.25)
    comparison = compare(parties, "every layer", [pair], Tolerance.EXACT)
    skipped = ("no ONNX Runtime to compare with: pip install onnxruntime",)
    report = VerifyReport(
        "m.onnx", "host", "onnx", Verification(1, (comparison,), (agreement,), skipped)
    )
    said = " ".join(shown(report).split())
    assert (
        "conv_3: planned and generated C disagree first at relu;conv[0][1]: 5 against 7 "
        "(promised: equal); 1 of 2 elements differ, by 2 at most"
    ) in said
    assert "y: the same largest element as generated C in 7 of 8 inferences, SQNR 31.2 dB" in said
    assert "Left out: no ONNX Runtime" in said
    assert "They agree" not in said
    assert not report.json()["holds"]


def test_inspect_shows_what_pruning_removes_and_every_problem() -> None:
    row = OperatorRow("conv", "Conv2d", "s8[1x8]", None, 8, 1000, 64, 72)
    layer = PrunedLayer("conv", (8, 3), (1000, 375))
    report = InspectReport(
        "m.tflite", "m", "tflite", ("x",), ("y",), (row,), ("a note",),
        (Problem("lstm_1 (Lstm)", "nobody knows it"), Problem("fft_2 (Fft)", "neither")),
        PruneReport(1000, 375, 72, 27, (layer,)),
    )  # fmt: skip
    said = shown(report)
    for words in (
        "8 to 3", "1,000 to 375 (62.5 % less)", "72 B to 27 B", "Note: a note",
        "Unsupported: lstm_1 (Lstm): nobody knows it", "Unsupported: fft_2 (Fft): neither",
    ):  # fmt: skip
        assert words in said
    assert report.json()["macs"] == {"source": 1000, "compiled": 375}


@pytest.mark.parametrize("is_required", [True, False])
def test_doctor_says_what_a_missing_tool_enables_and_how_to_get_it(is_required: bool) -> None:
    missing = Tool("valgrind", None, "counting", "apt-get install valgrind", is_required)
    report = DoctorReport((Tool("numpy", "2.0", "all", "pip install numpy", True), missing))
    assert report.is_healthy is not is_required
    said = shown(report)
    assert "valgrind is missing: apt-get install valgrind" in said
    assert "Everything is there." not in said


def test_the_reports_of_a_real_network_fit_100_columns(tmp_path: Path) -> None:
    for report in (
        api.inspect_model(MODEL), api.check_model(MODEL), api.explain_model(MODEL),
        api.compile_to(MODEL, tmp_path / "out"), api.list_targets(), api.doctor(),
    ):  # fmt: skip
        assert len(shown(report).splitlines()) > 3
