"""What planning costs, counted in what is looked at."""

from contextlib import suppress

import pytest

from large_networks import chain
from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph
from tilewright.midend.tiling import runs
from tilewright.pipeline import Options, load_target, plan_network, with_memory


def tilings_of(graph: Graph, memory: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many runs of steps are cut into tiles until there is a plan or a refusal."""
    made = 0
    cut = runs.tiles_of_run

    def counted(*given: object) -> object:
        nonlocal made
        made += 1
        return cut(*given)

    monkeypatch.setattr(runs, "tiles_of_run", counted)
    target = with_memory(load_target("host"), memory)
    with suppress(CapacityError):
        plan_network(graph, target, Options(memory=memory))
    monkeypatch.undo()
    return made


def test_layers_that_are_alike_are_cut_once(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (tilings_of(chain(count, 16), {"L1": 8192}, monkeypatch) for count in (8, 24))
    assert 0 < many <= few


def test_in_one_memory_layers_that_are_alike_are_cut_once(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (tilings_of(chain(count, 16), {"ram": 4300}, monkeypatch) for count in (10, 20))
    assert 0 < many <= 1.2 * few


@pytest.mark.parametrize("memory", [{"ram": 65536}, {"L2": 262144, "L1": 16384}])
def test_an_input_larger_than_its_memory_is_refused_unseen(
    memory: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = chain(4, 512)
    assert tilings_of(graph, memory, monkeypatch) == 0
    target = with_memory(load_target("host"), memory)
    wanted = (
        r"the inputs of the network alone need 4,194,304 B, .* x  4,194,304 B  s8\[1x512x512x16\]"
    )
    with pytest.raises(CapacityError, match=f"(?s){wanted}"):
        plan_network(graph, target, Options(memory=memory))
