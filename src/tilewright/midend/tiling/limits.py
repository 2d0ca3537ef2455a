"""What kernels want of the sizes of their calls, and what that means for tiles of a whole run."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import lcm

from tilewright.ir.graph import ValueName
from tilewright.ir.op import Along
from tilewright.ir.plan import Step
from tilewright.ir.program import TileCall
from tilewright.ir.target import (
    AtMost,
    AtMostInput,
    Limit,
    MultipleOf,
    Signature,
    WholeAxis,
)
from tilewright.ir.types import Shape, TensorType


def is_willing(step: Step, call: TileCall) -> bool:
    """Whether the step's kernel takes a call, and the operator can be cut so."""
    assert step.kernel is not None
    whole = step.signature.output.shape
    if any(
        call.output[a].size != whole[a] for a in step.node.op.whole_axes(*step.signature.inputs)
    ):
        return False
    return step.kernel.objection(call.op, call.signature) is None and all(
        keeps_limit(limit, call.signature, step.signature) for limit in step.kernel.limits
    )


def keeps_limit(limit: Limit, signature: Signature, whole: Signature) -> bool:
    """Whether one call's types keep to one of its kernel's limits."""
    out = signature.output.shape
    match limit:
        case MultipleOf(axis, n):
            return out[axis] % n == 0
        case AtMost(axis, n):
            return out[axis] <= n
        case AtMostInput(index, axis, n):
            return signature.inputs[index].shape[axis] <= n
        case WholeAxis(axis):
            return out[axis] == whole.output.shape[axis]


def largest_tile(members: Sequence[Step]) -> Shape:
    """The largest tile of a run's output for which no call is larger than its kernel allows. Each
    axis is as long as it can be however the others are cut."""
    tile = members[-1].signature.output.shape
    for index, limit in _size_limits(members):
        for axis in range(len(tile)):
            if _keeps(members, index, limit, tile):
                break
            sizes = range(1, tile[axis])
            # From the largest size that keeps to the limit on, every larger one breaks it.
            broken = bisect_left(
                sizes, True, key=lambda n: not _keeps(members, index, limit, _with(tile, axis, n))
            )
            if broken:
                tile = _with(tile, axis, sizes[broken - 1])
    return tuple(_in_grains(members[-1], axis, size) for axis, size in enumerate(tile))


def grain(step: Step, axis: int) -> int:
    """What the sizes of a step's calls are multiples of."""
    assert step.kernel is not None
    return lcm(*(x.n for x in step.kernel.limits if isinstance(x, MultipleOf) and x.axis == axis))


def _in_grains(step: Step, axis: int, size: int) -> int:
    unit = grain(step, axis)
    is_whole = size == step.signature.output.shape[axis]
    return size if is_whole or size < unit else size // unit * unit


def _size_limits(members: Sequence[Step]) -> Iterator[tuple[int, Limit]]:
    for index, step in enumerate(members):
        assert step.kernel is not None
        for limit in step.kernel.limits:
            if isinstance(limit, AtMost | AtMostInput):
                yield index, limit


def _with(tile: Shape, axis: int, size: int) -> Shape:
    return (*tile[:axis], size, *tile[axis + 1 :])


def _keeps(members: Sequence[Step], index: int, limit: Limit, tile: Shape) -> bool:
    step = members[index]
    return keeps_limit(limit, _parts(members, tile)[index], step.signature)


def _parts(members: Sequence[Step], tile: Shape) -> list[Signature]:
    """What each step is called for at most, away from the edges of its tensors."""
    wanted: dict[ValueName, Shape] = {members[-1].node.output: tile}
    parts: list[Signature] = []
    for step in reversed(members):
        out = wanted[step.node.output]
        whole = step.signature.output.shape
        inputs: list[TensorType] = []
        types = step.signature.inputs
        reads = step.node.op.reads(*types)
        for name, type_, access in zip(step.node.inputs, types, reads, strict=True):
            shape = tuple(
                min(extent, (out[how.axis] - 1) * how.stride + how.window)
                if isinstance(how, Along) and out[how.axis] < whole[how.axis]
                else extent
                for how, extent in zip(access, type_.shape, strict=True)
            )
            known = wanted.get(name, shape)
            wanted[name] = tuple(map(max, known, shape))
            inputs.append(TensorType(type_.dtype, shape))
        parts.append(Signature(tuple(inputs), TensorType(step.signature.output.dtype, out)))
    return parts[::-1]
