"""Near memory that calls need, at least: what cannot fit is not looked at any further."""

from collections.abc import Mapping
from math import prod

from tilewright.ir.geometry import region_bytes
from tilewright.ir.graph import ValueName
from tilewright.ir.op import Along, Reduced
from tilewright.ir.types import Shape, Span
from tilewright.midend.tiling.runs import Run
from tilewright.midend.tiling.tilings import Tiling


def first_bytes(run: Run, shape: Shape) -> int:
    """Bytes that the last step's call for the first tile needs near, at least: its inputs lie
    beside each other, and beside its constants its output. Known before there are tiles."""
    step = run.members[-1]
    types = step.signature.inputs
    sizes: dict[ValueName, int] = {}
    for name, type_, access in zip(
        step.node.inputs, types, step.node.op.reads(*types), strict=True
    ):
        region = tuple(
            how.span(Span(0, shape[how.axis]), extent) if isinstance(how, Along)
            else Span(0, 0 if isinstance(how, Reduced) else extent)
            for how, extent in zip(access, type_.shape, strict=True)
        )  # fmt: skip
        sizes[name] = region_bytes(type_, region)
    return _together(run, sizes, step.signature.output.dtype.nbytes * prod(shape))


def call_bytes(run: Run, tiling: Tiling) -> int:
    """As ``first_bytes``, of the largest parts of the calls of every step."""
    largest = {
        name: run.types[name].dtype.nbytes * max(prod(part) for _, part in parts)
        for name, parts in tiling.parts.items()
    }
    return max(
        _together(
            run,
            {name: largest.get(name, 0) for name in step.node.inputs},
            largest.get(step.node.output, 0),
        )
        for step in run.members
    )


def _together(run: Run, inputs: Mapping[ValueName, int], output: int) -> int:
    constants = run.graph.constants
    fixed = sum(size for name, size in inputs.items() if name in constants)
    return max(sum(inputs.values()), fixed + output)
