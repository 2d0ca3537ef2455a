"""Arrays of a user become batches of a network, or an error that says what to change."""

from pathlib import Path

import numpy as np
import pytest

from tilewright.errors import OptionError
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Node, Value, ValueName
from tilewright.ir.types import DType, Quantisation, TensorType
from tilewright.midend.split import split_nodes
from tilewright.ops.layout import Concat
from tilewright.ops.quantise import Quantize
from tilewright.run.inputs import match_inputs, random_batch, read_arrays
from wide_layers import words

SCALE = Quantisation((0.5,), (3,))


def a_network(*names: str, shape: tuple[int, ...] = (1, 4)) -> Graph:
    builder = GraphBuilder("net", Contract.TFLITE)
    inputs = [builder.input(Value(ValueName(n), TensorType(DType.S8, shape), SCALE)) for n in names]
    width = shape[-1] * len(names)
    output = Value(ValueName("y"), TensorType(DType.S8, (*shape[:-1], width)), SCALE)
    builder.node("cat", Concat(len(shape) - 1), inputs, output)
    builder.outputs.append(output.name)
    return builder.build()


def bytes_of(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.int8).reshape(shape)


def test_indices_are_rows_of_the_table_also_where_it_comes_in_parts():
    graph = words()
    for computed in (graph, split_nodes(graph, ("rows",))):
        (drawn,) = random_batch(computed, 200, seed=0).arrays.values()
        assert 0 <= drawn.min() < 100
        assert 8900 <= drawn.max() < 9000


def test_arrays_match_by_name_whatever_their_order() -> None:
    batch = match_inputs(a_network("a", "b"), {"b": bytes_of(1, 4) + 1, "a": bytes_of(1, 4)})
    assert batch.one(0)[ValueName("a")].tolist() == [[0, 1, 2, 3]]
    assert batch.one(0)[ValueName("b")].tolist() == [[1, 2, 3, 4]]
    assert not batch.is_batched


def test_arrays_match_by_order_where_names_differ_and_extra_ones_are_left() -> None:
    arrays = {"x": bytes_of(1, 4), "labels": np.zeros(9), "more": np.zeros(3)}
    batch = match_inputs(a_network("serving_default_x:0"), arrays)
    assert batch.one(0)[ValueName("serving_default_x:0")].tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("given", [(5, 1, 4), (5, 4)])
def test_a_leading_dimension_is_a_batch(given: tuple[int, ...]) -> None:
    batch = match_inputs(a_network("x"), {"x": bytes_of(*given)})
    assert batch.inferences == 5
    assert batch.is_batched
    assert batch.one(4)[ValueName("x")].tolist() == [[16, 17, 18, 19]]


def test_a_batch_of_one_keeps_its_dimension() -> None:
    assert match_inputs(a_network("x"), {"x": bytes_of(1, 1, 4)}).is_batched


def test_integers_of_another_width_are_taken_where_they_fit() -> None:
    batch = match_inputs(a_network("x"), {"x": np.array([[-128, 0, 1, 127]], np.int64)})
    assert batch.arrays[ValueName("x")].dtype == np.int8


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": np.zeros((1, 5), np.int8)}, r"array x has shape \[1, 5\], wanted \[1, 4\], or"),
        ({"x": np.zeros((1, 4), np.float32)}, r"is float32, wanted int8; .*\(scale 0.5 zero 3\)"),
        ({"x": np.full((1, 4), 200)}, r"holds 200 .. 200, int8 holds -128 .. 127"),
        ({"x": np.zeros((0, 1, 4), np.int8)}, r"array x is an empty batch"),
        ({}, r"no array for input x; the file has nothing; the network takes x"),
    ],
)
def test_an_array_that_does_not_fit_is_named_with_both_sides(
    arrays: dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(OptionError, match=said):
        match_inputs(a_network("x"), arrays)


def test_a_name_that_matches_only_half_is_an_error_not_a_guess() -> None:
    with pytest.raises(OptionError, match="no array for input b; the file has a, c"):
        match_inputs(a_network("a", "b"), {"a": bytes_of(1, 4), "c": bytes_of(1, 4)})


def test_inputs_must_agree_on_the_number_of_inferences() -> None:
    with pytest.raises(OptionError, match=r"different numbers of inferences \(a: 2, b: 3\)"):
        match_inputs(a_network("a", "b"), {"a": bytes_of(2, 1, 4), "b": bytes_of(3, 1, 4)})


def test_random_inputs_are_seeded_and_reach_both_ends_of_the_type() -> None:
    network = a_network("x", shape=(1, 4000))
    first, again, other = (random_batch(network, 2, seed) for seed in (1, 1, 2))
    x = ValueName("x")
    assert np.array_equal(first.arrays[x], again.arrays[x])
    assert not np.array_equal(first.arrays[x], other.arrays[x])
    assert (first.arrays[x].min(), first.arrays[x].max()) == (-128, 127)


def test_random_real_inputs_cover_what_the_quantizer_can_tell_apart() -> None:
    builder = GraphBuilder("net", Contract.ONNX)
    x = builder.input(Value(ValueName("x"), TensorType(DType.F32, (1, 5000))))
    y = Value(ValueName("y"), TensorType(DType.S8, (1, 5000)), SCALE)
    builder.nodes.append(Node("q", Quantize(0.5, 3), (x,), builder.value(y)))
    builder.outputs.append(y.name)
    array = random_batch(builder.build(), 1, 0).arrays[x]
    assert array.dtype == np.float32
    assert -65.5 <= array.min() < -60
    assert 58 < array.max() <= 62.0


def test_files_that_are_no_archives_of_arrays_are_explained(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no such file"):
        read_arrays(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(OptionError, match=r"not an \.npz file of plain arrays"):
        read_arrays(tmp_path / "text.npz")
    np.save(tmp_path / "bare.npy", np.zeros(3))
    with pytest.raises(OptionError, match="one bare array"):
        read_arrays(tmp_path / "bare.npy")
    np.savez(tmp_path / "objects.npz", x=np.array([{}], dtype=object))
    with pytest.raises(OptionError, match=r"not an \.npz file of plain arrays"):
        read_arrays(tmp_path / "objects.npz")
