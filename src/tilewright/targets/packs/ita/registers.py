"""What the registers of ITA say that are the same for all jobs of a call."""

from collections.abc import Mapping, Sequence

from tilewright.ops.tiles import Activation, Curve, Scale

LINEAR, ATTENTION = 2, 3
"""Layers: any product, and logits with values in turn."""

MOST_TILES = 15
"""What its counters hold."""


def settings(
    layer: int, tiles: tuple[int, int, int], scales: Mapping[int, Scale], activation: Activation
) -> dict[str, int]:
    """Members of an argument struct, from ``tiles`` to ``activation``; all within int32.

    tiles   counts of the sequence, of what a projection sums over, of what attention sums over
    scales  step of the layer → its scale
    """
    s, e, p = tiles
    steps = [scales.get(step, Scale(0, 0)) for step in range(8)]
    multipliers = [scale.multiplier for scale in steps]
    shifts = [scale.shift for scale in steps]
    adds = [scale.add for scale in steps]
    last = activation.scale
    return {
        "tiles": s | e << 4 | p << 8,
        "multipliers": _word(multipliers[:4]), "multipliers_4": _word(multipliers[4:]),
        "shifts": _word(shifts[:4]), "shifts_4": _word(shifts[4:]),
        "adds": _word(adds[:4]), "adds_4": _word(adds[4:]),
        "engine": layer | activation.curve.value << 2,
        "gelu": _signed((activation.b & 0xFFFF) | (activation.c & 0xFFFF) << 16),
        "activation": 0 if activation.curve is Curve.IDENTITY else _word(
            (last.multiplier, last.shift, last.add, 0)
        ),
    }  # fmt: skip


def _word(values: Sequence[int]) -> int:
    """Four bytes, the first one lowest."""
    return _signed(sum((value & 255) << 8 * i for i, value in enumerate(values)))


def _signed(word: int) -> int:
    return word - (1 << 32) if word >= 1 << 31 else word
