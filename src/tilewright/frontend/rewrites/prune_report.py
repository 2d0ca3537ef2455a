"""What dead channel elimination removed, in numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrunedLayer:
    """One layer that lost channels.

    node      name of the layer
    channels  output channels before and after
    macs      multiply-accumulates before and after
    """

    node: str
    channels: tuple[int, int]
    macs: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PruneReport:
    """Multiply-accumulates per inference and bytes of stored weights, before and after."""

    macs_before: int
    macs_after: int
    weight_bytes_before: int
    weight_bytes_after: int
    removed: tuple[PrunedLayer, ...] = ()
