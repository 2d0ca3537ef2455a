"""What `tilewright inspect` says: what is in a model file, and what of it can be compiled."""

from collections import Counter
from dataclasses import dataclass

from rich.console import Console

from tilewright.frontend.rewrites.prune_report import PruneReport
from tilewright.ir.graph import Graph, Node, Value
from tilewright.ir.types import Quantisation
from tilewright.report.problems import Problem
from tilewright.report.text import (
    Json,
    count_text,
    facts,
    paragraph,
    percent_text,
    size_text,
    table,
)


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One node of the file.

    quantisation   of the output; None for real numbers
    weight_scales  scales of the weights: 1 per tensor, else one per channel; 0 for real numbers
    constants      bytes
    """

    name: str
    op: str
    output: str
    quantisation: Quantisation | None
    weight_scales: int
    macs: int
    parameters: int
    constants: int


@dataclass(frozen=True, slots=True)
class InspectReport:
    """One model, seen before compiling it.

    prune  None where nothing was pruned: --no-prune, or a network with problems
    """

    model: str
    name: str
    contract: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: tuple[OperatorRow, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    prune: PruneReport | None

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference, as the file has them."""
        return sum(row.macs for row in self.operators)

    def json(self) -> dict[str, Json]:
        """The machine form."""
        prune = self.prune
        return {
            "model": self.model,
            "name": self.name,
            "contract": self.contract,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "operators": [
                {
                    "name": row.name,
                    "op": row.op,
                    "output": row.output,
                    "scale": row.quantisation and row.quantisation.scale,
                    "zero_point": row.quantisation and row.quantisation.zero_point,
                    "weight_scales": row.weight_scales,
                    "macs": row.macs,
                    "parameters": row.parameters,
                    "constant_bytes": row.constants,
                }
                for row in self.operators
            ],
            "macs": {
                "source": self.macs,
                "compiled": prune.macs_after if prune is not None else None,
            },
            "weight_bytes": None
            if prune is None
            else {"before": prune.weight_bytes_before, "after": prune.weight_bytes_after},
            "unsupported": [{"node": p.node, "reason": p.reason} for p in self.problems],
            "notes": list(self.notes),
        }

    def show(self, console: Console) -> None:
        """Operators, totals, what pruning removes, what stands in the way."""
        console.print(table("Operators", _COLUMNS, [_cells(row) for row in self.operators]))
        kinds = Counter(row.op for row in self.operators)
        constants = sum(row.constants for row in self.operators)
        parameters = sum(row.parameters for row in self.operators)
        rows = [
            ("Inputs", "\n".join(self.inputs)),
            ("Outputs", "\n".join(self.outputs)),
            ("Operators", ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())),
            ("Contract", self.contract),
            ("MACs", f"{self.macs:,} ({count_text(self.macs)})"),
            ("Parameters", f"{parameters:,} in {size_text(constants)}"),
        ]
        console.print(facts(rows))
        if self.prune is not None:
            _show_prune(console, self.prune)
        for note in self.notes:
            paragraph(console, f"Note: {note}", "yellow")
        for problem in self.problems:
            paragraph(console, f"Unsupported: {problem.node}: {problem.reason}", "bold red")
        if not self.problems:
            paragraph(console, "Every operator is supported.", "green")


_COLUMNS = (
    "Node", "<Operator", "<Output", ">Scale", ">Zero", ">w scales", ">MACs", ">Const B",
)  # fmt: skip


def operator_rows(graph: Graph) -> tuple[OperatorRow, ...]:
    """One row per node of a source graph."""
    return tuple(_row(graph, node) for node in graph.nodes)


def describe(value: Value) -> str:
    """A graph input or output in one line."""
    return f"{value}, {value.quantisation}" if value.quantisation is not None else str(value)


def _row(graph: Graph, node: Node) -> OperatorRow:
    names = [name for name in dict.fromkeys(node.inputs) if name in graph.constants]
    constants = [graph.constants[name] for name in names]
    scales = [len(q.scales) for name in names if (q := graph.values[name].quantisation)]
    quantisation = graph.values[node.output].quantisation
    return OperatorRow(
        node.name,
        type(node.op).__name__,
        str(graph.type(node.output)),
        quantisation if quantisation is not None and quantisation.is_per_tensor else None,
        max(scales, default=0),
        node.op.macs(*graph.input_types(node)),
        sum(array.size for array in constants),
        sum(array.nbytes for array in constants),
    )


def _cells(row: OperatorRow) -> tuple[str, ...]:
    q = row.quantisation
    return (
        row.name,
        row.op,
        row.output,
        f"{q.scale:.6g}" if q is not None else "",
        str(q.zero_point) if q is not None else "",
        str(row.weight_scales or ""),
        f"{row.macs:,}",
        f"{row.constants:,}",
    )


def _show_prune(console: Console, prune: PruneReport) -> None:
    if not prune.removed:
        return
    rows = [
        (
            layer.node,
            f"{layer.channels[0]} to {layer.channels[1]}",
            f"{layer.macs[0]:,}",
            f"{layer.macs[1]:,}",
        )
        for layer in prune.removed
    ]
    title = "Channels whose weights are all zero, and what they take with them"
    console.print(table(title, ("Layer", ">Channels", ">MACs before", ">MACs after"), rows))
    saved = prune.macs_before - prune.macs_after
    before, after = prune.weight_bytes_before, prune.weight_bytes_after
    console.print(
        facts(
            [
                (
                    "Pruned MACs",
                    f"{prune.macs_before:,} to {prune.macs_after:,} "
                    f"({percent_text(saved, prune.macs_before)} less)",
                ),
                ("Weights", f"{size_text(before)} to {size_text(after)}"),
            ]
        )
    )
