"""What `tilewright run` says: outputs, memory and, where asked, instructions. Scripts rely on the
JSON form; docs/reference/cli.md describes every key."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from rich.console import Console, Group

from tilewright.ir.graph import ValueName
from tilewright.ir.program import Program
from tilewright.ir.types import Array
from tilewright.report.memory import MemoryUse, memory_table
from tilewright.report.profile import Profile, per_mac_text
from tilewright.report.text import Json, count_text, facts, paragraph, percent_text, table
from tilewright.run.clock import time_program
from tilewright.run.result import Count, Energy, Speed

SHOWN = 5
"""Outputs that are shown: the largest ones."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer. ``count`` is None where nothing was counted.

    engine   several engines that compute it together are joined by +
    planned  what the target's cost tables say of it, in its own unit
    """

    name: str
    op: str
    engine: str
    count: int | None
    macs: int
    planned: int


@dataclass(frozen=True, slots=True)
class RunReport:
    """One `tilewright run`.

    runs        how often the whole batch was run, in one process
    macs        multiply-accumulates of one inference: in the file, and as compiled
    count_unit  "instructions", "cycles", or "none" where nothing was counted
    planned     cycles of one inference on the target's own numbers; fitted to what is counted
    outputs     by the graph's output names; stored type; a batch dimension first if one was given
    profile     None where nobody asked for it
    energy      an estimate; None where the target has no model of it
    timeline    of the counted inference, Perfetto trace JSON; None where nobody knows it
    speed       what cycles mean; None where the target has no clock of its own
    gaps        what figures lean on in which the simulated machine is known to be unlike the chip
    """

    model: str
    target: str
    contract: str
    inferences: int
    runs: int
    runs_identical: bool
    macs: tuple[int, int]
    memories: tuple[MemoryUse, ...]
    count_unit: str
    count_total: int | None
    planned: int
    layers: tuple[LayerCost, ...]
    outputs: Mapping[ValueName, Array]
    profile: Profile | None = None
    energy: Energy | None = None
    timeline: str | None = None
    speed: Speed | None = None
    gaps: tuple[str, ...] = ()

    def json(self) -> dict[str, Json]:
        """The machine interface, key by key."""
        return {
            "model": self.model,
            "target": self.target,
            "contract": self.contract,
            "runs": self.runs,
            "runs_identical": self.runs_identical,
            "macs": {"source": self.macs[0], "compiled": self.macs[1]},
            "memory": {memory.name: memory.json() for memory in self.memories},
            "count": {
                "unit": self.count_unit,
                "total": self.count_total,
                "planned": self.planned,
                "layers": [
                    {
                        "name": layer.name,
                        "op": layer.op,
                        "engine": layer.engine,
                        "count": layer.count,
                        "planned": layer.planned,
                        "macs": layer.macs,
                    }
                    for layer in self.layers
                ],
            },
            "plan": {"cycles": self.planned},
            **({"profile": self.profile.json()} if self.profile is not None else {}),
            **self._energy(),
            **self._speed(),
            **({"unlike_the_chip": list(self.gaps)} if self.gaps else {}),
        }

    def _energy(self) -> dict[str, Json]:
        if self.energy is None:
            return {}
        return {
            "energy_uj": round(self.energy.microjoules, 3),
            "energy_model": self.energy.model,
        }

    def _speed(self) -> dict[str, Json]:
        if self.speed is None or not self.count_total:
            return {}
        macs, cycles = self.macs[1], self.count_total
        return {
            "speed": {
                "clock_hz": self.speed.hertz,
                "engine": self.speed.engine,
                "in_use": round(self.speed.in_use(macs, cycles), 4),
                "gop_per_second": round(self.speed.gop_per_second(macs, cycles), 2),
                "inferences_per_second": round(self.speed.per_second(cycles), 3),
            }
        }

    def _speed_row(self) -> list[tuple[str, str]]:
        if self.speed is None or not self.count_total:
            return []
        macs, cycles = self.macs[1], self.count_total
        return [
            (
                "Speed",
                f"{self.speed.per_second(cycles):,.1f} inferences/s and "
                f"{self.speed.gop_per_second(macs, cycles):,.0f} GOp/s at "
                f"{self.speed.hertz / 1e6:.0f} MHz; {self.speed.engine} does "
                f"{self.speed.in_use(macs, cycles):.1%} of what it could",
            )
        ]

    def show(self, console: Console) -> None:
        """Outputs first: they are what a person ran it for."""
        for name, array in self.outputs.items():
            console.print(_output_table(name, array, is_batch=self.inferences > 1))
        if self.count_total is not None:
            console.print(self._cost_table(self.count_total))
        if self.profile is not None:
            console.print(self.profile.tables())
        console.print(memory_table(self.memories))
        many = f"{self.inferences} inferences" if self.inferences > 1 else "one inference"
        source, compiled = (count_text(macs) for macs in self.macs)
        rows = [
            ("Runs", f"{self.runs} in one process, of {many}"),
            ("Contract", self.contract),
            ("MACs", f"{compiled} compiled, {source} in the model"),
        ]
        if self.count_total:
            off = percent_text(self.planned - self.count_total, self.count_total)
            planned, counted = count_text(self.planned), count_text(self.count_total)
            said = f"{planned}, counted {counted} {self.count_unit}: off by {off}"
            rows.append(("Planned", said))
        if self.energy is not None:
            rows.append(("Energy", f"{self.energy.microjoules:.1f} uJ, {self.energy.model}"))
        rows += self._speed_row()
        rows += [("Unlike the chip", gap) for gap in self.gaps]
        console.print(facts(rows))
        if self.runs > 1 and self.runs_identical:
            paragraph(console, f"All {self.runs} runs gave the same bytes.", "green")
        elif not self.runs_identical:
            paragraph(console, "The runs gave different bytes.", "bold red")

    def _cost_table(self, total: int) -> Group:
        has_engines = len({layer.engine for layer in self.layers}) > 1
        engine = ("Engine",) if has_engines else ()
        rows = [
            (
                layer.name,
                layer.op,
                *((layer.engine,) if has_engines else ()),
                f"{layer.count or 0:,}",
                percent_text(layer.count or 0, total),
                f"{layer.macs:,}",
                per_mac_text(layer.count or 0, layer.macs),
            )
            for layer in self.layers
        ]
        macs = self.macs[1]
        nothing = ("",) * len(engine)
        rows.append(("all", "", *nothing, f"{total:,}", "", f"{macs:,}", per_mac_text(total, macs)))
        unit = f">{self.count_unit.capitalize()}"
        columns = ("Layer", "Operator", *engine, unit, ">Share", ">MACs", ">/MAC")
        return table("One inference", columns, rows)


def _output_table(name: str, array: Array, *, is_batch: bool) -> Group:
    if is_batch:
        title = f"Output {name}: {array.dtype.name}{list(array.shape)}, the first inference"
        array = array[0]
    else:
        title = f"Output {name}: {array.dtype.name}{list(array.shape)}"
    flat = array.reshape(-1)
    largest = np.argsort(-flat.astype(np.float64), kind="stable")[:SHOWN]
    rows = [(str(int(i)), f"{flat[i]:g}") for i in largest]
    return table(title, (">Index", ">Value"), rows)


def layer_costs(program: Program, count: Count | None) -> tuple[LayerCost, ...]:
    """One row per layer of the program, with its cost where there is one.

    Nodes that are computed together, tile by tile, are one layer; its name is the last one's.
    """
    timing = time_program(program)
    return tuple(
        LayerCost(
            layer.calls[-1].node.name,
            "+".join(type(call.node.op).__name__ for call in layer.calls),
            "+".join(dict.fromkeys(call.engine.name for call in layer.calls)),
            count.layers[index] if count is not None and count.layers else None,
            sum(call.node.op.macs(*call.signature.inputs) for call in layer.calls),
            timing.layers[index].stop - timing.layers[index].start,
        )
        for index, layer in enumerate(program.layers)
    )
