"""Networks in tiles: what a builder writes comes back as the same integers; what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from evaluate import evaluate_graph
from tilewright.api_models import write_model
from tilewright.builders.encoders import dinov2_s, whisper_tiny_encoder
from tilewright.builders.mobilebert import mobilebert
from tilewright.builders.tile_network import TileNetwork
from tilewright.errors import ModelError, OptionError, UnsupportedError
from tilewright.frontend.lower.driver import lower
from tilewright.frontend.onnx_import import import_onnx
from tilewright.frontend.onnx_tiles import DOMAIN
from tilewright.ir.graph import Contract
from tilewright.ops.tiles import TileAttention, TileProduct, TileProductAdded, from_tiles, in_tiles


def test_a_built_layer_is_read_back_as_the_same_integers(tmp_path: Path) -> None:
    net, output = mobilebert(64, layers=1)
    net.write(str(tmp_path / "layer.onnx"), output)
    source = import_onnx(tmp_path / "layer.onnx", {})
    graph = lower(source, source.contract)
    values = evaluate_graph(graph, {graph.inputs[0]: net.values["hidden"]})
    kinds = [type(node.op) for node in graph.nodes]
    assert [kinds.count(k) for k in (TileProduct, TileProductAdded, TileAttention)] == [8, 6, 1]
    for node in graph.nodes:
        assert np.array_equal(values[node.output], net.values[str(node.output)]), node.name
    last = values[graph.outputs[0]]
    assert 20 < last.std() < 60, "layers neither die out nor saturate"
    assert np.mean(np.abs(last.astype(int)) >= 127) < 0.02


@pytest.mark.parametrize(
    ("build", "tokens"), [(dinov2_s, 100), (whisper_tiny_encoder, 70)], ids=["dinov2", "whisper"]
)
def test_encoders_are_read_back_as_the_same_integers_and_nobody_sees_padding(
    tmp_path: Path, build: Callable[[int, int], tuple[TileNetwork, str]], tokens: int
) -> None:
    net, output = build(tokens, 1)
    net.write(str(tmp_path / "encoder.onnx"), output)
    source = import_onnx(tmp_path / "encoder.onnx", {})
    graph = lower(source, source.contract)
    fed = {name: net.values[str(name)] for name in graph.inputs}
    values = evaluate_graph(graph, fed)
    for node in graph.nodes:
        assert np.array_equal(values[node.output], net.values[str(node.output)]), node.name
    last = from_tiles(values[graph.outputs[0]])
    assert 20 < last.std() < 45, "layers neither die out nor saturate"
    other = {name: in_tiles(_disturbed(from_tiles(x), tokens)) for name, x in fed.items()}
    again = from_tiles(evaluate_graph(graph, other)[graph.outputs[0]])
    assert np.array_equal(last[:tokens], again[:tokens])


def _disturbed(rows: np.ndarray, tokens: int) -> np.ndarray:
    """Other numbers in what is padding."""
    changed = rows.copy()
    changed[tokens:] = 99
    return changed


def test_the_same_seed_writes_the_same_file_and_another_one_does_not(tmp_path: Path) -> None:
    first, second, other = (tmp_path / f"{n}.onnx" for n in "abc")
    write_model("mobilebert", first, sequence=64, layers=1)
    report = write_model("mobilebert", second, sequence=64, layers=1)
    write_model("mobilebert", other, sequence=64, layers=1, seed=1)
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()
    assert (report.tokens, report.layers, report.size) == (64, 1, second.stat().st_size)


@pytest.mark.parametrize(
    ("network", "sequence", "said"),
    [
        ("mobilebert", 100, "want a multiple of 64 up to 960"),
        ("mobilebert", 1024, "want a multiple of 64 up to 960"),
        ("bert", None, "unknown; there are mobilebert, dinov2-s, whisper-tiny-encoder, tinyllama"),
        ("dinov2-s", 961, "want a number up to 960"),
    ],
)
def test_what_cannot_be_built_is_refused(network: str, sequence: int | None, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        write_model(network, "never.onnx", sequence=sequence)


def model_with(
    folder: Path, kind: str, dtype: int = TensorProto.INT8, **attributes: object
) -> Path:
    """One node over one tile, times another."""
    shape = (1, 1, 64, 64)
    w = numpy_helper.from_array(np.ones(shape, np.int8), "w")
    b = numpy_helper.from_array(np.zeros((1, 192), np.uint8), "b")
    ends = [
        helper.make_tensor_value_info(name, t, shape)
        for name, t in (("x", dtype), ("y", TensorProto.INT8))
    ]
    one = helper.make_node("TileProduct", ["x", "w", "b"], ["m"], domain=DOMAIN, scale=[1, 0, 0])
    two = helper.make_node(kind, ["m", "w", "b"], ["y"], "last", domain=DOMAIN, **attributes)
    graph = helper.make_graph([one, two], "g", ends[:1], ends[1:], [w, b])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), folder / "m.onnx")
    return folder / "m.onnx"


@pytest.mark.parametrize(
    ("kind", "attributes", "said"),
    [
        ("TileProduct", {}, "attribute scale is"),
        ("TileProduct", {"scale": [300, 0, 0]}, "a scale of ITA wants 0..255"),
        ("TileProduct", {"scale": [1, 0, 0], "curve": "tanh"}, "not identity, gelu or relu"),
        ("TileAttention", {"logits": [1, 0, 0], "values": [1, 0, 0]}, "attention in tiles wants"),
    ],
)
def test_wrong_numbers_are_named(
    tmp_path: Path, kind: str, attributes: dict[str, object], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        import_onnx(model_with(tmp_path, kind, **attributes), {})


def test_other_operators_and_types_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="TileNormed, TileProduct only"):
        import_onnx(model_with(tmp_path, "Softmax"), {})
    with pytest.raises(ModelError, match="wants int8 of a fixed shape"):
        import_onnx(model_with(tmp_path, "TileProduct", TensorProto.FLOAT, scale=[1, 0, 0]), {})


def test_the_contract_is_that_of_the_files_integers(tmp_path: Path) -> None:
    path = model_with(tmp_path, "TileProduct", scale=[1, 0, 0])
    assert import_onnx(path, {}).contract is Contract.PULP
