"""Applies rewrite rules until none of them matches, and keeps a record of what they said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.prune_report import PruneReport
from tilewright.ir.graph import Graph, Node, ValueName


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Why a rule that concerns a node leaves it as it is."""

    reason: str


RuleFunction = Callable[[Draft, Node], Rewrite | NoMatch | None]
"""A rule looks at one node and changes nothing: it returns the change that it wants, the reason why
it does not apply, or None where the node is none of its business."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rewrite rule as a person meets it in ``explain``.

    name     as written on the command line
    summary  what it does, in one sentence
    """

    name: str
    summary: str
    match: RuleFunction


@dataclass(frozen=True, slots=True)
class RuleNote:
    """What one rule said about one node; ``text`` is the reason of a refusal, else the operator."""

    rule: str
    node: str
    text: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A graph after rewriting, and the story of how it came about.

    applied  in the order in which it happened
    refused  what concerned a node of the final graph and did not apply
    prune    what dead channel elimination removed; None where it did not run
    """

    graph: Graph
    applied: tuple[RuleNote, ...] = ()
    refused: tuple[RuleNote, ...] = ()
    prune: PruneReport | None = None


def apply_rules(graph: Graph, rules: Sequence[Rule]) -> Rewritten:
    """Rewrite to a fixpoint: nodes in issue order, rules in the order given, first match wins."""
    draft = Draft(graph)
    applied: list[RuleNote] = []
    bound = 100 * (len(graph.nodes) + 10)
    while True:
        before = len(applied)
        refused = _sweep(draft, rules, applied, bound)
        if len(applied) == before:
            is_other = applied or len(draft.ordered()) < len(graph.nodes)  # dead ends went
            return Rewritten(draft.graph() if is_other else graph, tuple(applied), tuple(refused))


def obstacle(*checks: tuple[bool, str]) -> NoMatch | None:
    """The reason of the first check that is true, in the order in which a person would ask."""
    return next((NoMatch(reason) for is_so, reason in checks if is_so), None)


def bypass(draft: Draft, node: Node, same: ValueName) -> Rewrite | NoMatch:
    """``node``'s output equals ``same`` in value, type and quantisation: let one of them vanish."""
    if draft.type(same) != draft.type(node.output):
        return NoMatch(f"{same} is {draft.type(same)}, {node.output} is {draft.type(node.output)}")
    if draft.values[same].quantisation != draft.values[node.output].quantisation:
        return NoMatch(f"{same} and {node.output} are quantised differently")
    if node.output not in draft.outputs:
        return Rewrite(draft, node, renames={node.output: same})
    producer = draft.producer(same)
    if producer is None or same in draft.outputs:
        kind = "another output" if same in draft.outputs else "an input or constant"
        return NoMatch(f"{node.output} is an output of the network and {same} is {kind}")
    rewrite = Rewrite(draft, node, renames={same: node.output})
    return rewrite.finish(producer.op, producer.inputs, producer.name)


def _sweep(
    draft: Draft, rules: Sequence[Rule], applied: list[RuleNote], bound: int
) -> list[RuleNote]:
    """Ask every rule about every node once, and about the nodes that rules make."""
    refused: list[RuleNote] = []
    waiting = [node.output for node in reversed(draft.ordered())]
    while waiting:
        node = draft.producer(waiting.pop())
        if node is None:
            continue
        said: list[RuleNote] = []
        rewrite = _first_match(draft, node, rules, said)
        if rewrite is None:
            refused.extend(said)
            continue
        rule, change = rewrite
        applied.append(RuleNote(rule.name, node.name, str(node.op)))
        assert len(applied) < bound, f"rewrite rules undo each other: {applied[-4:]}"
        draft.apply(change)
        waiting.extend(n.output for n in reversed(change.nodes))
    return refused


def _first_match(
    draft: Draft, node: Node, rules: Sequence[Rule], said: list[RuleNote]
) -> tuple[Rule, Rewrite] | None:
    for rule in rules:
        outcome = rule.match(draft, node)
        if isinstance(outcome, Rewrite):
            return rule, outcome
        if outcome is not None:
            said.append(RuleNote(rule.name, node.name, outcome.reason))
    return None
