"""ITA's kernels on the simulated cluster, against the operators' definitions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from case import Case
from siracusa_bench import needs_compiler
from strategies_tiles import tile_attention, tile_attention_masked, tile_normed, tile_product
from tilewright.backend.print_bundle import print_bundle
from tilewright.ir.graph import Contract, Graph, Node, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.program import Call, Join, Offload
from tilewright.ir.target import Signature, Target
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.lut import Lut
from tilewright.ops.tiles import Scale, TileAttention, TileProduct
from tilewright.pipeline import Options, plan_network
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.result import RunResult
from tilewright.run.runners import run_bundle
from tilewright.targets.packs.ita.pack import NEWEST, ita_kernels
from tilewright.targets.snitch.target import SNITCH_ITA, SNITCH_ITA_SHIFT_5

KERNELS = {kernel.op: kernel for kernel in ita_kernels(NEWEST)}


def graph_of(cases: Sequence[Case]) -> tuple[Graph, dict[ValueName, Array]]:
    """All cases side by side, and what is fed."""
    nodes: list[Node] = []
    values: dict[ValueName, Value] = {}
    constants: dict[ValueName, Array] = {}
    fed: dict[ValueName, Array] = {}
    for number, case in enumerate(cases):
        names = [ValueName(f"x{number}_{i}") for i in range(len(case.inputs))]
        for i, (name, array) in enumerate(zip(names, case.inputs, strict=True)):
            (fed if i < case.varying else constants)[name] = array
            values[name] = Value(name, TensorType.of(array))
        output = ValueName(f"y{number}")
        values[output] = Value(output, case.signature.output)
        nodes.append(Node(f"call{number}", case.op, tuple(names), output))
    outputs = tuple(node.output for node in nodes)
    graph = Graph("walks", Contract.PULP, tuple(nodes), values, constants, tuple(fed), outputs)
    return graph, fed


def ran(graph: Graph, fed: dict[ValueName, Array], target: Target, l1: int = 131072) -> RunResult:
    """Two inferences in one run, on the engine alone."""
    machine = replace(target, engines=target.engines[:1])
    options = Options(effort="quick", name="walks", memory={"L1": l1})
    planned = plan_network(graph, machine, options)
    bundle = print_bundle(planned.program, planned.plan, planned.graph, "")
    batch = Batch({name: array[np.newaxis] for name, array in fed.items()}, 1, is_batched=False)
    result = run_bundle(bundle, planned.program, machine.toolchain, batch, HostOptions(repeat=2))
    assert result.runs_identical
    return result


@needs_compiler
@pytest.mark.parametrize(
    ("target", "shift"), [(SNITCH_ITA, 0), (SNITCH_ITA_SHIFT_5, 5)], ids=["newest", "shift5"]
)
def test_walks_compute_the_definitions(target: Target, shift: int) -> None:
    cases: list[Case] = []

    @settings(
        derandomize=True, deadline=None, max_examples=6, database=None, phases=[Phase.generate]
    )
    @given(
        tile_product(), tile_product(adds=True), tile_attention(shift),
        tile_attention_masked(shift, most=2), tile_normed(),
    )  # fmt: skip
    def draw(product: Case, added: Case, attention: Case, masked: Case, normed: Case) -> None:
        cases.extend((product, added, attention, masked, normed))

    draw()
    for part in (cases[::2], cases[1::2]):
        graph, fed = graph_of(part)
        result = ran(graph, fed, target)
        for number, case in enumerate(part):
            wanted = case.op.evaluate(*case.inputs)
            assert np.array_equal(result.outputs[ValueName(f"y{number}")][0], wanted), str(case)


@needs_compiler
def test_tiles_of_a_walk_are_walks() -> None:
    """In so little L1 that rows and columns of the product travel by themselves."""
    rng = np.random.default_rng(3)

    def drawn(*shape: int) -> Array:
        return rng.integers(-128, 128, shape).astype(np.int8)

    bias = rng.integers(0, 256, (4, 192)).astype(np.uint8)
    product = TileProduct(scale=Scale(3, 16, -5))
    attention = TileAttention(logits=Scale(3, 14), values=Scale(9, 11))
    tiles = (64, 64)
    cases = [
        Case(product, (drawn(3, 2, *tiles), drawn(4, 2, *tiles), bias), varying=1),
        Case(
            attention,
            (drawn(3, 2, 1, *tiles), drawn(2, 2, 1, *tiles), drawn(2, 1, 2, *tiles)),
            varying=3,
        ),
    ]
    graph, fed = graph_of(cases)
    result = ran(graph, fed, SNITCH_ITA, l1=64 * 1024)
    for number, case in enumerate(cases):
        wanted = case.op.evaluate(*case.inputs)
        assert np.array_equal(result.outputs[ValueName(f"y{number}")][0], wanted), str(case)


@needs_compiler
def test_cores_and_engine_work_in_turn_and_side_by_side() -> None:
    """Products on ITA, tables between them on the cores, tile by tile: the core that waits for the
    others feeds the engine."""
    rng = np.random.default_rng(11)
    values: dict[ValueName, Array] = {}
    nodes: list[Node] = []

    def made(name: str, array: Array) -> ValueName:
        values[ValueName(name)] = array
        return ValueName(name)

    def add(name: str, op: Op, *inputs: ValueName) -> ValueName:
        nodes.append(Node(name, op, inputs, ValueName(name)))
        return made(name, op.evaluate(*(values[i] for i in inputs)))

    x = made("x", rng.integers(-128, 128, (5, 3, 64, 64)).astype(np.int8))
    constants: list[ValueName] = []
    at = x
    for number in range(3):
        w = made(f"w{number}", rng.integers(-128, 128, (3, 3, 64, 64)).astype(np.int8))
        b = made(f"b{number}", rng.integers(0, 256, (3, 192)).astype(np.uint8))
        table = made(f"t{number}", rng.integers(-128, 128, 256).astype(np.int8))
        constants += [w, b, table]
        at = add(f"p{number}", TileProduct(scale=Scale(5, 16, 3)), at, w, b)
        at = add(f"l{number}", Lut(), at, table)
    typed = {name: Value(name, TensorType.of(array)) for name, array in values.items()}
    held = {name: values[name] for name in constants}
    graph = Graph("mixed", Contract.PULP, tuple(nodes), typed, held, (x,), (at,))
    planned = plan_network(graph, SNITCH_ITA, Options(name="mixed"))
    actions = [type(a) for layer in planned.program.layers for a in layer.flat()]
    order = [a for a in actions if a in (Offload, Call, Join)]
    assert order == 3 * [Offload, Call, Join], "cores work while ITA does"
    bundle = print_bundle(planned.program, planned.plan, planned.graph, "")
    batch = Batch({x: values[x][np.newaxis]}, 1, is_batched=False)
    result = run_bundle(bundle, planned.program, SNITCH_ITA.toolchain, batch, HostOptions(repeat=2))
    assert result.runs_identical
    assert np.array_equal(result.outputs[at][0], values[at])


def test_what_the_engines_counters_do_not_hold_is_left_to_the_cores_with_the_reason() -> None:
    wide = TensorType(DType.S8, (1, 16, 64, 64))
    op = TileProduct(scale=Scale(1, 0))
    case = (wide, wide, TensorType(DType.U8, (1, 192)))
    kernel = KERNELS[TileProduct]
    reason = kernel.refuse(op, Signature(case, op.infer(*case)))
    assert reason == "sums over 16 tiles of 64, its counters hold 15"


def test_a_softmax_of_the_other_version_is_refused() -> None:
    op = TileAttention(logits=Scale(1, 0), values=Scale(1, 0), softmax_shift=5)
    reason = KERNELS[TileAttention].variant(op)
    assert reason == "its softmax shifts by 0, the operator's by 5"
