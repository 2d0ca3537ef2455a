"""Which kernel runs a node, and what is said where none does."""

from dataclasses import replace

import pytest

from random_networks import Largest, Network, fake_kernel, fake_target
from tilewright.errors import UnsupportedError
from tilewright.ir.target import Misfit, Objection, Signature
from tilewright.ir.types import DType, TensorType
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
    def limited(op: object, signature: object) -> str | None:
        assert isinstance(op, Transpose), "only asked about its own operators"
        return "rank is 2, at least 3"

    target = fake_target(
        fake_kernel("pad_s8", op=Pad), fake_kernel("pad_f32", op=Pad),
        fake_kernel("transpose_8", op=Transpose, refuse=limited),
        fake_kernel("transpose_32", op=Transpose, refuse=limited),
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
        ("a", Objection(Misfit.CALL, "no"), 0),
        ("b", None, 1),
    ]


def test_a_kernel_says_how_far_it_is_from_computing_a_call():
    kernel = replace(
        fake_kernel(op=Pad, refuse=lambda op, signature: "too large"),
        variant=lambda op: "rounds otherwise" if op == Pad((1,), (0,)) else None,
    )
    signature = Signature((TensorType(DType.S8, (1,)),), TensorType(DType.S8, (2,)))
    assert [
        kernel.objection(op, signature) for op in (Largest(), Pad((1,), (0,)), Pad((0,), (1,)))
    ] == [
        Objection(Misfit.OPERATOR, "computes Pad, not Largest"),
        Objection(Misfit.VARIANT, "rounds otherwise"),
        Objection(Misfit.CALL, "too large"),
    ]
