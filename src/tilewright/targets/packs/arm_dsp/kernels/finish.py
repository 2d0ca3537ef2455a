"""What follows the sums of convolutions, see dsp_finish.h: variants, and tables by groups."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.arm_dsp.kernels.affine import (
    Line,
    Sums,
    counts_only_from_zero,
    lines,
)
from tilewright.targets.packs.arm_dsp.kernels.refusals import Product
from tilewright.targets.packs.arm_dsp.kernels.requantise import Tables, symmetric_tables
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as

RARE_NUMBER = 2**20
"""DSP_RARE_NUMBER of dsp_row.h: what is added to shifts that are the operator's own."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way from sums to bytes, and the end of the symbols and sources that go it.

    is_symmetric  the double rounding of results below the zero point too, which is no straight
                  line: five instructions, else two
    """

    name: str
    rounding: Rounding
    is_symmetric: bool = False

    def refuse(self, op: Op) -> str | None:
        """None for operators whose results are rounded in this way."""
        reason = rounds_as(self.rounding)(op)
        if reason is not None or self.rounding is not Rounding.DOUBLE:
            return reason
        assert isinstance(op, Product)
        if counts_only_from_zero(op.output) is self.is_symmetric:
            what = "are clipped" if self.is_symmetric else "count"
            return f"results below the zero point {what}"
        return None


VARIANTS = (
    Variant("double", Rounding.DOUBLE, is_symmetric=True),
    Variant("double_relu", Rounding.DOUBLE),
    Variant("half_even", Rounding.HALF_EVEN),
    Variant("half_up", Rounding.HALF_UP),
)


@dataclass(frozen=True, slots=True)
class Finish:
    """Tables: what the short sequence wants, and what the operator says. One scale may do for all.

    third    what the short sequence wants besides multiplier and bias: see dsp_finish.h
    is_rare  where it is not exact
    meant    the operator's own
    """

    short: Tables
    third: Array
    is_rare: Array
    meant: Tables

    def by_channel(self) -> tuple[Array, Array, Array]:
        """(biases, multipliers, numbers), int32, for dense layers."""
        bias = np.where(self.is_rare, self.meant.bias, self.short.bias)
        multiplier = np.where(self.is_rare, self.meant.multiplier, self.short.multiplier)
        number = np.where(self.is_rare, self.meant.shift.astype(np.int32) + RARE_NUMBER, self.third)
        return bias.astype(np.int32), multiplier.astype(np.int32), number.astype(np.int32)

    def by_group(self, arrange: Callable[[Array], Array]) -> tuple[Array, Array]:
        """(biases [groups, n], words that follow the weights [groups, 3 n / 2]), int32.

        A group with a rare channel has the operator's own tables.
        arrange  [channels] → [groups, n], n even
        """
        is_rare = arrange(self.is_rare).any(axis=1, keepdims=True)

        def chosen(short: Array, meant: Array) -> Array:
            return np.where(is_rare, arrange(meant), arrange(short)).astype(np.int64)

        bias = chosen(self.short.bias, self.meant.bias)
        multiplier = chosen(self.short.multiplier, self.meant.multiplier)
        third = chosen(self.third, self.meant.shift)
        words = third[:, 0::2] & 0x7FFF | is_rare.astype(np.int64) << 15 | third[:, 1::2] << 16
        pairs = multiplier.reshape(len(words), -1, 2)
        tail = np.concatenate([pairs, words[..., None]], axis=2).reshape(len(words), -1)
        return bias.astype(np.int32), tail.astype(np.int32)


def finish(products: Array, meant: Tables, output: Requantise) -> Finish:
    """Tables for sums over products[..., channels]; ``meant`` may have one scale for all."""
    if output.rounding is Rounding.DOUBLE and not counts_only_from_zero(output):
        short = symmetric_tables(products, meant)
        is_rare = short.shift < 0
        return Finish(short, short.shift, is_rare, meant)
    sums = Sums.of(products, meant.bias)
    found = lines(meant, sums if meant.shift.size > 1 else sums.together(), output)
    plain = [line or Line(0, 0, 0) for line in found]
    short = Tables(
        (meant.bias + np.array([line.move for line in plain])).astype(np.int32),
        np.array([line.multiplier for line in plain], np.int32),
        meant.shift,
    )
    third = np.array([line.high for line in plain])
    return Finish(short, third, np.array([line is None for line in found]), meant)
