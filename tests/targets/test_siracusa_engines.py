"""Engines of Siracusa can be left out, and what a run costs in energy is a sum of stated terms."""

import pytest

from tilewright.errors import OptionError
from tilewright.pipeline import Options, machine_for
from tilewright.targets.siracusa.energy import Activity, estimate
from tilewright.targets.siracusa.target import SIRACUSA


def test_leaving_an_engine_out_leaves_its_own_memories_out() -> None:
    beside = machine_for(SIRACUSA, Options(without=("neureka",)))
    assert [engine.name for engine in beside.engines] == ["cluster", "lookup"]
    assert beside.memories == SIRACUSA.memories  # tables are looked up in the weight memory
    alone = machine_for(SIRACUSA, Options(without=("neureka", "lookup"), memory={"L1": 64 * 1024}))
    assert [engine.name for engine in alone.engines] == ["cluster"]
    assert [memory.name for memory in alone.memories] == ["L2", "L1"]
    assert machine_for(SIRACUSA, Options()) == SIRACUSA


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("npu",), "--without npu: target siracusa has cluster, lookup, neureka"),
        (("neureka", "cluster", "lookup"), "no other engine; leave one of them in"),
    ],
)
def test_engines_that_cannot_be_left_out_are_named(names: tuple[str, ...], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        machine_for(SIRACUSA, Options(without=names))


def test_energy_is_the_sum_of_its_terms() -> None:
    idle, busy = Activity(1_000, 0, 8_000), Activity(1_000, 8_000, 0)
    base = 30_000 / 360 * 1_000
    assert estimate(idle, ()).microjoules * 1e6 == pytest.approx(base + 0.1 * 36 * 8_000)
    assert estimate(busy, ()).microjoules * 1e6 == pytest.approx(base + 36 * 8_000)
    beside = ((64, 512, 0, 80), (65, 128, 0, 30), (66, 0, 100, 300), (3, 7, 0, 1_000))
    more = estimate(busy, beside).microjoules - estimate(busy, ()).microjoules
    assert more * 1e6 == pytest.approx(2 * (512 + 128) + 350 * 200)
    assert "factor of two" in estimate(busy, ()).model


def test_activity_between_two_moments_is_a_difference() -> None:
    assert Activity(900, 700, 200).since(Activity(400, 300, 100)) == Activity(500, 400, 100)
