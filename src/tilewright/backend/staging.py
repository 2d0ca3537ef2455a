"""What every layer of a program is made from."""

from collections.abc import Mapping
from dataclasses import dataclass

from tilewright.backend.transfers import Channels
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Plan
from tilewright.ir.target import Target
from tilewright.ir.types import Array


@dataclass(frozen=True, slots=True)
class Staging:
    """What every layer of a program is made from.

    constants  as kernels want them, by all their names
    shared     constants that have the bytes of another
    inside     value → where it lies in its buffer, for parts of states
    """

    graph: Graph
    plan: Plan
    target: Target
    constants: Mapping[ValueName, Array]
    shared: Mapping[ValueName, ValueName]
    inside: Mapping[ValueName, int]
    channels: Channels


def asynchronous_engines(target: Target) -> tuple[str, ...]:
    """Names of the engines that run beside the core; their positions are the numbers of jobs."""
    return tuple(engine.name for engine in target.engines if engine.is_asynchronous)
