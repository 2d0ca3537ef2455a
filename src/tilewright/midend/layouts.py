"""One constant per layout: a constant that two kernels want in two layouts becomes two.

A language model reads one table twice, as rows of an embedding and as the weights of its last
layer, and the kernels of the two may want it packed differently. A constant is *(value, layout)*:
where all readers agree it stays one, otherwise each layout is a constant of its own, which flash,
plan and C count as any other.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from tilewright.ir.graph import Graph, GraphBuilder, Node, ValueName
from tilewright.ir.target import Kernel, Signature, Target
from tilewright.ir.types import Array

Layouts = frozenset[str]
"""Digests of all layouts in which the kernels that take a node would have one of its constants."""


def one_constant_per_layout(graph: Graph, target: Target) -> Graph:
    """The same network, in which no constant is wanted in two layouts, whichever kernels of
    ``target`` the plan chooses. The first reader keeps the constant's name."""
    builder: GraphBuilder | None = None
    for name in graph.constants:
        readers = graph.readers(name)
        if len(readers) < 2:
            continue
        wanted = {node.output: _layouts(graph, node, name, target) for node in readers}
        copies = _copies(wanted)
        if len(set(copies.values())) > 1:
            builder = builder or GraphBuilder.of(graph)
            _give_copies(builder, name, copies)
    return builder.build() if builder is not None else graph


def _layouts(graph: Graph, node: Node, name: ValueName, target: Target) -> Layouts:
    signature = Signature(graph.input_types(node), graph.type(node.output))
    arrays = tuple(graph.constants.get(other) for other in node.inputs)
    return frozenset(
        _digest(packed)
        for kernel in _willing(node, signature, target)
        for other, packed in zip(node.inputs, kernel.pack(node.op, arrays), strict=True)
        if other == name and packed is not None
    )


def _willing(node: Node, signature: Signature, target: Target) -> Iterator[Kernel]:
    for engine in target.engines:
        for kernel in engine.kernels:
            if kernel.objection(node.op, signature) is None:
                yield kernel


def _digest(array: Array) -> str:
    state = hashlib.sha256(f"{array.dtype} {array.shape} ".encode())
    state.update(array.tobytes())
    return state.hexdigest()


def _copies(wanted: dict[ValueName, Layouts]) -> dict[ValueName, int]:
    """Reader → number of its copy: those that can only want one and the same layout share one."""
    numbers: dict[Layouts, int] = {}
    copies: dict[ValueName, int] = {}
    for reader, layouts in wanted.items():
        if len(layouts) > 1:  # whichever the plan chooses, it is for this reader alone
            copies[reader] = len(set(copies.values()))
            continue
        number = numbers.setdefault(layouts, len(set(copies.values())))
        copies[reader] = number
    return copies


def _give_copies(builder: GraphBuilder, name: ValueName, copies: dict[ValueName, int]) -> None:
    names = {0: name}
    for number in sorted({*copies.values()} - {0}):
        value = replace(builder.values[name], name=builder.fresh(name))
        names[number] = builder.value(value)
        builder.constants[value.name] = builder.constants[name]
    for index, node in enumerate(builder.nodes):
        if node.output in copies:
            own = names[copies[node.output]]
            inputs = tuple(own if other == name else other for other in node.inputs)
            builder.nodes[index] = replace(node, inputs=inputs)
