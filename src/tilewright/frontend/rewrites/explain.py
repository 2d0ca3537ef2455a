"""The story of each rule, for ``tilewright explain``."""

from collections.abc import Sequence
from dataclasses import dataclass

from tilewright.frontend.rewrites.engine import Rewritten, Rule, RuleNote
from tilewright.frontend.rewrites.rules import LOWERED_RULES, SOURCE_RULES

PRUNING = ("prune-channels", "Remove channels that are constant or that nobody reads.")


@dataclass(frozen=True, slots=True)
class RuleStory:
    """What one rule did in one phase.

    phase    "source" before lowering, "integer" after it
    applied  where it applied: node and operator, in order
    refused  where it concerned a node and did not apply: node and reason
    """

    phase: str
    name: str
    summary: str
    applied: tuple[RuleNote, ...]
    refused: tuple[RuleNote, ...]


def explain_rules(simplified: Rewritten, optimised: Rewritten) -> tuple[RuleStory, ...]:
    """One story per rule, also of rules that did nothing, in the order in which they are tried."""
    source = _stories("source", SOURCE_RULES, simplified)
    integer = _stories("integer", LOWERED_RULES, optimised)
    removed = tuple(note for note in optimised.applied if note.rule == PRUNING[0])
    return (*source, *integer, RuleStory("integer", *PRUNING, removed, ()))


def _stories(phase: str, rules: Sequence[Rule], rewritten: Rewritten) -> tuple[RuleStory, ...]:
    return tuple(
        RuleStory(
            phase, rule.name, rule.summary,
            tuple(note for note in rewritten.applied if note.rule == rule.name),
            tuple(note for note in rewritten.refused if note.rule == rule.name),
        )
        for rule in rules
    )  # fmt: skip
