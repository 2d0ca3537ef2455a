"""The sentences of a refusal: how many bytes are missing where, what needs them and why, which
requirements conflict, and what would make it fit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from textwrap import wrap

from tilewright.ir.graph import Graph
from tilewright.ir.plan import Plan
from tilewright.ir.target import Memory
from tilewright.midend.refusals.needs import Need, Peak
from tilewright.midend.refusals.remedies import Doctor

WIDTH = 98
NARROWEST = 40
"""Characters of a line, and of its last column."""


def refusal(doctor: Doctor, whole: Plan | None) -> str:
    """Why nothing fits. ``whole``: every step computed at once, where that is a plan."""
    request = doctor.request
    best = replace(doctor.best, pins=request.assignment.pins)
    lines: list[str] = []
    for memory in doctor.too_small:
        lines += shortfall(best, whole, request.graph, memory)
    conflict = doctor.requirements()
    if len(conflict) > 1:
        lines += ["  these cannot hold together:", *(f"    {said}" for said in conflict)]
    lines += ["  each of these was tried and fits:", *(f"    {s}" for s in doctor.remedies())]
    return "\n".join(lines)


def shortfall(best: Plan, whole: Plan | None, graph: Graph, memory: Memory) -> Iterator[str]:
    """What one memory has, what is needed, where it is fullest, with what, and why."""
    assert memory.size is not None
    name, size = memory.name, memory.size
    stored = best.constant_bytes.get(name, 0)
    needed, bound = best.arena_bytes[name] + stored, best.lower_bound[name] + stored
    peak = Peak(best, graph, name)
    yield (
        f"{name} of target '{best.target}': the network needs {needed:,} B, "
        f"{needed - size:,} B more than the {size:,} B that there are"
    )
    yield from wrap(
        f"fullest at {peak.step.node}, step {peak.time + 1} of {len(best.steps)}, computed "
        f"{peak.how()}, with", WIDTH, initial_indent="  ", subsequent_indent="  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    own, beside = peak.own(), peak.beside()
    yield from _rows(own, (*own, *beside))
    if beside:
        yield "  while these stay there"
        yield from _rows(beside, (*own, *beside))
    if stored:
        yield f"  and {stored:,} B of constants"
    total = stored + sum(need.size for need in (*own, *beside))
    if total > needed:
        yield f"  {total - needed:,} B of these lie on top of each other"
    if bound > size:
        yield f"  no placement of these needs less than {bound:,} B"
    else:
        yield f"  it is only proven that at least {bound:,} B are needed"
    if whole is not None and needed < whole.used(name):
        yield f"  with every step computed at once, {whole.used(name):,} B"


def _rows(needs: Sequence[Need], aligned: Sequence[Need]) -> Iterator[str]:
    """One line per buffer, in columns that fit all of ``aligned``."""
    names = max(len(need.name) for need in aligned)
    sizes = max(len(f"{need.size:,}") for need in aligned)
    for need in needs:
        why = ", ".join(filter(None, (need.shape, need.why)))
        start = f"    {need.name:<{names}}  {need.size:>{sizes},} B  "
        yield from wrap(
            start + why, max(WIDTH, len(start) + NARROWEST), subsequent_indent=" " * len(start),
            drop_whitespace=True, break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
