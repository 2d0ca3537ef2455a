"""What `tilewright explain` says: which rules changed which nodes, which did not and why, and why
each node runs on the kernel that it runs on."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from tilewright.frontend.rewrites.engine import RuleNote
from tilewright.ir.graph import Graph
from tilewright.ir.pins import PinKind, Pins
from tilewright.ir.target import Misfit, Signature, Target
from tilewright.midend.assign import judge
from tilewright.ops.layout import Reshape
from tilewright.report.text import Json, paragraph, table


@dataclass(frozen=True, slots=True)
class KernelNote:
    """What one kernel said about one node: its cycles, or why it refuses."""

    kernel: str
    cycles: int | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class KernelChoice:
    """One node of the compiled network. ``chosen`` is None for a view: nothing runs."""

    node: str
    op: str
    chosen: str | None
    said: tuple[KernelNote, ...]


@dataclass(frozen=True, slots=True)
class ExplainReport:
    """The decisions of one compilation."""

    model: str
    target: str
    applied: tuple[RuleNote, ...]
    refused: tuple[RuleNote, ...]
    kernels: tuple[KernelChoice, ...]

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "model": self.model,
            "target": self.target,
            "applied": [_note_json(note) for note in self.applied],
            "refused": [_note_json(note) for note in self.refused],
            "kernels": [
                {
                    "node": choice.node,
                    "op": choice.op,
                    "chosen": choice.chosen,
                    "said": [
                        {"kernel": n.kernel, "cycles": n.cycles, "refusal": n.refusal}
                        for n in choice.said
                    ],
                }
                for choice in self.kernels
            ],
        }

    def show(self, console: Console) -> None:
        """Three tables; kernels that are for other operators are not mentioned."""
        _show_notes(console, "Rules that applied", "To", self.applied)
        _show_notes(console, "Rules that did not apply", "Because", self.refused)
        rows: list[tuple[str, str, str, str]] = []
        for choice in self.kernels:
            said = [(n.kernel, n.refusal or f"about {n.cycles:,} cycles") for n in choice.said]
            first, *others = said or [("(none)", "a view: nothing runs")]
            rows.append((choice.node, choice.op, *first))
            rows += [("", "", f"  not {kernel}", text) for kernel, text in others]
        if rows:
            console.print(table("Kernels", ("Node", "<Operator", "Kernel", "What it said"), rows))
        if not (rows or self.applied or self.refused):
            paragraph(console, "Nothing to explain: no rule or node of that name.")


def kernel_choices(graph: Graph, target: Target, pins: Pins = ()) -> tuple[KernelChoice, ...]:
    """Every node with the kernels that concern it, the willing ones first, cheapest first."""
    engines = {pin.name: pin.engine for pin in pins if pin.kind is PinKind.ENGINE}
    return tuple(_choice(graph, index, target, engines) for index in range(len(graph.nodes)))


def _choice(graph: Graph, index: int, target: Target, engines: Mapping[str, str]) -> KernelChoice:
    node = graph.nodes[index]
    op = type(node.op).__name__
    if isinstance(node.op, Reshape):
        return KernelChoice(node.name, op, None, ())
    signature = Signature(graph.input_types(node), graph.type(node.output))
    verdicts = judge(node.op, signature, target)
    willing = sorted(
        (v for v in verdicts if v.refusal is None),
        key=lambda v: (v.engine.name != engines.get(node.name, v.engine.name), v.cycles),
    )
    unwilling = [v for v in verdicts if v.refusal and v.refusal.misfit is Misfit.CALL]
    said = tuple(
        KernelNote(v.kernel.symbol, None if v.refusal else v.cycles, v.refusal and v.refusal.reason)
        for v in (*willing, *unwilling)
    )
    return KernelChoice(node.name, op, willing[0].kernel.symbol if willing else "(none)", said)


def _show_notes(console: Console, title: str, last: str, notes: tuple[RuleNote, ...]) -> None:
    if notes:
        rows = [(note.rule, note.node, note.text) for note in notes]
        console.print(table(title, ("Rule", "Node", last), rows))


def _note_json(note: RuleNote) -> dict[str, Json]:
    return {"rule": note.rule, "node": note.node, "text": note.text}
