"""What is said where a network does not fit, as text that a reviewer reads."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from digits import MODEL
from tilewright import api
from tilewright.errors import CapacityError
from tilewright.ir.plan import Plan
from tilewright.midend.pins import PinWishes
from tilewright.pipeline import Options, compile_model, load_target

GOLDEN = Path(__file__).parent / "refusals"
TINY = Path(__file__).parents[3] / "shared" / "models" / "mlperf_tiny"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that cannot be met."""

    model: Path
    memory: dict[str, int]
    target: str = "host"
    pins: PinWishes = field(default_factory=PinWishes)

    def refusal(self) -> str:
        with pytest.raises(CapacityError) as caught:
            api.compile_to(self.model, "unused", self.target, self.options)
        return f"{caught.value}\n"

    @property
    def options(self) -> Options:
        return Options(memory=self.memory, pins=self.pins)


CASES = {
    "one_memory": Asked(MODEL, {"ram": 1024}),
    "near_memory": Asked(MODEL, {"L1": 512}),
    "far_memory": Asked(MODEL, {"L1": 2048, "L2": 512}),
    "a_pin": Asked(MODEL, {"L1": 4096}, pins=PinWishes(whole=("down",), near=("stem",))),
    "flash": Asked(MODEL, {"flash": 4096}),
    "keyword_spotting": Asked(TINY / "kws01_int8.tflite", {"L1": 1024}),
    "image_classification": Asked(TINY / "ic01_resnet8_int8.tflite", {"ram": 16384}),
    "an_input_that_is_too_large": Asked(TINY / "vww96_int8.tflite", {"ram": 20480}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_reads_as_it_did(name: str, pytestconfig: pytest.Config) -> None:
    if not CASES[name].model.is_file():
        pytest.skip(f"no {CASES[name].model}")
    said, stored = CASES[name].refusal(), GOLDEN / f"{name}.txt"
    if pytestconfig.getoption("--snapshot-update"):
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(said)
    assert said == stored.read_text()
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize("name", ["one_memory", "flash"])
def test_check_says_the_same_and_its_exit_code_is_that_of_a_refusal(name: str) -> None:
    """Both ask one function, so the two refusals that are cheap to make show it."""
    asked = CASES[name]
    report = api.check_model(asked.model, asked.target, asked.options)
    assert f"{report.refusal}\n" == (GOLDEN / f"{name}.txt").read_text()
    assert not report.fits


@pytest.mark.parametrize("name", ["one_memory", "near_memory", "far_memory", "a_pin"])
def test_whatever_is_named_as_a_remedy_fits(name: str) -> None:
    """The stored text is what is said, as the first test shows: nothing is refused anew."""
    asked = CASES[name]
    remedies = (GOLDEN / f"{name}.txt").read_text().partition("tried and fits:\n")[2].splitlines()
    assert remedies
    for remedy in remedies:
        sizes = {n: int(size) for n, size in re.findall(r"(\w+)=(\d+)", remedy)}
        memory = {**asked.memory, **sizes}
        assert planned(asked.model, replace(asked.options, memory=memory, pins=kept(asked, remedy)))


def kept(asked: Asked, remedy: str) -> PinWishes:
    """The pins that a remedy leaves."""
    if "without" not in remedy:
        return asked.pins
    whole, near = (
        tuple(n for n in names if f"--{option} {n}" not in remedy)
        for option, names in (("whole", asked.pins.whole), ("near", asked.pins.near))
    )
    return PinWishes(whole=whole, near=near)


def planned(model: Path, options: Options) -> Plan:
    return compile_model(model, load_target("host"), options).plan
