"""Which figures of a run lean on what the simulated machine is known to do unlike the chip.

The simulator follows GVSoC's model, and these are differences of that model from silicon
(docs/reference/simulator.md has all of them, and where the two simulators differ). Each is named
only for a program that it concerns.
"""

from collections.abc import Iterator, Sequence

from tilewright.ir.program import Call, InConstant, Operand, Program
from tilewright.run.clock import time_program

ONE_BY_ONE = ("depthwise_neureka", "depthwise_strided_neureka")
"""Kernels whose jobs have every channel on its own."""

MOST_NAMES = 4


def gaps(program: Program) -> tuple[str, ...]:
    """A sentence each; the most specific first."""
    return tuple(_gaps(program))


def _gaps(program: Program) -> Iterator[str]:
    jobs = [call for call in program.calls if call.engine.is_asynchronous]
    near = [call for call in jobs if _weights(call) and not _are_far(program, call)]
    if slow := [call for call in near if call.kernel.symbol in ONE_BY_ONE]:
        yield (
            f"depthwise weights in L1 ({_named(slow)}): the model takes a tile's channels at once, "
            "the chip one by one, so that these layers take longer there"
        )
    if far := [call for call in jobs if _are_far(program, call)]:
        yield (
            f"weights in weight memory ({_named(far)}): the model charges N-EUREKA neither "
            "its latency nor that its MRAM half is slower than its SRAM half"
        )
    if jobs:
        yield (
            "N-EUREKA, cores and DMA share L1 in order of arrival; the chip's arbitration has "
            "priorities and a longest wait that the model ignores"
        )
    if moved := sum(layer.moved for layer in time_program(program).layers):
        yield (
            f"transfers ({moved:,} B): 16 cycles and 8 B a cycle each, without the latency of L2 "
            "and bus, and without others in their way"
        )
    yield (
        "core instructions: a word multiplication takes 2 cycles (1 on the chip), an access to L2 "
        "15, cold code 19 for 16 B"
    )


def _weights(call: Call) -> Operand | None:
    """What a call reads as weights; None for one that makes them itself."""
    names = call.kernel.pointers
    return call.inputs[names.index("w")] if "w" in names else None


def _are_far(program: Program, call: Call) -> bool:
    weights = _weights(call)
    if weights is None or not isinstance(weights.place, InConstant):
        return False
    return program.constants_in.get(weights.value.name) == "WMEM"


def _named(calls: Sequence[Call]) -> str:
    names = list(dict.fromkeys(str(call.node.name) for call in calls))
    left = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {left} more" if left > 0 else "")
