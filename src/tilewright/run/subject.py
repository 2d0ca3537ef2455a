"""What is verified, and what its definitions say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.ir.types import Array
from tilewright.ops.quantise import Dequantize, Quantize

DEFINITION = "definition"
"""What reports call the party that ``evaluate`` speaks for."""

Values = Mapping[ValueName, Array]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is verified: one compilation, without the compiler.

    lowered  the integer network before optimisation: every channel of the file is there
    graph    after it: what the program computes
    """

    model: Path
    lowered: Graph
    graph: Graph
    program: Program
    bundle: Bundle
    toolchain: Toolchain


def evaluate(graph: Graph, inputs: Values) -> dict[ValueName, Array]:
    """Every value of one inference, by the operators' definitions."""
    known: dict[ValueName, Array] = {**graph.constants, **inputs}
    for node in graph.nodes:
        known[node.output] = node.op.evaluate(*(known[name] for name in node.inputs))
    return known


def has_float_layers(graph: Graph) -> bool:
    """Whether some layer computes in real numbers: rounding then depends on who computes."""
    return any(
        graph.type(node.output).dtype.is_float and not isinstance(node.op, Dequantize)
        for node in graph.nodes
        if not isinstance(node.op, Quantize)
    )
