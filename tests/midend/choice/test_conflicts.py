"""Why nothing fits, and the smallest memories that would do."""

from dataclasses import replace

import pytest

from joint_search import kernel, target, two_halves
from random_networks import fake_target, places_of
from tilewright.errors import CapacityError
from tilewright.ir.plan import Plan
from tilewright.ir.target import Target
from tilewright.ir.tiling import Hold
from tilewright.midend.assign import assign
from tilewright.midend.choice.candidates import EFFORTS, Candidates
from tilewright.midend.choice.conflicts import Requirement, conflict, smallest
from tilewright.midend.choice.fuse import Fusion
from tilewright.midend.choice.plan_jointly import Search
from tilewright.midend.choice.ways import Way
from tilewright.midend.plan_memory import plan_memory, search_in_one, search_in_two

GRAPH = two_halves()


def with_near(search: Search, size: int) -> Search:
    places = search.places
    return replace(search, places=replace(places, near=replace(places.near, size=size)))


def search_on(machine: Target, *, is_lean: bool = False) -> Search:
    steps = assign(GRAPH, machine).steps
    found = Candidates(
        GRAPH, steps, places_of(GRAPH, steps, machine), EFFORTS["normal"], is_lean=is_lean
    )
    return search_in_two(found, "normal")


def planned(machine: Target) -> Plan:
    return plan_memory(GRAPH, assign(GRAPH, machine), machine)


def test_a_near_memory_that_is_too_small_conflicts_with_what_a_step_needs():
    assert conflict(search_on(target(44))) == (
        "L1 holds 44 B while make_t.3 is computed",
        "make_t.3 needs at least 48 B of L1",
    )


def test_a_far_memory_that_holds_no_input_conflicts_alone():
    assert conflict(search_on(target(2000, far=20))) == ("L2 holds 20 B while make_t is computed",)


def test_what_fits_has_no_conflict():
    assert conflict(search_on(target(60))) == ()


def test_a_requirement_is_named_where_it_takes_part_and_only_there():
    def has_one_buffer(way: Way) -> bool:
        return Hold.DOUBLE not in way.cut.group.holds.values()

    both = Requirement("everything has two buffers", has_one_buffer)
    anything = Requirement("everything is computed", lambda way: False)
    sentences = conflict(search_on(target(60)), [both, anything])
    assert "everything has two buffers" in sentences
    assert "everything is computed" not in sentences
    assert any(line.startswith("L1 holds 60 B while ") for line in sentences)


@pytest.mark.parametrize("far", [None, 200, 288])
def test_the_smallest_near_memory_would_do_and_nothing_smaller(far: int | None):
    least = smallest(search_on(target(10, far), is_lean=True), "L1")
    assert least is not None
    size = least.arena_bytes["L1"]
    assert planned(target(size, far)).arena_bytes["L1"] <= size
    with pytest.raises(CapacityError):
        planned(target(size - 4, far))


def test_the_smallest_far_memory_depends_on_the_near_one():
    sizes = [smallest(search_on(target(near, far=20)), "L2") for near in (60, 200, 2000)]
    needed = [plan.arena_bytes["L2"] for plan in sizes if plan is not None]
    assert needed == sorted(needed, reverse=True)
    assert needed[0] > needed[-1] == 128
    with pytest.raises(CapacityError, match="L2 of target 'fake': the network needs 128 B"):
        planned(target(2000, far=124))
    assert planned(target(2000, far=128)).arena_bytes["L2"] == 128


def test_no_size_of_one_memory_makes_up_for_the_other():
    assert smallest(search_on(target(10, far=100)), "L1") is None
    assert smallest(search_on(target(10)), "L2") is None


def test_one_memory_conflicts_with_what_lives_in_it():
    machine = fake_target(kernel(), size=300, tiles=True)
    steps = assign(GRAPH, machine).steps
    search = search_in_one(Fusion(GRAPH, steps, places_of(GRAPH, steps, machine)), "normal")
    least = smallest(search, "ram")
    assert least is not None
    needed = least.arena_bytes["ram"]
    assert conflict(with_near(search, needed)) == ()
    sentences = conflict(with_near(search, needed - 4))
    assert sentences
    assert sentences[0].startswith(f"ram holds {needed - 4:,} B while ")
