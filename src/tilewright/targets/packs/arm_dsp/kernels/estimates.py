"""Estimated cycles, in the unit of the portable kernels that these compete with."""

from collections.abc import Callable

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature

ADVANTAGE = 3
"""Counted on the emulated board, these kernels need a third to a fifth of the instructions."""


def faster_than(portable: Kernel) -> Callable[[Op, Signature], int]:
    """The portable kernel's estimate, which is for a machine with vectors, less the advantage."""

    def cycles(op: Op, signature: Signature) -> int:
        return portable.cycles(op, signature) // ADVANTAGE

    return cycles
