"""Drawn cases for operators in two steps: the sums of drawn operators, and what finishes them."""

from hypothesis import strategies as st

from case import Case
from strategies_matmul import MATMUL
from strategies_products import PRODUCTS
from tilewright.ir.op import Op
from tilewright.ops.conv2d import QConv2d, QConv2dSum
from tilewright.ops.dense import QDense, QDenseSum
from tilewright.ops.matmul import QMatMul, QMatMulSum
from tilewright.ops.requantise import RescaleSums

SPLITTABLE: dict[type[Op], st.SearchStrategy[Case]] = {
    QConv2d: PRODUCTS[QConv2d].filter(lambda case: case.op.split() is not None),
    QDense: PRODUCTS[QDense],
    QMatMul: MATMUL[QMatMul],
}


def sums_of(case: Case) -> Case:
    split = case.op.split()
    assert split is not None
    return Case(split.sums, tuple(case.inputs[i] for i in split.summed), case.varying)


def finish_of(case: Case) -> Case:
    split, sums = case.op.split(), sums_of(case)
    assert split is not None
    made = sums.op.evaluate(*sums.inputs)
    rest = (*(case.inputs[i] for i in split.finishing), *split.tables)
    return Case(split.finish, (made, *rest))


SUMS: dict[type[Op], st.SearchStrategy[Case]] = {
    QConv2dSum: SPLITTABLE[QConv2d].map(sums_of),
    QDenseSum: SPLITTABLE[QDense].map(sums_of),
    QMatMulSum: SPLITTABLE[QMatMul].map(sums_of),
    RescaleSums: st.one_of(*SPLITTABLE.values()).map(finish_of),
}
