"""Plans as text that is stored beside a model: written once, replayed without solving, compared.

The file names nodes, engines and kernels, and tensors by their labels; everything else it says in
full. Reading it needs the same network and the same target, and ``check_plan`` judges what comes
out like any other plan.
"""

import json
from collections.abc import Mapping, Sequence
from typing import cast

from tilewright.errors import OptionError
from tilewright.ir.graph import Graph
from tilewright.ir.pins import Pin, PinKind
from tilewright.ir.plan import Buffer, Overlap, Plan, Proof, Step
from tilewright.ir.target import Role, Signature, Target
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Span
from tilewright.midend.labels import Labels

FORMAT = 2
"""Changes where old files can no longer be read."""

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Record = Mapping[str, Json]


def plan_text(plan: Plan, graph: Graph) -> str:
    """The plan as JSON: the same text for the same plan, one line per step, group and buffer."""
    labels = Labels.of(graph, plan.steps)
    sections: dict[str, Sequence[Record]] = {
        "steps": [_step(step) for step in plan.steps],
        "groups": [_group(group, labels) for group in plan.groups],
        "buffers": [_buffer(buffer, labels) for buffer in plan.buffers],
        "overlaps": [_overlap(overlap, labels) for overlap in plan.overlaps],
        "constants": [
            {"name": labels.label[name], "memory": memory}
            for name, memory in plan.constants.items()
        ],
        "pins": [_pin(pin) for pin in plan.pins],
    }
    head: dict[str, Json] = {
        "format": FORMAT,
        "target": plan.target,
        "arena_bytes": dict(plan.arena_bytes),
        "activation_bytes": dict(plan.activation_bytes),
        "lower_bound": dict(plan.lower_bound),
        "constant_bytes": dict(plan.constant_bytes),
    }
    if plan.proof is not None:
        head["proof"] = {"cycles": plan.proof.cycles, "bound": plan.proof.bound}
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name, records in sections.items():
        rows = ",\n".join(f"    {json.dumps(record, ensure_ascii=False)}" for record in records)
        lines.append(f"  {json.dumps(name)}: [\n{rows}\n  ]" if rows else f'  "{name}": []')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def planned_nodes(text: str) -> frozenset[str]:
    """Names of the nodes that a stored plan computes; none where the text is no plan."""
    try:
        steps = _rows(cast("Record", json.loads(text)), "steps")
        return frozenset(str(record["node"]) for record in steps)
    except (AttributeError, KeyError, TypeError, ValueError):
        return frozenset()  # ``read_plan`` says what is wrong


def read_plan(text: str, where: str, graph: Graph, target: Target) -> Plan:
    """The plan that was stored for this network on this target.

    where  the file's name, for messages
    Raises OptionError where the text is no plan, or one for something else.
    """
    try:
        stored = cast("Record", json.loads(text))
        if stored["format"] != FORMAT:
            raise OptionError(f"{where}: format {stored['format']}, this version reads {FORMAT}")
        if stored["target"] != target.name:
            raise OptionError(f"{where}: a plan for {stored['target']}, not for {target.name}")
        rows = _rows(stored, "steps")
        steps = tuple(_read_step(record, where, graph, target) for record in rows)
        labels = Labels.of(graph, steps)
        return Plan(
            target.name,
            steps,
            tuple(_read_buffer(record, labels) for record in _rows(stored, "buffers")),
            tuple(_read_overlap(record, labels) for record in _rows(stored, "overlaps")),
            _sizes(stored, "arena_bytes"),
            _sizes(stored, "activation_bytes"),
            _sizes(stored, "lower_bound"),
            tuple(_read_group(record, labels) for record in _rows(stored, "groups")),
            _read_proof(stored),
            tuple(_read_pin(record) for record in _rows({"pins": (), **stored}, "pins")),
            {
                labels.value[str(record["name"])]: str(record["memory"])
                for record in _rows(stored, "constants")
            },
            _sizes(stored, "constant_bytes"),
        )
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise OptionError(
            f"{where}: not a plan that tilewright wrote ({type(error).__name__}: {error}); "
            "make it again with compile --save-plan"
        ) from None


def _step(step: Step) -> Record:
    engine, kernel = step.engine, step.kernel
    return {
        "node": step.node.name,
        "engine": engine.name if engine else None,
        "kernel": kernel.symbol if kernel else None,
    }


def _read_step(record: Record, where: str, graph: Graph, target: Target) -> Step:
    nodes = {node.name: node for node in graph.nodes}
    node = nodes.get(str(record["node"]))
    if node is None:
        raise OptionError(f"{where}: this network has no node {record['node']}; make a new plan")
    signature = Signature(graph.input_types(node), graph.type(node.output))
    if record["kernel"] is None:
        return Step(node, signature, None, None)
    for engine in target.engines:
        for kernel in engine.kernels:
            if (engine.name, kernel.symbol) == (record["engine"], record["kernel"]):
                return Step(node, signature, engine, kernel)
    raise OptionError(
        f"{where}: {node.name} runs {record['kernel']} on {record['engine']}, which target "
        f"{target.name} does not have; make a new plan"
    )


def _group(group: Group, labels: Labels) -> Record:
    return {
        "steps": list(group.steps),
        "tile": list(group.tile),
        "order": list(group.order),
        "holds": {labels.label[name]: hold.value for name, hold in group.holds.items()},
        "early": sorted(labels.label[name] for name in group.early),
        "parts": group.parts,
    }


def _read_group(record: Record, labels: Labels) -> Group:
    holds = cast("Mapping[str, str]", record["holds"])
    return Group(
        _span(record["steps"]),
        _numbers(record["tile"]),
        _numbers(record["order"]),
        {labels.value[label]: Hold(hold) for label, hold in holds.items()},
        frozenset(labels.value[label] for label in cast("Sequence[str]", record["early"])),
        _number(record["parts"]),
    )


def _buffer(buffer: Buffer, labels: Labels) -> Record:
    return {
        "name": labels.of_buffer(buffer.name), "role": buffer.role.value, "memory": buffer.memory,
        "size": buffer.size, "align": buffer.align, "lifetime": list(buffer.lifetime),
        "offset": buffer.offset, "values": [labels.label[name] for name in buffer.values],
        "copies": buffer.copies,
    }  # fmt: skip


def _read_buffer(record: Record, labels: Labels) -> Buffer:
    values = cast("Sequence[str]", record["values"])
    return Buffer(
        labels.buffer(str(record["name"])), Role(record["role"]), str(record["memory"]),
        _number(record["size"]), _number(record["align"]), _span(record["lifetime"]),
        _number(record["offset"]), tuple(labels.value[label] for label in values),
        _number(record["copies"]),
    )  # fmt: skip


def _overlap(overlap: Overlap, labels: Labels) -> Record:
    return {
        "step": overlap.step, "writer": labels.of_buffer(overlap.writer),
        "reader": labels.of_buffer(overlap.reader),
        "distance": overlap.distance, "piece_items": overlap.piece_items,
    }  # fmt: skip


def _read_overlap(record: Record, labels: Labels) -> Overlap:
    return Overlap(
        _number(record["step"]), labels.buffer(str(record["writer"])),
        labels.buffer(str(record["reader"])), _number(record["distance"]),
        _number(record["piece_items"]),
    )  # fmt: skip


def _pin(pin: Pin) -> Record:
    return {"kind": pin.kind.value, "name": pin.name, "engine": pin.engine}


def _read_pin(record: Record) -> Pin:
    return Pin(PinKind(record["kind"]), str(record["name"]), str(record["engine"]))


def _rows(stored: Record, name: str) -> Sequence[Record]:
    return cast("Sequence[Record]", stored[name])


def _read_proof(stored: Record) -> Proof | None:
    if "proof" not in stored:
        return None
    numbers = _sizes(stored, "proof")
    return Proof(numbers["cycles"], numbers["bound"])


def _sizes(stored: Record, name: str) -> dict[str, int]:
    sizes = cast("Mapping[str, Json]", stored[name])
    return {memory: _number(size) for memory, size in sizes.items()}


def _number(value: Json) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _numbers(value: Json) -> tuple[int, ...]:
    return tuple(_number(item) for item in cast("Sequence[Json]", value))


def _span(value: Json) -> Span:
    start, size = _numbers(value)
    return Span(start, size)
