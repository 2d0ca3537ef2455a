"""Commands about plans: budgets, stored plans, comparisons, exploration."""

import json
from pathlib import Path

import pytest

from digits import MODEL, compiled_digits
from tilewright.cli import main
from tilewright.report.explored import ExploreReport, Point, steps_between

DIGITS = str(MODEL)

Capture = pytest.CaptureFixture[str]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_stored_plan_gives_the_same_files(tmp_path: Path, capsys: Capture) -> None:
    plan, small = str(tmp_path / "plan.json"), ("--memory", "ram=2KiB")
    first, again = tmp_path / "first", tmp_path / "again"
    assert main(["compile", DIGITS, "-o", str(first), *small, "--save-plan", plan]) == 0
    assert main(["compile", DIGITS, "-o", str(again), *small, "--plan", plan]) == 0
    assert files_of(first) == files_of(again)
    capsys.readouterr()
    assert main(["compile", DIGITS, "-o", str(again), "--memory", "ram=1KiB", "--plan", plan]) == 2
    said = capsys.readouterr().err
    assert "plan.json: not a plan for this network and these memories: ram needs" in said
    assert "this is a bug" not in said


def test_two_plans_are_compared(tmp_path: Path, capsys: Capture) -> None:
    one, two = str(tmp_path / "one.json"), str(tmp_path / "two.json")
    main(["compile", DIGITS, "-o", str(tmp_path / "a"), "--save-plan", one])
    main(["compile", DIGITS, "-o", str(tmp_path / "b"), "--memory", "ram=2KiB", "--save-plan", two])
    capsys.readouterr()
    assert main(["compare", one, one]) == 0
    assert capsys.readouterr().out == "The plans are the same.\n"
    assert main(["compare", one, two, "--json"]) == 0
    changes = {c["subject"]: c for c in json.loads(capsys.readouterr().out)["changes"]}
    arena = compiled_digits().plan.arena_bytes["ram"]
    assert changes["arena ram"]["before"] == f"{arena:,} B"
    assert any(subject.startswith(("tiles of", "kernel of")) for subject in changes)


def test_check_finds_plans_that_need_tiles_and_names_what_would_do(capsys: Capture) -> None:
    arena = compiled_digits().plan.arena_bytes["ram"]
    assert main(["check", DIGITS, "--budget", f"ram={arena - 4}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["memory"]["ram"]["used"] < arena
    assert main(["check", DIGITS, "--budget", "ram=256", "--json"]) == 2
    refusal = json.loads(capsys.readouterr().out)["refusal"]
    size = refusal.rpartition("--memory ram=")[2].partition(")")[0]
    assert main(["check", DIGITS, "--budget", f"ram={size}"]) == 0
    assert main(["check", DIGITS, "--budget", "L2=64KiB,L1=4KiB"]) == 0


def test_explore_prints_and_draws_a_curve(tmp_path: Path, capsys: Capture) -> None:
    plot = tmp_path / "curve.svg"
    asked = ["explore", DIGITS, "--memory", "ram=256:8KiB", "--plot", str(plot), "--json"]
    assert main(asked) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert [p["size"] for p in points] == list(steps_between(256, 8192))
    assert points[0]["used"] is None
    assert points[-1]["is_best"] or points[-1]["cycles"] == points[-2]["cycles"]
    assert "<polyline" in plot.read_text()
    assert main(["explore", DIGITS, "--memory", "ram=8KiB"]) == 2
    assert "a smallest and a larger largest size, none has them" in capsys.readouterr().err


def test_a_curve_that_cannot_be_drawn_is_printed(tmp_path: Path, capsys: Capture) -> None:
    nowhere = str(tmp_path / "none" / "curve.svg")
    assert main(["explore", DIGITS, "--memory", "ram=2KiB:4KiB", "--plot", nowhere]) == 2
    printed = capsys.readouterr()
    assert "cycles by size of ram" in printed.out
    assert nowhere in printed.err


def test_a_memory_that_is_given_twice_is_refused(capsys: Capture) -> None:
    assert main(["check", DIGITS, "--memory", "ram=4KiB", "--budget", "ram=8KiB"]) == 2
    assert "--memory ram: given twice, with two sizes; leave one out" in capsys.readouterr().err


def test_explore_knows_that_constants_take_flash(capsys: Capture) -> None:
    """7,576 B of weights."""
    assert main(["explore", DIGITS, "--memory", "flash=6KiB:8KiB", "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert [(p["size"], p["used"]) for p in points] == [(6144, None), (8192, 7576)]


def test_only_points_that_nothing_beats_are_best() -> None:
    points = (Point(1, None, 0, 0), Point(2, 2, 9, 0), Point(3, 3, 9, 0), Point(4, 4, 5, 0))
    assert [p.size for p in ExploreReport("m", "t", "ram", points).best] == [2, 4]


def test_an_unknown_effort_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert main(["compile", DIGITS, "-o", str(tmp_path / "x"), "--effort", "heroic"]) == 2
    assert "--effort heroic: there are quick, normal, best" in capsys.readouterr().err


def test_an_unknown_aim_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert main(["compile", DIGITS, "-o", str(tmp_path / "x"), "--optimise", "fame"]) == 2
    assert "--optimise fame: there are speed, size, fastest" in capsys.readouterr().err


def test_pins_are_kept_and_unknown_names_are_answered(tmp_path: Path, capsys: Capture) -> None:
    plan = tmp_path / "plan.json"
    pins = ["--whole", "down", "--near", "stem", "--single-buffer", "dense", "--engine", "pool=cpu"]
    asked = ["compile", DIGITS, "-o", str(tmp_path / "out"), "--memory", "L1=8KiB", *pins]
    assert main([*asked, "--save-plan", str(plan)]) == 0
    stored = json.loads(plan.read_text())["pins"]
    assert [pin["kind"] for pin in stored] == ["engine", "single-buffer", "whole", "near"]
    capsys.readouterr()
    assert main(["check", DIGITS, "--whole", "stm"]) == 2
    assert "did you mean stem" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["check", DIGITS, "--engine", "pool"])
    assert "is no NAME=VALUE; write it like conv_2d_3=npu" in capsys.readouterr().err


def test_explain_shows_the_kernel_of_the_engine_that_was_given(capsys: Capture) -> None:
    assert main(["explain", DIGITS, "--node", "pool", "--engine", "pool=cpu", "--json"]) == 0
    (choice,) = json.loads(capsys.readouterr().out)["kernels"]
    assert choice["chosen"] == "rescaled_mean_s8_half_even"


def test_growth_beyond_what_is_allowed_is_a_verdict(tmp_path: Path, capsys: Capture) -> None:
    one, two, other = (str(tmp_path / f"{name}.json") for name in ("one", "two", "other"))
    command = ["compile", DIGITS, "-o", str(tmp_path / "out"), "--save-plan"]
    assert main([*command, one]) == 0
    assert main([*command, two, "--memory", "ram=2000"]) == 0
    assert main(["compare", two, one, "--cycles", "0"]) == 0
    capsys.readouterr()
    assert main(["compare", two, one, "--bytes", "0"]) == 1
    assert "arena ram grew by" in capsys.readouterr().err
    Path(other).write_text(Path(one).read_text().replace('"node": "', '"node": "other_'))
    assert main(["compare", one, other]) == 2
    assert "plans of two networks, 0 of" in " ".join(capsys.readouterr().err.split())
