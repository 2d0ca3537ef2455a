"""What must hold of groups whose first step sums its reduced dimensions in parts: every tile of the
output adds up every element once, in a row, before anybody reads the sums.
"""

from collections.abc import Iterator

from tilewright.ir.op import Reduced
from tilewright.ir.plan import Plan, Step
from tilewright.ir.program import TileCall
from tilewright.ir.tiling import Hold
from tilewright.ir.types import Region, Span
from tilewright.midend.tiling.tiles import tiles_of


def part_findings(plan: Plan) -> Iterator[str]:
    """Everything that is wrong with sums in parts, in words."""
    for index, group in enumerate(plan.groups):
        if not group.parts:
            continue
        steps = plan.steps[group.steps.start : group.steps.stop]
        if group.holds[steps[0].node.output] is not Hold.LOCAL:
            yield f"group {index} does not keep its sums"
        if {Hold.CARRIED, Hold.PASSED, Hold.RELAYED} & {*group.holds.values()}:
            yield f"group {index} sums in parts and works on two tiles at a time"
        yield from _sums(steps, [tile.calls for tile in tiles_of(plan.steps, group)])


def _sums(steps: tuple[Step, ...], tiles: list[tuple[TileCall | None, ...]]) -> Iterator[str]:
    first = steps[0]
    region: Region | None = None
    done = 0
    for number, (call, *others) in enumerate(tiles):
        where = f"tile {number} of {first.node}"
        parts: set[tuple[Span, int]] = set() if call is None else {*_parts(first, call)}
        if call is None or len(parts) != 1:
            yield f"{where} sums {sorted(parts) or 'nothing'}"
            return
        ((part, extent),) = parts
        if region is None:
            region, done = call.output, 0
        if call.output != region or part.start != done or call.op.adds_up() != (done > 0):
            yield f"{where} sums {part} of {call.output} after {done} elements of {region}"
        done = part.stop
        is_last = done == extent
        if any((other is not None) != is_last for other in others):
            yield f"{where}: {done} of {extent} elements are summed when the steps behind it run"
        region = None if is_last else region
    if region is not None:
        yield f"{first.node} ends after {done} elements"


def _parts(step: Step, call: TileCall) -> Iterator[tuple[Span, int]]:
    """The part that a call is given of every reduced dimension, and that dimension's extent."""
    types = step.signature.inputs
    for access, given, type_ in zip(step.node.op.reads(*types), call.inputs, types, strict=True):
        for how, span, extent in zip(access, given, type_.shape, strict=True):
            if isinstance(how, Reduced):
                yield span, extent
