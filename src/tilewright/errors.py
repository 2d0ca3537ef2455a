"""Every failure that a person can cause, one class per question the person must answer.

TilewrightError                 exit code
├── CompileError                2   the input, the target, or their combination is at fault
│   ├── ModelError              2   the file cannot be read as the model that it claims to be
│   ├── UnsupportedError        2   no kernel of this target takes this node
│   ├── QuantisationError       2   a scale or a Q/DQ pair is missing or unusable
│   ├── CapacityError           2   the plan does not fit into the memory that was given
│   └── OptionError             2   an option or an input array does not fit the model
├── ToolError                   3   a compiler, emulator or Python package is missing
└── MismatchError               1   two implementations that must agree do not

Messages have the form «where: what, with numbers; what was tried; what to change». An unclear
message is a bug. Faults of the compiler itself are assertions, never one of these.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about a name that nothing has: the nearest one, or nothing."""
    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one candidate was turned down; never shown without its candidate's name."""

    candidate: str
    reason: str


class TilewrightError(Exception):
    """Base class of everything that a user's action can cause."""

    exit_code = 2


class CompileError(TilewrightError):
    """The input, the target, or their combination is at fault (never the compiler)."""


class ModelError(CompileError):
    """The model file cannot be read, or contradicts itself."""


class QuantisationError(CompileError):
    """Quantisation parameters are missing, incomplete or unusable."""


class CapacityError(CompileError):
    """The network does not fit into a memory of the size that was asked for."""


class OptionError(CompileError):
    """An option, or an array given to a compiled network, does not fit the model."""


class ToolError(TilewrightError):
    """A program or package that the command needs is not installed."""

    exit_code = 3


class MismatchError(TilewrightError):
    """Two implementations that must agree gave different numbers."""

    exit_code = 1


class UnsupportedError(CompileError):
    """No kernel of the target accepts the node, or the importer does not know the operator."""

    def __init__(self, headline: str, refusals: tuple[Refusal, ...] = ()) -> None:
        self.refusals = refusals
        tried = "".join(f"\n  {r.candidate}: {r.reason}" for r in refusals)
        super().__init__(headline + tried)
