"""Costs as data: what a call of a kernel costs on one machine, from a table of coefficients.

A binding names the terms that its cost is a sum of (``Kernel.terms``); a table has a coefficient
for each, fitted to counted instructions by benchmarks/calibrate.py. Coefficients belong to a pack
on a machine: the same C costs other sums on another core, or from another compiler.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from operator import mul
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature, Terms, rough_cycles

CALL = "call"
"""The constant term: what a call costs whatever its shapes."""


@dataclass(frozen=True, slots=True)
class CostTable:
    """A file of coefficients; read when the first call is priced, and never again.

    path  TOML: one table per C function, whose ``cost`` has the constant ``call`` and every term
    """

    path: Path

    def coefficients(self, symbol: str, names: tuple[str, ...]) -> tuple[float, ...] | None:
        """The constant and one factor per term; None where the table does not know the kernel.

        Raises ValueError where it knows it by other terms: then it is older than the binding.
        """
        known = _read(self.path).get(symbol)
        if known is None:
            return None
        if set(known) != {CALL, *names}:
            raise ValueError(
                f"{self.path}: {symbol} has the terms {', '.join(known)}; its binding names "
                f"{', '.join((CALL, *names))}: calibrate it again, see docs/how-to/calibrate.md"
            )
        return tuple(float(known[name]) for name in (CALL, *names))


def priced(kernels: Iterable[Kernel], table: Path) -> tuple[Kernel, ...]:
    """The same kernels with what they cost on the machine that the table was fitted for.

    A kernel that names no terms keeps its own estimate; one that the table does not know gets
    ``rough_cycles``.
    """
    costs = CostTable(table)
    return tuple(
        kernel
        if kernel.terms is None
        else replace(kernel, cycles=_formula(costs, kernel.symbol, kernel.terms))
        for kernel in kernels
    )


def _formula(table: CostTable, symbol: str, terms: Terms) -> Callable[[Op, Signature], int]:
    count = terms.count
    factors: tuple[float, ...] | None = None
    is_read = False

    def cycles(op: Op, signature: Signature) -> int:
        nonlocal factors, is_read
        if not is_read:
            factors, is_read = table.coefficients(symbol, terms.names), True
        if factors is None:
            return rough_cycles(op, signature)
        return round(sum(map(mul, factors[1:], count(op, signature)), factors[0]))

    return cycles


@cache
def _read(path: Path) -> Mapping[str, Mapping[str, float]]:
    """C function → coefficients by term; empty where there is no such file yet."""
    if not path.is_file():
        return {}
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {symbol: entry["cost"] for symbol, entry in tables["kernels"].items()}
