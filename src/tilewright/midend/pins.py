"""Names that a person typed → pins on nodes and tensors of the network that is planned."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from tilewright.errors import OptionError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.pins import Pin, PinKind, Pins
from tilewright.ir.plan import Plan, Step
from tilewright.ir.target import Target
from tilewright.ir.tiling import Group, Hold
from tilewright.ops.layout import Reshape


@dataclass(frozen=True, slots=True)
class PinWishes:
    """Pins by the names that were given: those of nodes, or of the node that makes a tensor.

    engines        node → engine that it runs on
    single_buffer  nodes whose tensors have no second copy
    whole          nodes that are computed by themselves and at once
    near           tensors that lie where the engines work
    """

    engines: Mapping[str, str] = field(default_factory=dict[str, str])
    single_buffer: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


def pins_for(wishes: PinWishes, graph: Graph, target: Target) -> Pins:
    """The pins. Raises OptionError for a name that the network or the target does not have."""
    nodes = {node.name: node for node in graph.nodes}
    engines = [engine.name for engine in target.engines]
    pins: list[Pin] = []
    for name, engine in wishes.engines.items():
        pin = Pin(PinKind.ENGINE, _known(PinKind.ENGINE, name, nodes), engine)
        if engine not in engines:
            raise OptionError(f"{pin}: target {target.name} has {', '.join(engines)}")
        pins.append(pin)
    for kind, names in (
        (PinKind.SINGLE_BUFFER, wishes.single_buffer), (PinKind.WHOLE, wishes.whole),
    ):  # fmt: skip
        pins += [Pin(kind, _known(kind, name, nodes)) for name in names]
    return (*pins, *(_near(name, graph, target) for name in wishes.near))


def _near(name: str, graph: Graph, target: Target) -> Pin:
    """A pin on a tensor, which may be called after the node that makes it."""
    made = {node.name: node.output for node in graph.nodes}
    tensors = {node.output for node in graph.nodes} | {*graph.inputs}
    known = _known(PinKind.NEAR, name, {*made, *tensors})
    tensor = made.get(known, ValueName(known))
    pin = Pin(PinKind.NEAR, tensor)
    ends = {_owner(graph, end) for end in (*graph.inputs, *graph.outputs)}
    if _owner(graph, tensor) in ends and target.homes:
        raise OptionError(
            f"--near {name}: inputs and outputs of the network lie in {target.homes[0]}, where the "
            "caller reaches them; give a tensor between two nodes"
        )
    return pin


def _owner(graph: Graph, tensor: ValueName) -> ValueName:
    """The tensor that a view shows."""
    producer = graph.producer(tensor)
    while producer is not None and isinstance(producer.op, Reshape):
        tensor = producer.inputs[0]
        producer = graph.producer(tensor)
    return tensor


def _known(kind: PinKind, name: str, names: Collection[str]) -> str:
    """The name, if the network has it."""
    if name in names:
        return name
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    meant = f"; did you mean {' or '.join(close)}" if close else ""
    raise OptionError(
        f"--{kind.value} {name}: the compiled network has no such "
        f"{'tensor' if kind is PinKind.NEAR else 'node'}{meant}; tilewright explain MODEL lists "
        "all nodes"
    )


def is_kept(pin: Pin, steps: Sequence[Step], group: Group) -> bool:
    """Whether a group, computed by these steps, meets a pin or has no part in it."""
    if pin.kind is PinKind.NEAR:
        return all(h is Hold.DIRECT for name, h in group.holds.items() if name == pin.name)
    mine = [step for step in steps if step.node.name == pin.name]
    if not mine:
        return True
    match pin.kind:
        case PinKind.ENGINE:
            return all(step.engine and step.engine.name == pin.engine for step in mine)
        case PinKind.SINGLE_BUFFER:
            return all(hold.copies == 1 for hold in group.holds.values())
        case PinKind.WHOLE:
            return not group.order and len(steps) == 1


def keeps_all(pins: Pins, steps: Sequence[Step], group: Group) -> bool:
    """Whether a group may stand in a plan with these pins."""
    return all(is_kept(pin, steps, group) for pin in pins)


def broken_pins(plan: Plan, pins: Pins) -> Iterator[Pin]:
    """The pins that some group of a plan does not keep."""
    for pin in pins:
        groups = ((plan.steps[g.steps.start : g.steps.stop], g) for g in plan.groups)
        if not all(is_kept(pin, steps, group) for steps, group in groups):
            yield pin
