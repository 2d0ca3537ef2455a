"""Graph to Assignment: which kernel runs each node, and in which order.

A kernel refuses with a sentence or accepts; of those that accept, the one with the fewest
estimated cycles on its engine's cores wins, and of equals the first in the target's own order;
unless it is worth less than its flash (few_kernels.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tilewright.errors import OptionError, Refusal, UnsupportedError
from tilewright.ir.graph import Graph, Node, ValueName
from tilewright.ir.op import Op
from tilewright.ir.pins import Pin, PinKind, Pins
from tilewright.ir.plan import Assignment, Axes, Step
from tilewright.ir.target import Engine, Kernel, Misfit, Objection, Signature, Target
from tilewright.midend.bounded import growing_axes
from tilewright.midend.few_kernels import Candidate, without_rare
from tilewright.midend.order import issue_order
from tilewright.midend.tiling.fusible import with_sums_late


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one kernel of one engine says about one node: ``refusal``, or else ``cycles``."""

    engine: Engine
    kernel: Kernel
    refusal: Objection | None
    cycles: int


def assign(graph: Graph, target: Target, pins: Pins = (), spare: float = 0.0) -> Assignment:
    """The fastest willing kernel for every node, in the order that needs the least memory.

    spare  the share of all cycles that may be given for calling fewer kernels, where all are those
           of one engine

    Raises UnsupportedError naming every node that no kernel takes, and each kernel's reason.
    """
    pinned = {pin.name: pin for pin in pins if pin.kind is PinKind.ENGINE}
    steps: list[Step] = []
    choices: list[tuple[Candidate, ...]] = []
    refusals: list[Refusal] = []
    unsupported: list[Node] = []
    grown = growing_axes(graph)
    for node in graph.nodes:
        signature = Signature(graph.input_types(node), graph.type(node.output))
        if node.op.is_view:
            assert node.inputs[0] not in graph.constants, (
                f"{node} shows a constant; this is a bug in tilewright"
            )
            steps.append(Step(node, signature, None, None))
            continue
        verdicts = judge(node.op, signature, target)
        if node.name in pinned:
            verdicts = _on_engine(node, verdicts, pinned[node.name])
        willing = [verdict for verdict in verdicts if verdict.refusal is None]
        if willing:
            choices.append(tuple((v.engine, v.kernel, v.cycles) for v in willing))
            steps.append(Step(node, signature, None, None, _growing(node, grown)))
        else:
            unsupported.append(node)
            refusals.extend(_merged(node, verdicts))
    if unsupported:
        names = ", ".join(map(str, unsupported))
        count = f"{len(unsupported)} of {len(graph.nodes)} nodes: " if len(unsupported) > 1 else ""
        headline = f"target '{target.name}' has no kernel for {count}{names}"
        raise UnsupportedError(headline, tuple(refusals))
    chosen = iter(without_rare(choices, spare if len(target.engines) == 1 else 0.0))
    ordered = issue_order(graph, tuple(_called(step, chosen) for step in steps))
    return Assignment(with_sums_late(graph, ordered), pins)


def _growing(node: Node, grown: Mapping[ValueName, Axes]) -> tuple[Axes, ...]:
    axes = tuple(grown.get(name, Axes()) for name in (*node.inputs, node.output))
    return axes if any(axes) else ()


def _called(step: Step, chosen: Iterator[Candidate]) -> Step:
    if step.node.op.is_view:
        return step
    engine, kernel, _ = next(chosen)
    return replace(step, engine=engine, kernel=kernel)


def _on_engine(node: Node, verdicts: tuple[Verdict, ...], pin: Pin) -> tuple[Verdict, ...]:
    """Those of the engine that a node is pinned to. Raises OptionError where none is willing."""
    there = tuple(verdict for verdict in verdicts if verdict.engine.name == pin.engine)
    if all(verdict.refusal is not None for verdict in there):
        able = dict.fromkeys(v.engine.name for v in verdicts if v.refusal is None)
        why = "".join(f"\n  {r.candidate}: {r.reason}" for r in _merged(node, there))
        raise OptionError(
            f"{pin}: no kernel of {pin.engine} takes the node, {', '.join(able) or 'nothing'} "
            f"does{why}"
        )
    return there


def judge(op: Op, signature: Signature, target: Target) -> tuple[Verdict, ...]:
    """Every kernel's answer to one node, engines and kernels in the target's order."""
    return tuple(
        _verdict(engine, kernel, op, signature)
        for engine in target.engines
        if target.is_usable(engine)
        for kernel in engine.kernels
    )


def _verdict(engine: Engine, kernel: Kernel, op: Op, signature: Signature) -> Verdict:
    refusal = kernel.objection(op, signature)
    return Verdict(engine, kernel, refusal, kernel.cycles(op, signature) if refusal is None else 0)


def _merged(node: Node, verdicts: tuple[Verdict, ...]) -> tuple[Refusal, ...]:
    """One refusal per reason, of the kernels that come closest."""
    objections = [(v.kernel.symbol, v.refusal) for v in verdicts if v.refusal is not None]
    for misfit in (Misfit.CALL, Misfit.VARIANT):
        symbols: dict[str, list[str]] = {}
        for symbol, objection in objections:
            if objection.misfit is misfit:
                symbols.setdefault(objection.reason, []).append(symbol)
        if symbols:
            return tuple(
                Refusal(f"{node.name}: {', '.join(names)}", reason)
                for reason, names in symbols.items()
            )
    reason = f"none of the {len(verdicts)} kernels computes {type(node.op).__name__}"
    return (Refusal(node.name, reason),)
