"""What kernels of the portable pack say when they turn a node down."""

import re

import pytest

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ir.types import DType, Shape, TensorType
from tilewright.ops.elementwise import Add, Clip
from tilewright.ops.layout import Concat, Pad, Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.reduce import Mean
from tilewright.targets.packs.portable.pack import PORTABLE


def reason(symbol: str, op: Op, *inputs: TensorType) -> str:
    (kernel,) = (k for k in PORTABLE if k.symbol == symbol)
    objection = kernel.objection(op, Signature(inputs, op.infer(*inputs)))
    assert objection is not None, f"{symbol} takes {op}"
    return objection.reason


def f32(*shape: int) -> TensorType:
    return TensorType(DType.F32, shape)


def s8(*shape: int) -> TensorType:
    return TensorType(DType.S8, shape)


EVEN = (2, 1, 2, 1, 2, 1)
ODD = (1, 3, 1, 3, 1, 3)


@pytest.mark.parametrize(
    ("symbol", "op", "inputs", "expected"),
    [
        ("lut_s8", Clip(0), (f32(4),), "computes Lut, not Clip"),
        ("add_f32", Lut(), (s8(4), s8(256)), "computes Add, not Lut"),
        ("clip_f32", Clip(0), (s8(4),), "takes f32 and makes f32, not s8 and f32"),
        ("concat2", Concat(0), (s8(1), s8(1), s8(1)), "joins 2 inputs, not 3"),
        (
            "add_f32", Add(), (f32(*EVEN), f32(*ODD)),
            r"f32\[2x1x2x1x2x1\] and f32\[1x3x1x3x1x3\] broadcast in 6 alternating dimensions, "
            "at most 4",
        ),
        (
            "transpose_8", Transpose((1, 0)), (f32(2, 3),),
            r"moves elements of 8 bits, f32\[2x3\] has 32",
        ),
        (
            "transpose_8", Transpose((6, 5, 4, 3, 2, 1, 0)), (s8(*[2] * 7),),
            "rank after merging dimensions is 7, at most 6",
        ),
        (
            "pad_s8", Pad((1,) * 7, (0,) * 7), (s8(*[2] * 7),),
            "rank after merging dimensions is 7, at most 6",
        ),
        (
            "mean_f32", Mean((0, 2, 4)), (f32(2, 2, 2, 2, 2),),
            r"axes \(0, 2, 4\) are more than two groups of neighbouring dimensions",
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_what_does_not_fit(
    symbol: str, op: Op, inputs: tuple[TensorType, ...], expected: str
):
    assert re.fullmatch(expected, reason(symbol, op, *inputs))


@pytest.mark.parametrize("shape", [(4, 1, 1, 5), (1, 1, 1, 1, 1, 1, 7), (2, 3, 1)])
def test_extents_of_one_cost_no_rank(shape: Shape):
    (transpose,) = (k for k in PORTABLE if k.symbol == "transpose_8")
    op = Transpose(tuple(reversed(range(len(shape)))))
    x = s8(*shape)
    assert transpose.objection(op, Signature((x,), op.infer(x))) is None


def test_a_transpose_that_keeps_the_order_of_elements_is_one_row():
    (transpose,) = (k for k in PORTABLE if k.symbol == "transpose_8")
    op, x = Transpose((1, 0, 2)), s8(1, 3, 5)
    assert transpose.items(op, Signature((x,), op.infer(x))) == 1
