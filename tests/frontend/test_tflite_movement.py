"""Operators that choose or move elements: every byte equals LiteRT's reference kernels."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflite_cases import a_scale, seeds, stored
from tflite_models import Operator, Tensor, build, constant, differences, lowered
from tilewright.errors import ModelError
from tilewright.ir.types import Array, Shape

drawn = settings(derandomize=True, deadline=None, max_examples=120)
NO_SHAPE: Shape = ()
"""Results without a declared shape: LiteRT infers it, and so do we."""


def numbers(name: str, values: object) -> Tensor:
    return constant(name, np.asarray(values, np.int32))


def same(draw: st.DrawFn, operator: Operator, shape: Shape, constants: list[Tensor]) -> None:
    """Assert that the operator makes LiteRT's bytes of a tensor of any type that it takes."""
    lacks_int8 = operator.kind == "REVERSE_SEQUENCE"
    dtype = draw(st.sampled_from(("uint8", "float32", "uint8" if lacks_int8 else "int8")))
    scales, zeros = ((), ()) if dtype == "float32" else ((draw(a_scale()),), (draw(st.just(3)),))
    x = Tensor("x", dtype, shape, scales, zeros)
    outputs = [operator.output, *operator.more]
    results = [Tensor(name, dtype, NO_SHAPE, scales, zeros) for name in outputs]
    model = build([x, *constants, *results], [operator], ["x"], outputs)
    with TemporaryDirectory() as folder:
        graph = lowered(model, Path(folder))
    assert differences(graph, model, {"x": stored(x, draw(seeds))}) == {}
    assert graph.notes == ()


def extents(rank: int, low: int = 1, high: int = 6) -> st.SearchStrategy[Shape]:
    return st.tuples(*[st.integers(low, high)] * rank)


@st.composite
def splits(draw: st.DrawFn) -> None:
    shape = draw(extents(draw(st.integers(1, 4))))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    count = draw(st.integers(1, 3))
    grown = list(shape)
    grown[axis] *= count
    more = [f"y{i}" for i in range(1, count)]
    if draw(st.booleans()):
        operator = Operator(
            "SPLIT", ["a", "x"], "y", "SplitOptions", {"numSplits": count}, "", more
        )
        same(draw, operator, tuple(grown), [numbers("a", axis)])
        return
    sizes = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    grown[axis] = sum(sizes)
    sizes[draw(st.integers(0, count - 1))] = -1
    operator = Operator(
        "SPLIT_V", ["x", "s", "a"], "y", "SplitVOptions", {"numSplits": count}, "", more
    )
    same(draw, operator, tuple(grown), [numbers("s", sizes), numbers("a", axis)])


@st.composite
def slices(draw: st.DrawFn) -> None:
    shape = draw(extents(draw(st.integers(1, 4))))
    rank = len(shape)
    start = [draw(st.integers(0, n - 1)) for n in shape]
    stop = [draw(st.integers(b + 1, n)) for b, n in zip(start, shape, strict=True)]
    if draw(st.booleans()):
        size = [e - b if draw(st.booleans()) else -1 for b, e in zip(start, stop, strict=True)]
        same(draw, Operator("SLICE", ["x", "b", "s"], "y", "SliceOptions"), shape,
             [numbers("b", start), numbers("s", size)])  # fmt: skip
        return
    turned = [draw(st.booleans()) for _ in shape]
    steps = [draw(st.integers(1, 3)) * (-1 if t else 1) for t in turned]
    ends = [(e - 1, b - 1 - n) if t else (b, e)
            for b, e, n, t in zip(start, stop, shape, turned, strict=True)]  # fmt: skip
    mask = st.integers(0, 2**rank - 1)
    shrinks = draw(mask) & sum(1 << i for i, t in enumerate(turned) if not t)
    fields = {"beginMask": draw(mask) & ~shrinks, "endMask": draw(mask), "shrinkAxisMask": shrinks}
    steps = [1 if shrinks >> i & 1 else s for i, s in enumerate(steps)]
    operator = Operator("STRIDED_SLICE", ["x", "b", "e", "s"], "y", "StridedSliceOptions", fields)
    begin, end = ([pair[i] for pair in ends] for i in (0, 1))
    same(draw, operator, shape, [numbers("b", begin), numbers("e", end), numbers("s", steps)])


@st.composite
def packs(draw: st.DrawFn) -> None:
    shape = draw(extents(draw(st.integers(1, 3))))
    axis = draw(st.integers(0, len(shape)))
    if draw(st.booleans()):
        fields = {"axis": axis, "valuesCount": 2}
        same(draw, Operator("PACK", ["x", "x"], "y", "PackOptions", fields), shape, [])
        return
    count = draw(st.integers(1, 4))
    fields = {"axis": axis, "num": count}
    more = [f"y{i}" for i in range(1, count)]
    operator = Operator("UNPACK", ["x"], "y", "UnpackOptions", fields, "", more)
    same(draw, operator, (*shape[:axis], count, *shape[axis:]), [])


@st.composite
def repeats(draw: st.DrawFn) -> None:
    shape = draw(extents(draw(st.integers(1, 3)), high=4))
    counts = [draw(st.integers(1, 3)) for _ in shape]
    if draw(st.booleans()):
        same(draw, Operator("TILE", ["x", "n"], "y", "TileOptions"), shape, [numbers("n", counts)])
        return
    flat = tuple(1 if draw(st.booleans()) else n for n in shape)
    wish = (*counts[:1], *shape)
    operator = Operator("BROADCAST_TO", ["x", "n"], "y", "BroadcastToOptions", version=2)
    same(draw, operator, flat, [numbers("n", wish)])


@st.composite
def borders(draw: st.DrawFn) -> None:
    shape = draw(extents(draw(st.integers(1, 3)), low=2))
    mode = draw(st.sampled_from((0, 1)))
    most = [n - 1 + mode for n in shape]
    pads = [[draw(st.integers(0, m)), draw(st.integers(0, m))] for m in most]
    operator = Operator("MIRROR_PAD", ["x", "p"], "y", "MirrorPadOptions", {"mode": mode})
    same(draw, operator, shape, [numbers("p", pads)])


@st.composite
def turns(draw: st.DrawFn) -> None:
    shape = draw(extents(draw(st.integers(2, 4))))
    if draw(st.booleans()):
        axis = draw(st.integers(0, len(shape) - 1))
        operator = Operator("REVERSE_V2", ["x", "a"], "y", "ReverseV2Options")
        same(draw, operator, shape, [numbers("a", [axis])])
        return
    fields = {"batchDim": 0, "seqDim": 1}
    lengths = [draw(st.integers(1, shape[1])) for _ in range(shape[0])]
    operator = Operator("REVERSE_SEQUENCE", ["x", "n"], "y", "ReverseSequenceOptions", fields)
    same(draw, operator, shape, [numbers("n", lengths)])


@st.composite
def blocks(draw: st.DrawFn) -> None:
    n, h, w, c = draw(extents(4, high=3))
    b = draw(st.integers(1, 3))
    match draw(st.integers(0, 3)):
        case 0:
            operator = Operator(
                "SPACE_TO_DEPTH", ["x"], "y", "SpaceToDepthOptions", {"blockSize": b}
            )
            same(draw, operator, (n, h * b, w * b, c), [])
        case 1:
            operator = Operator(
                "DEPTH_TO_SPACE", ["x"], "y", "DepthToSpaceOptions", {"blockSize": b}
            )
            same(draw, operator, (n, h, w, c * b * b), [])
        case 2:
            crops = [[0, b - 1], [draw(st.integers(0, 1)) if w * 2 > 1 else 0, 0]]
            operator = Operator("BATCH_TO_SPACE_ND", ["x", "b", "c"], "y", "BatchToSpaceNDOptions")
            constants = [numbers("b", [b, 2]), numbers("c", crops)]
            same(draw, operator, (n * b * 2, h, w, c), constants)
        case _:
            pads = [[b, 0], [1, 1]]
            operator = Operator("SPACE_TO_BATCH_ND", ["x", "b", "p"], "y", "SpaceToBatchNDOptions")
            constants = [numbers("b", [b, 2]), numbers("p", pads)]
            same(draw, operator, (n, h * b, w * 2, c), constants)


@st.composite
def resizes(draw: st.DrawFn) -> None:
    shape, wish = draw(extents(4)), draw(extents(2, high=11))
    aligns = draw(st.booleans())
    fields = {"alignCorners": aligns, "halfPixelCenters": not aligns and draw(st.booleans())}
    operator = Operator(
        "RESIZE_NEAREST_NEIGHBOR", ["x", "n"], "y", "ResizeNearestNeighborOptions", fields
    )
    same(draw, operator, shape, [numbers("n", wish)])


KINDS = {
    "splits": splits, "slices": slices, "packs": packs, "repeats": repeats, "borders": borders,
    "turns": turns, "blocks": blocks, "resizes": resizes,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_moved_elements_equal_litert(kind: str) -> None:
    @drawn
    @given(KINDS[kind]())
    def check(_: None) -> None:
        pass

    check()


def flattened() -> bytes:
    """Flatten as Keras writes it: the batch is taken from the shape at run time."""
    int32 = ("shape", "n", "wish")
    operators = [
        Operator("SHAPE", ["x"], "shape", "ShapeOptions", {"outType": 2}),
        Operator("STRIDED_SLICE", ["shape", "zero", "one", "one"], "n", "StridedSliceOptions",
                 {"shrinkAxisMask": 1}),
        Operator("PACK", ["n", "minus"], "wish", "PackOptions", {"axis": 0, "valuesCount": 2}),
        Operator("RESHAPE", ["x", "wish"], "y"),
    ]  # fmt: skip
    shapes: dict[str, Shape] = {"shape": (4,), "n": (), "wish": (2,)}
    tensors = [
        Tensor("x", "int8", (1, 2, 3, 4), (0.5,), (0,), signature=(-1, 2, 3, 4)),
        Tensor("y", "int8", (1, 24), (0.5,), (0,), signature=(-1, 24)),
        *(Tensor(name, "int32", shapes[name]) for name in int32),
        numbers("zero", [0]), numbers("one", [1]), numbers("minus", -1),
    ]  # fmt: skip
    return build(tensors, operators, ["x"], ["y"])


def test_the_shape_arithmetic_of_keras_is_folded(tmp_path: Path) -> None:
    model = flattened()
    graph = lowered(model, tmp_path)
    x: Array = np.arange(24, dtype=np.int8).reshape(1, 2, 3, 4)
    assert [type(node.op).__name__ for node in graph.nodes] == ["Reshape"]
    assert differences(graph, model, {"x": x}) == {}
    grown = lowered(model, tmp_path, {"x": (3, 2, 3, 4)})
    assert grown.values[grown.outputs[0]].type.shape == (3, 24)


def test_parts_that_do_not_fit_are_refused_by_number(tmp_path: Path) -> None:
    x = Tensor("x", "int8", (1, 7), (1.0,), (0,))
    results = [Tensor(name, "int8", NO_SHAPE, (1.0,), (0,)) for name in ("y", "z")]
    operator = Operator("SPLIT", ["a", "x"], "y", "SplitOptions", {"numSplits": 2}, "", ["z"])
    model = build([x, numbers("a", 1), *results], [operator], ["x"], ["y", "z"])
    with pytest.raises(ModelError, match="7 elements do not make 2 equal parts"):
        lowered(model, tmp_path)
