"""CALL, IF and WHILE of .tflite files compute what LiteRT does."""

from pathlib import Path

import numpy as np
import pytest

from evaluate import evaluate_graph
from tflite_models import Operator, Tensor, build, constant, joined, litert, lowered
from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.tflite_import import import_tflite
from tilewright.ir.types import Array

SHAPE = (1, 4)


def real(name: str) -> Tensor:
    return Tensor(name, "float32", SHAPE)


def counter(name: str) -> Tensor:
    return Tensor(name, "int32", (1,))


def loop(turns: int | None) -> bytes:
    """h = tanh(h + x), so many times; None: as often as an input says."""
    limit = (
        Tensor("limit", "int32", (1,))
        if turns is None
        else constant("limit", np.array([turns], np.int32))
    )
    zero = constant("zero", np.array([0], np.int32))
    fields = {"condSubgraphIndex": 1, "bodySubgraphIndex": 2}
    carried = ["zero", "limit", "x", "x"]
    run = Operator("WHILE", carried, "i", "WhileOptions", fields, more=["n", "y", "same"])
    given = ["x"] if turns is not None else ["x", "limit"]
    main = build(
        [real("x"), zero, limit, counter("i"), counter("n"), real("y"), real("same")],
        [run], given, ["y"],
    )  # fmt: skip
    names = [counter("i"), counter("n"), real("h"), real("x")]
    goes_on = Tensor("on", "bool", (1,))
    less = Operator("LESS", ["i", "n"], "on", "LessOptions")
    condition = build([*names, goes_on], [less], ["i", "n", "h", "x"], ["on"])
    one = constant("one", np.array([1], np.int32))
    body = build(
        [*names, one, counter("j"), real("s"), real("t")],
        [
            Operator("ADD", ["i", "one"], "j", "AddOptions"),
            Operator("ADD", ["h", "x"], "s", "AddOptions"),
            Operator("TANH", ["s"], "t"),
        ],
        ["i", "n", "h", "x"], ["j", "n", "t", "x"],
    )  # fmt: skip
    return joined(main, condition, body)


def branch(*, is_known: bool) -> bytes:
    """tanh(x) or x + x, by a constant or by an input."""
    condition = Tensor("c", "bool", (1,), data=np.array([True]) if is_known else None)
    fields = {"thenSubgraphIndex": 1, "elseSubgraphIndex": 2}
    choose = Operator("IF", ["c", "x"], "y", "IfOptions", fields)
    given = ["x"] if is_known else ["x", "c"]
    main = build([condition, real("x"), real("y")], [choose], given, ["y"])
    yes = build([real("x"), real("t")], [Operator("TANH", ["x"], "t")], ["x"], ["t"])
    no = build(
        [real("x"), real("d")], [Operator("ADD", ["x", "x"], "d", "AddOptions")], ["x"], ["d"]
    )
    return joined(main, yes, no)


def theirs(model: bytes, inputs: dict[str, Array]) -> Array:
    judge = litert.Interpreter(
        model_content=model, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    judge.allocate_tensors()
    for detail in judge.get_input_details():
        judge.set_tensor(detail["index"], inputs[detail["name"]])
    judge.invoke()
    return np.array(judge.get_tensor(judge.get_output_details()[0]["index"]))


def agree(folder: Path, model: bytes, **more: Array) -> None:
    x = np.linspace(-1, 1, 4, dtype=np.float32).reshape(SHAPE)
    graph = lowered(model, folder)
    given = {"x": x, **{name: array.astype(np.int32) for name, array in more.items()}}
    ours = evaluate_graph(graph, given)[graph.outputs[0]]
    np.testing.assert_allclose(ours, theirs(model, {"x": x, **more}), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_while_with_a_constant_number_of_turns(tmp_path: Path, turns: int) -> None:
    agree(tmp_path, loop(turns))


def test_while_that_an_input_ends_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(loop(None))
    with pytest.raises(UnsupportedError, match="whether it goes on is computed at run time"):
        import_tflite(path, {})


def test_if_of_a_constant(tmp_path: Path) -> None:
    agree(tmp_path, branch(is_known=True))


@pytest.mark.parametrize("condition", [True, False])
def test_if_of_an_input_runs_both_branches(tmp_path: Path, condition: bool) -> None:
    agree(tmp_path, branch(is_known=False), c=np.array([condition]))


def test_a_subgraph_that_runs_itself_is_refused(tmp_path: Path) -> None:
    fields = {"thenSubgraphIndex": 1, "elseSubgraphIndex": 1}
    choose = Operator("IF", ["c", "x"], "y", "IfOptions", fields)
    part = build([Tensor("c", "bool", (1,)), real("x"), real("y")], [choose], ["c", "x"], ["y"])
    path = tmp_path / "model.tflite"
    path.write_bytes(joined(part, part))
    with pytest.raises(ModelError, match="runs itself"):
        import_tflite(path, {})
