import numpy as np

from rewriting import Net, assert_same_outputs, operators
from tilewright.frontend.rewrites.rules import optimise
from tilewright.ir.types import DType
from tilewright.ops.layout import Transpose
from tilewright.ops.lut import Lut

TABLE = np.random.default_rng(5).integers(-128, 128, 256).astype(np.int8)


def test_what_is_computed_twice_is_computed_once() -> None:
    net = Net()
    x = net.input("x", 3, 4, dtype=DType.S8)
    outputs = [
        net.do(f"z{i}", Transpose((1, 0)), net.do(f"y{i}", Lut(), x, TABLE.copy()))
        for i in range(3)
    ]
    last = [net.do(f"end{i}", Transpose((1, 0)), y) for i, y in enumerate(outputs[:2])]
    before = net.graph(outputs[2], *last)
    after = optimise(before, prune=False).graph
    assert operators(after).count("Lut") == 1
    assert operators(after).count("Transpose") <= 3
    assert_same_outputs(before, after)


def test_other_tables_and_other_tensors_stay() -> None:
    net = Net()
    x, y = (net.input(name, 3, 4, dtype=DType.S8) for name in "xy")
    outputs = [
        net.do("a", Lut(), x, TABLE), net.do("b", Lut(), x, TABLE[::-1].copy()),
        net.do("c", Lut(), y, TABLE),
    ]  # fmt: skip
    assert operators(optimise(net.graph(*outputs), prune=False).graph) == ["Lut"] * 3
