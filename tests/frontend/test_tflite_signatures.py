"""Files with several signatures: each is a network of its own."""

from pathlib import Path

import flatbuffers
import numpy as np
import pytest

from evaluate import evaluate_graph
from tflite_models import Operator, Tensor, build, joined, litert, schema
from tilewright.cli.main import main
from tilewright.errors import OptionError
from tilewright.pipeline import Options, import_graph

SHAPE = (1, 4)


def curve(kind: str) -> bytes:
    made = [Tensor("x", "float32", SHAPE), Tensor(f"{kind.lower()}_y", "float32", SHAPE)]
    return build(made, [Operator(kind, ["x"], f"{kind.lower()}_y")], ["x"], [f"{kind.lower()}_y"])


def signed(folder: Path, kinds: dict[str, str]) -> Path:
    """One file; signature → the operator of its subgraph."""
    whole = schema.ModelT.InitFromObj(
        schema.Model.GetRootAs(joined(*(curve(kind) for kind in kinds.values())), 0)
    )
    whole.signatureDefs = []
    for number, (name, graph) in enumerate(zip(kinds, whole.subgraphs, strict=True)):
        made = schema.SignatureDefT()
        made.signatureKey, made.subgraphIndex = name, number
        made.inputs, made.outputs = (
            [_mapped(n, int(i[0]))] for n, i in (("x", graph.inputs), ("y", graph.outputs))
        )
        whole.signatureDefs.append(made)
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    path = folder / "signed.tflite"
    path.write_bytes(bytes(builder.Output()))
    return path


def _mapped(name: str, index: int):
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, index
    return made


KINDS = {"smooth": "TANH", "hard": "RELU", "between": "LOGISTIC"}


@pytest.mark.parametrize("name", KINDS)
def test_each_signature_is_what_litert_makes_of_it(tmp_path: Path, name: str) -> None:
    path = signed(tmp_path, KINDS)
    graph = import_graph(path, Options(signature=name))
    x = np.linspace(-2, 2, 4, dtype=np.float32).reshape(SHAPE)
    wanted = litert.Interpreter(str(path)).get_signature_runner(name)(x=x)["y"]
    (output,) = graph.outputs
    values = evaluate_graph(graph, {graph.inputs[0]: x})
    assert np.allclose(values[output], wanted, atol=1e-6)


def test_without_a_name_it_is_the_first_and_a_note_says_so(tmp_path: Path) -> None:
    graph = import_graph(signed(tmp_path, KINDS))
    assert graph.outputs == ("tanh_y",)
    assert any("smooth, hard, between" in note for note in graph.notes)


def test_an_unknown_one_is_refused_with_those_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = signed(tmp_path, KINDS)
    with pytest.raises(OptionError, match="no signature soft; its signatures: smooth, hard"):
        import_graph(path, Options(signature="soft"))
    assert main(["inspect", str(path), "--signature", "soft"]) == OptionError.exit_code
    assert "smooth, hard, between" in capsys.readouterr().err
