"""Everything that stands between a network and a target, node by node, not only the first."""

from dataclasses import dataclass
from types import MappingProxyType

from tilewright.errors import CompileError
from tilewright.frontend.lower import lower
from tilewright.ir.graph import Contract, Graph, Node
from tilewright.ir.target import Misfit, Signature, Target
from tilewright.midend.assign import judge
from tilewright.ops.layout import Reshape


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one node cannot be compiled."""

    node: str
    reason: str


def find_problems(
    graph: Graph, contract: Contract, target: Target, *, allow_float: bool
) -> tuple[Problem, ...]:
    """Lower every node by itself and ask every kernel; () where the network can be compiled."""
    found: list[Problem] = []
    for node in graph.nodes:
        try:
            lowered = lower(_alone(graph, node), contract, allow_float=allow_float)
        except CompileError as error:
            found.append(Problem(str(node), str(error).removeprefix(f"{node}: ")))
            continue
        found += [
            Problem(str(node), reason)
            for part in lowered.nodes
            if (reason := _refused(lowered, part, target)) is not None
        ]
    return tuple(found)


def _alone(graph: Graph, node: Node) -> Graph:
    """The network that consists of one node."""
    names = dict.fromkeys((*node.inputs, node.output))
    constants = {name: graph.constants[name] for name in names if name in graph.constants}
    varying = tuple(n for n in dict.fromkeys(node.inputs) if n not in constants)
    values = {name: graph.values[name] for name in names}
    return Graph(
        graph.name, graph.contract, (node,), MappingProxyType(values),
        MappingProxyType(constants), varying, (node.output,),
    )  # fmt: skip


def _refused(graph: Graph, node: Node, target: Target) -> str | None:
    """Every kernel's reason, or None where one is willing or none is needed."""
    if isinstance(node.op, Reshape):
        return None
    signature = Signature(graph.input_types(node), graph.type(node.output))
    verdicts = judge(node.op, signature, target)
    if any(verdict.refusal is None for verdict in verdicts):
        return None
    closest = [v for v in verdicts if v.refusal and v.refusal.misfit is Misfit.CALL]
    if not closest:
        return f"no kernel of target {target.name} computes {node.op}"
    reasons = "".join(f"\n  {v.kernel.symbol}: {v.refusal}" for v in closest)
    return f"no kernel of target {target.name} takes {node.op}{reasons}"
