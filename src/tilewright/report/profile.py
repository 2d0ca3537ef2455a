"""Where one inference spends its time: by layer and C function, by kernel, by instruction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Group

from tilewright.ir.program import Program
from tilewright.report.text import Json, percent_text, table
from tilewright.run.result import Count

_T = TypeVar("_T")

MNEMONICS = 6
"""Instructions that a row of the table names: the most frequent ones."""


@dataclass(frozen=True, slots=True)
class LayerProfile:
    """One layer. functions: C function → its own count, the largest first."""

    layer: str
    op: str
    kernel: str
    count: int
    macs: int
    functions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class KernelProfile:
    """One kernel in all layers that call it."""

    kernel: str
    layers: int
    count: int
    macs: int


@dataclass(frozen=True, slots=True)
class Profile:
    """One inference.

    functions  C function → instruction → how often it was executed; empty where not measured
    """

    unit: str
    total: int
    layers: tuple[LayerProfile, ...]
    functions: Mapping[str, Mapping[str, int]]

    @property
    def kernels(self) -> tuple[KernelProfile, ...]:
        """The most expensive one first."""
        found: dict[str, KernelProfile] = {}
        for layer in self.layers:
            known = found.get(layer.kernel, KernelProfile(layer.kernel, 0, 0, 0))
            found[layer.kernel] = KernelProfile(
                layer.kernel,
                known.layers + 1,
                known.count + layer.count,
                known.macs + layer.macs,
            )
        return tuple(sorted(found.values(), key=lambda kernel: -kernel.count))

    def json(self) -> dict[str, Json]:
        """Key by key; per_mac is null where nothing is multiplied."""
        return {
            "unit": self.unit,
            "total": self.total,
            "layers": [
                {
                    "layer": row.layer,
                    "op": row.op,
                    "kernel": row.kernel,
                    "count": row.count,
                    "macs": row.macs,
                    "per_mac": _per_mac(row.count, row.macs),
                    "functions": dict(row.functions),
                }
                for row in self.layers
            ],
            "kernels": [
                {
                    "kernel": row.kernel,
                    "layers": row.layers,
                    "count": row.count,
                    "macs": row.macs,
                    "per_mac": _per_mac(row.count, row.macs),
                }
                for row in self.kernels
            ],
            "functions": {name: dict(mix) for name, mix in self.functions.items()},
        }

    def tables(self) -> Group:
        """Layers with their functions, kernels, functions with their instructions."""
        parts = [self._layer_table(), self._kernel_table()]
        if self.functions:
            parts.append(self._function_table())
        return Group(*parts)

    def _layer_table(self) -> Group:
        rows: list[tuple[str, str, str, str, str]] = []
        for row in self.layers:
            share = percent_text(row.count, self.total)
            rows.append(
                (row.layer, row.kernel, f"{row.count:,}", share, per_mac_text(row.count, row.macs))
            )
            rows += [
                ("", f"  {name}", f"{count:,}", percent_text(count, self.total), "")
                for name, count in row.functions.items()
            ]
        columns = ("Layer", "Kernel and functions", f">{self.unit.capitalize()}", ">Share", ">/MAC")
        return table("Profile by layer", columns, rows)

    def _kernel_table(self) -> Group:
        rows = [
            (
                row.kernel,
                str(row.layers),
                f"{row.count:,}",
                percent_text(row.count, self.total),
                per_mac_text(row.count, row.macs),
            )
            for row in self.kernels
        ]
        columns = ("Kernel", ">Layers", f">{self.unit.capitalize()}", ">Share", ">/MAC")
        return table("Profile by kernel", columns, rows)

    def _function_table(self) -> Group:
        rows: list[tuple[str, str, str]] = []
        for name, mix in self.functions.items():
            whole = sum(mix.values())
            said = ", ".join(
                f"{mnemonic} {percent_text(count, whole)}"
                for mnemonic, count in list(mix.items())[:MNEMONICS]
            )
            rows.append((name, f"{whole:,}", said))
        return table("Profile by C function", ("Function", ">Executed", "Most frequent"), rows)


def profile(program: Program, count: Count) -> Profile:
    """The profile that a count gives; functions are there where the runner measures them."""
    shares = count.functions or tuple({} for _ in count.layers)
    return Profile(
        count.unit,
        count.total,
        tuple(
            LayerProfile(
                layer.calls[-1].node.name,
                "+".join(type(call.node.op).__name__ for call in layer.calls),
                "+".join(call.kernel.symbol for call in layer.calls),
                count.layers[index],
                sum(call.node.op.macs(*call.signature.inputs) for call in layer.calls),
                _largest_first(_without_prefix(shares[index], program.name)),
            )
            for index, layer in enumerate(program.layers)
        ),
        {
            name: _largest_first(mix)
            for name, mix in sorted(
                _without_prefix(count.mixes, program.name).items(),
                key=lambda item: -sum(item[1].values()),
            )
        },
    )


def per_mac_text(count: int, macs: int) -> str:
    """Two decimals, or a dash where nothing is multiplied."""
    return f"{count / macs:.2f}" if macs else "-"


def _per_mac(count: int, macs: int) -> float | None:
    return round(count / macs, 4) if macs else None


def _without_prefix(by_name: Mapping[str, _T], network: str) -> dict[str, _T]:
    """C functions without the network's name, which all of them share."""
    return {name.removeprefix(f"{network}_"): value for name, value in by_name.items()}


def _largest_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
