"""Refusals: what needs memory, which requirements conflict, and remedies that really fit."""

import re
from dataclasses import replace

import pytest

from random_networks import Largest, Network, fake_kernel, fake_target
from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph
from tilewright.ir.pins import Pin, PinKind
from tilewright.ir.target import (
    AtMost,
    AtMostInput,
    Dma,
    Engine,
    Kernel,
    Memory,
    MultipleOf,
    Reach,
    Role,
    Streaming,
    Target,
    Toolchain,
    WholeAxis,
)
from tilewright.midend.assign import assign
from tilewright.midend.plan_memory import plan_memory
from tilewright.midend.refusals.needs import limit_text
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d

NEAR = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
CONSTANTS = frozenset({Role.WEIGHT, Role.TABLE})
KERNEL = replace(fake_kernel(streaming=Streaming((0, 1, 2), 1)), pointers=("a", "b", "y"))


def machine(size: int, kernel: Kernel = KERNEL, far: int | None = None) -> Target:
    return Target(
        name="fake", summary="a far memory and a near one",
        memories=(
            Memory("flash", None, 4, CONSTANTS), Memory("L2", far), Memory("L1", size, 4, NEAR),
        ),
        engines=(Engine("core", "core", (Reach("L1"),), (kernel,)),),
        toolchain=Toolchain("none", "none", ()),
        dmas=(Dma("dma", ("L2", "L1"), 3, 4, 1.0), Dma("dma", ("flash", "L1"), 3, 4, 1.0)),
    )  # fmt: skip


def network() -> Graph:
    net = Network()
    x = net.input(1, 12, 6, 4)
    for name in ("a", "b"):
        x = net.node(MaxPool2d(Window2d((3, 3), (1, 1), (1, 1, 1, 1))), x, name=name)
    return net.build(net.node(Largest(), x, name="c"))


def refused(graph: Graph, target: Target, *pins: Pin) -> str:
    with pytest.raises(CapacityError) as caught:
        plan_memory(graph, assign(graph, target, pins), target)
    return str(caught.value)


def conflict(text: str) -> list[str]:
    """The sentences that cannot hold together."""
    between = text.partition("cannot hold together:\n")[2].partition("  each of these was tried")[0]
    return [line.strip() for line in between.splitlines()]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (MultipleOf(3, 3), "anything makes channels in multiples of 3"),
        (AtMostInput(0, 1, 1), "anything takes at most 1 along axis 1 of a"),
    ],
)
def test_a_limit_of_the_kernel_that_no_tile_meets_is_named(
    limit: MultipleOf | AtMostInput, said: str
):
    text = refused(network(), machine(4000, replace(KERNEL, limits=(limit,))))
    assert text == (
        "make_a (MaxPool2d): no tile of s8[1x12x6x4] can be computed in L1, whatever its size; "
        f"each would have to meet\n    {said}"
    )


def test_every_limit_has_words():
    assert limit_text(AtMost(1, 8), KERNEL, 4) == "anything makes at most 8 rows at once"
    assert limit_text(WholeAxis(2), KERNEL, 4) == "anything makes all columns at once"
    assert limit_text(WholeAxis(4), KERNEL, 5) == "anything makes all elements of axis 4 at once"


def test_a_pin_that_cannot_hold_is_in_the_conflict_and_leaving_it_out_is_a_remedy():
    pin = Pin(PinKind.WHOLE, "make_a")
    text = refused(network(), machine(300), pin)
    assert "computed at once, as --whole make_a asks" in text
    assert conflict(text)[0] == "L1 holds 300 B while make_a is computed"
    assert re.fullmatch(r"make_a needs at least \d+ B of L1", conflict(text)[1])
    assert conflict(text)[2] == "--whole make_a"
    assert "fits:\n    without --whole make_a\n" in text


def test_of_several_pins_only_the_guilty_are_named():
    pins = (Pin(PinKind.SINGLE_BUFFER, "make_b"), Pin(PinKind.WHOLE, "make_a"))
    text = refused(network(), machine(300), *pins)
    assert "--whole make_a" in text
    assert "--single-buffer" not in text


def test_pins_that_only_together_are_too_many_are_left_out_together():
    pins = (Pin(PinKind.WHOLE, "make_a"), Pin(PinKind.WHOLE, "make_b"))
    text = refused(network(), machine(300), *pins)
    assert "without --whole make_a and --whole make_b" in text


def test_a_far_memory_that_is_too_small_conflicts_with_the_near_one():
    text = refused(network(), machine(160, far=400))
    assert text.startswith("L2 of target 'fake': the network needs ")
    limits = [said for said in conflict(text) if " holds " in said]
    assert [said.partition(" while")[0] for said in limits] == ["L1 holds 160 B", "L2 holds 400 B"]
    assert re.search(r"L1 [\d,]+ B larger \(--memory L1=\d+\)\n    L2 [\d,]+ B larger", text)


def test_both_memories_may_have_to_grow():
    text = refused(network(), machine(12, far=300))
    assert "L1 of target" in text
    assert "L2 of target" in text
    found = re.search(r"L2 .* and L1 .* larger \(--memory L2=(\d+),L1=(\d+)\)", text)
    assert found is not None
    target = machine(int(found[2]), far=int(found[1]))
    assert plan_memory(network(), assign(network(), target), target)


def test_one_memory_says_what_lies_on_top_of_each_other():
    graph = network()
    target = fake_target(KERNEL, size=300, tiles=False)
    text = refused(graph, target)
    assert "B of these lie on top of each other" in text
    assert "each of these was tried and fits:\n    ram " in text
