"""Terms that the costs of several kernels are sums of: how much work of each kind a call is."""

from functools import cache
from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Signature, Terms
from tilewright.ops.window2d import Window2d

LANES = 16
"""Elements in a run that cost as one: what is left over costs by the element."""


def runs(count: int, length: int, lanes: int = LANES) -> tuple[int, int]:
    """(whole vectors, elements left over) of ``count`` runs of ``length`` elements."""
    return count * (length // lanes), count * (length % lanes)


def split_runs(count: int, length: int) -> tuple[int, int, int]:
    """(whole vectors, halves of one, elements left over): what compilers make of a loop."""
    half = LANES // 2
    return count * (length // LANES), count * (length % LANES // half), count * (length % half)


def groups(length: int, lanes: int) -> int:
    """How many groups of ``lanes`` it takes, the last one perhaps not full."""
    return -(-length // lanes)


@cache
def inside(outputs: int, stride: int, pad: int, taps: int, dilation: int, extent: int) -> int:
    """Window elements along one axis that lie inside the input, summed over all outputs."""
    return sum(
        0 <= index * stride - pad + tap * dilation < extent
        for index in range(outputs)
        for tap in range(taps)
    )


@cache
def whole_windows(outputs: int, stride: int, pad: int, reach: int, extent: int) -> int:
    """How many outputs along one axis have windows, ``reach`` long, all inside the input."""
    starts = (index * stride - pad for index in range(outputs))
    return sum(start >= 0 and start + reach <= extent for start in starts)


def taps_inside(window: Window2d, size: tuple[int, int], out: tuple[int, int]) -> tuple[int, int]:
    """(rows, columns) of window elements inside, each summed over the outputs of its axis."""
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.strides, window.dilations
    return (
        inside(out[0], sh, window.pads[0], kh, dh, size[0]),
        inside(out[1], sw, window.pads[1], kw, dw, size[1]),
    )


def _elements(op: Op, signature: Signature) -> tuple[int, ...]:
    del op
    return runs(1, signature.output.size, 32)


def _bytes(op: Op, signature: Signature) -> tuple[int, ...]:
    del op
    return runs(1, signature.output.nbytes)


def _rows(op: Op, signature: Signature) -> tuple[int, ...]:
    del op
    *outer, length = signature.output.shape
    count = prod(outer)
    return count, *runs(count, length)


ELEMENTS = Terms(("vectors", "rest"), _elements)
"""Kernels that treat every element of the output alike."""

BYTES = Terms(("vectors", "rest"), _bytes)
"""Kernels that copy."""

ROWS = Terms(("rows", "vectors", "rest"), _rows)
"""Kernels that work along the last dimension."""
