"""What is compared in one case, and what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from tilewright.fuzz.network import Drawn, draw_network
from tilewright.ir.target import Target


@dataclass(frozen=True, slots=True)
class Case:
    """A drawn network, and how it is compiled.

    number  among the cases of a seed; both say everything about it
    memory  memory → share of what the network takes where nothing limits it
    judged  whether a third party is asked, too
    """

    number: int
    seed: int
    drawn: Drawn
    target: Target
    memory: Mapping[str, float] = field(default_factory=dict[str, float])
    judged: bool = True

    @property
    def name(self) -> str:
        """C identifier of its network."""
        return f"case_{self.number}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Two that must agree did not, or something ended in a way that it must not.

    kind        what: "crash", "rewrites", "plan", "C", "third party", "board", "hang", "memory"
    detail      where, and what with numbers
    nodes       of the smallest model that still shows it; 0 where none was looked for
    reproducer  folder with that model; "" where nothing was written
    """

    case: int
    seed: int
    kind: str
    target: str
    detail: str
    memory: Mapping[str, int] = field(default_factory=dict[str, int])
    nodes: int = 0
    reproducer: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A network that the compiler does not take, and what it says."""

    reason: str


TIGHT = 0.12
"""Share of cases that get less memory than they would take; these are slow to plan."""


def drawn_case(number: int, seed: int, targets: Sequence[Target]) -> Case:
    """The case of this number: the same on every machine, whatever was drawn before it."""
    random = Random(f"{seed}/{number}")
    drawn = draw_network(random)
    target = random.choice(targets)
    sizes: dict[str, float] = {}
    if random.random() < TIGHT:
        memory = random.choice([m.name for m in target.memories if m.size != 0])
        sizes[memory] = random.uniform(0.3, 1.0)
    return Case(number, seed, drawn, target, sizes, judged=random.random() < 0.25)
