"""The Cortex-M targets fit their boards and refuse what is too large for them."""

from itertools import pairwise

import pytest

from bare_metal import BOARDS
from digits import MODEL
from tilewright import api
from tilewright.errors import CapacityError
from tilewright.pipeline import load_target, target_names
from tilewright.targets.cortex_m.boards import BOARDS as BOARD_OF


def test_all_four_are_installed() -> None:
    assert set(BOARDS) <= set(target_names())


@pytest.mark.parametrize("name", BOARDS)
def test_memories_lie_in_regions_of_the_board_that_do_not_overlap(name: str) -> None:
    target, board = load_target(name), BOARD_OF[name]
    regions = {region.name: region for region in board.regions}
    for machine in (target, *target.alternatives):
        for memory in machine.memories:
            assert memory.size == regions[memory.name].size
    spans = sorted((region.origin, region.origin + region.size) for region in board.regions)
    for (_, stop), (start, _) in pairwise(spans):
        assert stop <= start
    assert {board.vectors_in, board.code_in, board.data_in} <= regions.keys()


@pytest.mark.parametrize("name", BOARDS)
def test_portable_kernels_come_last(name: str) -> None:
    (engine,) = load_target(name).engines
    portable = load_target("host").engines[0].kernels
    last = engine.kernels[-len(portable) :]
    assert [kernel.symbol for kernel in last] == [kernel.symbol for kernel in portable]


@pytest.mark.parametrize("name", BOARDS)
def test_weights_that_exceed_flash_are_refused_with_the_sizes(name: str) -> None:
    needed = {m.name: m.used for m in api.check_model(MODEL, name).memories}["flash"]
    with pytest.raises(CapacityError, match=f"flash of target '{name}'.*needs {needed:,} B"):
        api.compile_to(MODEL, "unused", name, api.Options(memory={"flash": needed - 1}))


@pytest.mark.parametrize("name", BOARDS)
def test_an_arena_that_exceeds_ram_is_refused_with_the_sizes(name: str) -> None:
    with pytest.raises(CapacityError, match="64 B that there are"):
        api.compile_to(MODEL, "unused", name, api.Options(memory={board_ram(name): 64}))


def board_ram(name: str) -> str:
    return BOARD_OF[name].data_in


def test_only_cores_with_two_rams_have_an_alternative() -> None:
    others = {name: [machine.near for machine in load_target(name).alternatives] for name in BOARDS}
    assert others == {
        "cortex-m4": [], "cortex-m7": ["sram"], "cortex-m33": [], "cortex-m55": ["sram"],
    }  # fmt: skip
