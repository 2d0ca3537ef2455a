"""Which kernel runs a node, and what is said where none does."""

import pytest

from random_networks import Largest, Network, fake_kernel, fake_target
from tilewright.errors import UnsupportedError
from tilewright.midend.assign import assign, judge
from tilewright.ops.layout import Pad, Reshape, Transpose


def network():
    net = Network()
    x = net.input(1, 4, 4, 2)
    x = net.node(Reshape((4, 8)), net.node(Largest(), x))
    return net.build(net.node(Transpose((1, 0)), x))


def test_the_fastest_kernel_wins_and_among_equals_the_first():
    slow = fake_kernel("slow", cycles=lambda op, signature: 9)
    first = fake_kernel("first", cycles=lambda op, signature: 3)
    second = fake_kernel("second", cycles=lambda op, signature: 3)
    steps = assign(network(), fake_target(slow, first, second)).steps
    assert [s.kernel and s.kernel.symbol for s in steps] == ["first", None, "first"]


def test_a_kernel_that_refuses_is_not_asked_for_its_cycles():
    def never(op: object, signature: object) -> int:
        raise AssertionError

    unwilling = fake_kernel("unwilling", refuse=lambda op, signature: "too small", cycles=never)
    steps = assign(network(), fake_target(unwilling, fake_kernel("willing"))).steps
    assert [s.kernel and s.kernel.symbol for s in steps] == ["willing", None, "willing"]


def test_every_unsupported_node_is_named_with_the_reasons_of_its_kernels():
    def refuse(op: object, signature: object) -> str | None:
        return None if isinstance(op, Pad) else f"not a Pad but a {type(op).__name__}"

    def limited(op: object, signature: object) -> str | None:
        if not isinstance(op, Transpose):
            return f"not a Transpose but a {type(op).__name__}"
        return "rank is 2, at least 3"

    target = fake_target(
        fake_kernel("pad_s8", refuse=refuse), fake_kernel("pad_f32", refuse=refuse),
        fake_kernel("transpose_8", refuse=limited), fake_kernel("transpose_32", refuse=limited),
    )  # fmt: skip
    with pytest.raises(UnsupportedError) as caught:
        assign(network(), target)
    assert str(caught.value) == (
        "target 'fake' has no kernel for 2 of 3 nodes: make_t (Largest), make_t.3 (Transpose)\n"
        "  make_t: none of the 4 kernels computes Largest\n"
        "  make_t.3: transpose_8, transpose_32: rank is 2, at least 3"
    )


def test_every_kernel_gives_a_verdict_in_the_target_s_order():
    kernels = (fake_kernel("a", refuse=lambda op, signature: "no"), fake_kernel("b"))
    step = assign(network(), fake_target(*kernels)).steps[0]
    verdicts = judge(step.node.op, step.signature, fake_target(*kernels))
    assert [(v.kernel.symbol, v.refusal, v.cycles) for v in verdicts] == [
        ("a", "no", 0),
        ("b", None, 1),
    ]
