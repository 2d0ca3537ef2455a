"""Variables of .tflite files are states: run after run, what LiteRT computes."""

from pathlib import Path

import flatbuffers
import numpy as np
import pytest

from evaluate import evaluate_graph
from tflite_models import Operator, Tensor, build, constant, litert, schema
from tilewright.api import run_model
from tilewright.errors import UnsupportedError
from tilewright.frontend.lower import lower
from tilewright.frontend.tflite_import import import_tflite
from tilewright.ir.types import Array, Shape

SCALE: tuple[tuple[float], tuple[int]] = ((0.05,), (3,))
RING: Shape = (1, 4, 2)


def stream(first: Array | None, init_kind: str = "ASSIGN_VARIABLE") -> bytes:
    """A ring of four frames: the newest is appended, the oldest dropped, then all are averaged."""

    def names(*, is_first: bool) -> list[Operator]:
        fields = {"sharedName": "ring", "container": ""}
        handle = Operator("VAR_HANDLE", [], "handle", "VarHandleOptions", fields)
        return [handle] if is_first else [
            handle,
            Operator("READ_VARIABLE", ["handle"], "old", "ReadVariableOptions"),
            Operator("CONCATENATION", ["old", "x"], "joined", "ConcatenationOptions", {"axis": 1}),
            Operator("STRIDED_SLICE", ["joined", "b", "e", "s"], "new", "StridedSliceOptions"),
            Operator("ASSIGN_VARIABLE", ["handle", "new"], "", "AssignVariableOptions"),
            Operator("MEAN", ["new", "axis"], "y", "ReducerOptions"),
        ]  # fmt: skip

    def whole(name: str, shape: Shape) -> Tensor:
        return Tensor(name, "int8", shape, *SCALE)

    tensors = [
        Tensor("handle", "resource", ()), whole("x", (1, 1, 2)), whole("old", RING),
        whole("joined", (1, 5, 2)), whole("new", RING), whole("y", (1, 2)),
        constant("b", np.array([0, 1, 0], np.int32)), constant("e", np.array([1, 5, 2], np.int32)),
        constant("s", np.ones(3, np.int32)), constant("axis", np.array([1], np.int32)),
    ]  # fmt: skip
    main = build(tensors, names(is_first=False), ["x"], ["y"])
    if first is None:
        return main
    value = Tensor("zeros", "int8", RING, *SCALE, data=first)
    assign = Operator(init_kind, ["handle", "zeros"], "", "AssignVariableOptions")
    init = build([tensors[0], value], [*names(is_first=True), assign], [], [])
    return with_first_call(main, init)


def with_first_call(main: bytes, init: bytes) -> bytes:
    """``main``, which calls the network of ``init`` before its first run."""
    model, other = (schema.ModelT.InitFromObj(schema.Model.GetRootAs(m, 0)) for m in (main, init))
    (subgraph,) = other.subgraphs
    for tensor in subgraph.tensors:
        tensor.buffer += len(model.buffers)
    for operator in subgraph.operators:
        operator.opcodeIndex += len(model.operatorCodes)
    model.buffers += other.buffers
    model.operatorCodes += other.operatorCodes
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = schema.BuiltinOperator.CALL_ONCE, 1
    code.deprecatedBuiltinCode = 127
    model.operatorCodes.append(code)
    call = schema.OperatorT()
    call.opcodeIndex = len(model.operatorCodes) - 1
    call.inputs, call.outputs = np.zeros(0, np.int32), np.zeros(0, np.int32)
    call.builtinOptions = schema.CallOnceOptionsT()
    call.builtinOptions.initSubgraphIndex = 1
    call.builtinOptionsType = schema.BuiltinOptions.CallOnceOptions
    model.subgraphs[0].operators.insert(0, call)
    model.subgraphs.append(subgraph)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_a_variable_is_a_state_with_litert_s_bytes_in_every_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    first: Array = rng.integers(-128, 128, RING).astype(np.int8)
    model = stream(first)
    path = tmp_path / "stream.tflite"
    path.write_bytes(model)
    source = import_tflite(path, {})
    (state,) = source.states
    assert state.name == "ring"
    assert state.initial is not None
    assert np.array_equal(state.initial, first)
    graph = lower(source, source.contract)
    judge = litert.Interpreter(
        model_content=model, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    judge.allocate_tensors()
    place = judge.get_input_details()[0]["index"]
    held: Array = first
    for _ in range(6):
        frame: Array = rng.integers(-128, 128, (1, 1, 2)).astype(np.int8)
        judge.set_tensor(place, frame)
        judge.invoke()
        values = evaluate_graph(graph, {"x": frame, state.before: held})
        held = values[graph.outputs[1]]
        wish = judge.get_tensor(judge.get_output_details()[0]["index"])
        np.testing.assert_array_equal(values[graph.outputs[0]], wish)


def test_the_first_run_starts_with_what_is_assigned_once(tmp_path: Path) -> None:
    path = tmp_path / "stream.tflite"
    path.write_bytes(stream(np.full(RING, 7, np.int8)))
    report = run_model(path, inputs={"x": np.full((1, 1, 2), 7, np.int8)})
    assert {str(name): array.tolist() for name, array in report.outputs.items()} == {"y": [[7, 7]]}


def test_what_is_called_once_has_to_assign_constants(tmp_path: Path) -> None:
    path = tmp_path / "stream.tflite"
    path.write_bytes(stream(np.zeros(RING, np.int8), "READ_VARIABLE"))
    with pytest.raises(UnsupportedError, match=r"READ_VARIABLE.*only constants that are assigned"):
        import_tflite(path, {})
