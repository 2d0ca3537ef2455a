"""What a person fixes about a plan is kept, stored with the plan, and judged."""

from dataclasses import replace

import pytest

from digits import MODEL
from judged import check_plan
from random_networks import Largest, Network, fake_kernel
from tilewright.check.judge import PlanError
from tilewright.errors import CapacityError, OptionError
from tilewright.ir.graph import Graph
from tilewright.ir.pins import Pin, PinKind
from tilewright.ir.plan import Plan
from tilewright.ir.target import Dma, Engine, Memory, Reach, Role, Target, Toolchain
from tilewright.ir.tiling import Group, Hold
from tilewright.midend.assign import assign
from tilewright.midend.lockfile import plan_text, read_plan
from tilewright.midend.pins import PinWishes, pins_for
from tilewright.pipeline import (
    Compilation,
    Options,
    compile_model,
    load_target,
    plan_network,
    with_memory,
)
from wide_layers import layers

HOST = load_target("host")


KNOWN: dict[str, Compilation] = {}
"""What several tests look at is planned once: equal requests have equal plans."""


def compiled(memory: str, size: int, wishes: PinWishes | None = None) -> Compilation:
    options = Options(memory={memory: size}, pins=wishes or PinWishes())
    key = repr(options)
    if key not in KNOWN:
        KNOWN[key] = compile_model(MODEL, HOST, options)
    return KNOWN[key]


def group_of(plan: Plan, node: str) -> Group:
    time = next(i for i, step in enumerate(plan.steps) if step.node.name == node)
    return next(g for g in plan.groups if g.steps.start <= time < g.steps.stop)


def is_whole(group: Group) -> bool:
    return group.steps.size == 1 and not group.order


@pytest.mark.parametrize(
    ("memory", "size", "enough", "node"),
    [("ram", 1600, 2192, "depthwise"), ("L1", 4096, 8192, "down")],
)
def test_a_node_that_is_to_be_whole_is_computed_by_itself_and_at_once(
    memory: str, size: int, enough: int, node: str
):
    assert not is_whole(group_of(compiled(memory, size).plan, node))
    wish = PinWishes(whole=(node,))
    with pytest.raises(CapacityError):
        compiled(memory, size, wish)
    assert is_whole(group_of(compiled(memory, enough, wish).plan, node))


def double_buffered(plan: Plan) -> str:
    """Some node whose group has a second copy of something."""
    group = next(g for g in plan.groups if any(h.copies == 2 for h in g.holds.values()))
    return plan.steps[group.steps.start].node.name


def test_a_node_with_single_buffers_has_no_second_copy():
    node = double_buffered(compiled("L1", 1900).plan)
    pinned = compiled("L1", 1900, PinWishes(single_buffer=(node,))).plan
    assert {hold.copies for hold in group_of(pinned, node).holds.values()} == {1}


@pytest.mark.parametrize(("memory", "size", "enough"), [("L1", 2048, 8192), ("ram", 1600, 2192)])
def test_a_tensor_that_is_to_be_near_is_never_far_nor_in_parts(memory: str, size: int, enough: int):
    free = compiled(memory, size).plan
    torn = {name for g in free.groups for name, hold in g.holds.items() if hold is not Hold.DIRECT}
    node = next(s.node for s in free.steps if s.kernel and s.node.output in torn)
    plan = compiled(memory, enough, PinWishes(near=(node.name,))).plan
    holds = {g.holds[node.output] for g in plan.groups if node.output in g.holds}
    assert holds == {Hold.DIRECT}


def test_what_is_pinned_is_not_taken_apart():
    graph = layers(6000, 20)
    target = with_memory(load_target("host"), {"L2": 1 << 20, "L1": 4096})
    computed, *_ = plan_network(graph, target, Options())
    assert "wide.sums" in [node.name for node in computed.nodes]
    with pytest.raises(CapacityError, match=r"fullest at wide \(QDense\)"):
        plan_network(graph, target, Options(pins=PinWishes(engines={"wide": "cpu"})))


def two_engines() -> tuple[Graph, Target]:
    near = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
    refusing = fake_kernel("picky", refuse=lambda op, types: "too odd", cycles=lambda op, types: 1)
    engines = (
        Engine("slow", "core", (Reach("L1"),), (fake_kernel("slow", cycles=lambda op, types: 99),)),
        Engine("fast", "npu", (Reach("L1"),), (fake_kernel("fast", op=Largest),)),
        Engine("odd", "npu", (Reach("L1"),), (refusing,)),
    )
    net = Network()
    x = net.input(1, 8, 4, 4)
    graph = net.build(net.node(Largest(), net.node(Largest(), x, x, name="a"), name="b"))
    target = Target(
        name="fake", summary="three engines",
        memories=(Memory("flash", None), Memory("L2", None), Memory("L1", 9999, 4, near)),
        engines=engines, toolchain=Toolchain("none", "none", ()),
        dmas=(Dma("dma", ("L2", "L1"), 3, 4, 1.0), Dma("dma", ("flash", "L1"), 3, 4, 1.0)),
    )  # fmt: skip
    return graph, target


def test_a_node_runs_on_the_engine_that_was_given_and_others_stay_free():
    graph, target = two_engines()
    pins = pins_for(PinWishes(engines={"make_a": "slow"}), graph, target)
    engines = [step.engine.name for step in assign(graph, target, pins).steps if step.engine]
    assert engines == ["slow", "fast"]


def test_an_engine_that_cannot_run_the_node_is_refused_with_its_reasons():
    graph, target = two_engines()
    pins = pins_for(PinWishes(engines={"make_a": "odd"}), graph, target)
    with pytest.raises(OptionError) as caught:
        assign(graph, target, pins)
    assert str(caught.value) == (
        "--engine make_a=odd: no kernel of odd takes the node, slow, fast does\n"
        "  make_a: picky: too odd"
    )


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (PinWishes(whole=("stm",)), "--whole stm: the compiled network has no such node; did you "
         "mean stem or softmax; tilewright explain MODEL lists all nodes"),
        (PinWishes(single_buffer=("zzz",)), "--single-buffer zzz: the compiled network has no such "
         "node; tilewright explain MODEL lists all nodes"),
        (PinWishes(engines={"dens": "cpu"}), "did you mean dense"),
        (PinWishes(engines={"dense": "npu"}), "--engine dense=npu: target host has cpu"),
        (PinWishes(near=("steem",)), "has no such tensor; did you mean stem"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_answered_with_those_that_are_like_it(wishes: PinWishes, said: str):
    with pytest.raises(OptionError) as caught:
        compile_model(MODEL, HOST, Options(pins=wishes))
    assert said in str(caught.value)


def test_ends_of_the_network_cannot_be_near_where_there_is_a_far_memory():
    for name in ("image", "image.nhwc.transpose", "softmax"):
        with pytest.raises(OptionError, match="lie in L2, where the caller reaches them"):
            compiled("L1", 4096, PinWishes(near=(name,)))
    assert compiled("ram", 4096, PinWishes(near=("image",))).plan.pins[0].name == "image"


def test_the_lockfile_remembers_pins_and_a_replay_must_keep_them(tmp_path):
    free = compiled("L1", 1900)
    wish = PinWishes(single_buffer=(double_buffered(free.plan),))
    c = compiled("L1", 1900, wish)
    text = plan_text(c.plan, c.graph)
    assert read_plan(text, "plan.json", c.graph, c.target) == c.plan
    assert c.plan.pins == (Pin(PinKind.SINGLE_BUFFER, *wish.single_buffer),)
    stored = tmp_path / "plan.json"
    stored.write_text(plan_text(free.plan, free.graph))
    options = Options(memory={"L1": 1900}, plan=stored, pins=wish)
    with pytest.raises(OptionError, match="does not keep --single-buffer "):
        compile_model(MODEL, HOST, options)


def test_a_plan_that_does_not_keep_its_pins_is_found():
    c = compiled("L1", 1900)
    node = double_buffered(c.plan)
    broken = replace(c.plan, pins=(Pin(PinKind.SINGLE_BUFFER, node),))
    with pytest.raises(PlanError, match=f"does not keep --single-buffer {node}"):
        check_plan(broken, c.graph, c.target)
