"""What a person fixed about a plan: requirements that the planner keeps, or says that it cannot."""

from dataclasses import dataclass
from enum import Enum


class PinKind(Enum):
    """What is fixed; the option of the command line has the same name."""

    ENGINE = "engine"
    """A node runs on one engine."""
    SINGLE_BUFFER = "single-buffer"
    """No tensor of the run that a node is computed in has two copies."""
    WHOLE = "whole"
    """A node is computed by itself and at once."""
    NEAR = "near"
    """A tensor lies where the engines work for as long as it lives, in full."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One requirement.

    name    a node; for NEAR, a tensor
    engine  for ENGINE only
    """

    kind: PinKind
    name: str
    engine: str = ""

    def __str__(self) -> str:
        """As it would be typed."""
        return f"--{self.kind.value} {self.name}" + (f"={self.engine}" if self.engine else "")


Pins = tuple[Pin, ...]
