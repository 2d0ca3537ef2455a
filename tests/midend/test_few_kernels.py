"""Kernels that save little are left out; what that costs stays within its share."""

from dataclasses import replace

import numpy as np
import pytest

from random_networks import fake_kernel, fake_target
from tilewright.ir.target import Kernel
from tilewright.midend.few_kernels import SPARES, Candidate, without_rare

ENGINE = fake_target().engines[0]
NAMES = "abcdef"


def kernel(name: str) -> Kernel:
    return fake_kernel(name)


def drawn(rng: np.random.Generator) -> list[list[Candidate]]:
    """Some nodes, each with the candidates of a few kernels."""
    kernels = [kernel(name) for name in NAMES]
    return [
        [
            (ENGINE, kernels[i], int(rng.integers(1, 1000)))
            for i in rng.choice(len(NAMES), int(rng.integers(1, 5)), replace=False)
        ]
        for _ in range(int(rng.integers(1, 12)))
    ]


def total(chosen: list[Candidate]) -> int:
    return sum(cycles for _, _, cycles in chosen)


def called(chosen: list[Candidate]) -> set[str]:
    return {one.symbol for _, one, _ in chosen}


@pytest.mark.parametrize("seed", range(40))
def test_no_more_is_given_than_the_share_and_no_more_kernels_are_called(seed: int) -> None:
    willing = drawn(np.random.default_rng(seed))
    fastest = without_rare(willing, 0.0)
    assert [one[2] for one in fastest] == [min(c[2] for c in some) for some in willing]
    before = called(fastest)
    for spare in (0.05, 0.3, 1.0):
        fewer = without_rare(willing, spare)
        assert all(one in some for one, some in zip(fewer, willing, strict=True))
        assert total(fewer) <= (1 + spare) * total(fastest)
        assert called(fewer) <= before
        before = called(fewer)


def test_a_kernel_that_saves_one_in_a_thousand_is_not_worth_its_flash() -> None:
    a, b = kernel("a"), kernel("b")
    large, small = [(ENGINE, a, 9990)], [(ENGINE, b, 10), (ENGINE, a, 19)]
    assert called(without_rare([large, small], SPARES["speed"])) == {"a"}
    much_slower = [(ENGINE, b, 10), (ENGINE, a, 30)]
    assert called(without_rare([large, much_slower], SPARES["speed"])) == {"a", "b"}
    assert called(without_rare([large, much_slower], SPARES["size"])) == {"a"}


def test_a_node_stays_on_its_engine() -> None:
    other = replace(ENGINE, name="other")
    a, b = kernel("a"), kernel("b")
    nodes = [[(ENGINE, a, 100_000)], [(other, b, 10), (ENGINE, a, 11)]]
    assert called(without_rare(nodes, 0.5)) == {"a", "b"}
