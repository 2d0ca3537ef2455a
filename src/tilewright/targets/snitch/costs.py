"""What plain C costs on the cluster: instructions of another scalar core, times a factor.

The factors say how many cycles a core of eight takes for what is one instruction of a Cortex-M4,
with everything that cores wait for: one multiplier and one divider for all, loads of three cycles,
banks. benchmarks/snitch_costs.py fits one per family of kernels to counted layers of whole
networks, and writes factors.toml; a family that no network has costs the median.
"""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import median

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature

FACTORS = Path(__file__).parent / "factors.toml"
ROUNDINGS = ("_double", "_half_even", "_half_up", "_tflite", "_onnx")


SAME = {"dense_few_rv32": "dense_s8"}
"""One formula, and one cost: which one is called follows from the number of vectors."""


def family(symbol: str) -> str:
    """The C function without its way to round."""
    stem = next((symbol.removesuffix(end) for end in ROUNDINGS if symbol.endswith(end)), symbol)
    return SAME.get(stem, stem)


@cache
def factors() -> dict[str, float]:
    """Family → factor."""
    given = tomllib.loads(FACTORS.read_text(encoding="utf-8"))["factors"]
    return {name: float(value) for name, value in given.items()}


def on_the_cluster(kernels: Iterable[Kernel]) -> tuple[Kernel, ...]:
    """The same kernels with cycles instead of instructions; those that name no terms keep their own
    estimate."""
    known = factors()
    usual = median(known.values())
    return tuple(
        kernel
        if kernel.terms is None
        else replace(kernel, cycles=_scaled(kernel.cycles, known.get(family(kernel.symbol), usual)))
        for kernel in kernels
    )


def _scaled(
    cycles: Callable[[Op, Signature], int], factor: float
) -> Callable[[Op, Signature], int]:
    def scaled(op: Op, signature: Signature) -> int:
        return round(factor * cycles(op, signature))

    return scaled
