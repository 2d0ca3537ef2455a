"""Drawn cases for operators in two steps: the sums of drawn operators, and what finishes them."""

import numpy as np
from hypothesis import strategies as st

from case import Case
from strategies_gather import GATHER
from strategies_matmul import MATMUL
from strategies_products import PRODUCTS
from tilewright.ir.op import Op
from tilewright.ops.conv2d import QConv2d, QConv2dSum
from tilewright.ops.dense import QDense, QDenseSum
from tilewright.ops.gather import Gather, GatherSum
from tilewright.ops.matmul import QMatMul, QMatMulSum
from tilewright.ops.requantise import RescaleSums


def _is_split(case: Case) -> bool:
    return case.op.split(*case.signature.inputs) is not None


def _is_real(case: Case) -> bool:
    """Sums of real numbers are not compared bit by bit: there are two zeros."""
    return case.inputs[0].dtype == np.float32


SPLITTABLE: dict[type[Op], st.SearchStrategy[Case]] = {
    QConv2d: PRODUCTS[QConv2d].filter(lambda case: case.op.groups == 1),
    QDense: PRODUCTS[QDense],
    QMatMul: MATMUL[QMatMul],
    Gather: GATHER[Gather].filter(lambda case: _is_split(case) and not _is_real(case)),
}


def sums_of(case: Case) -> Case:
    split = case.op.split(*case.signature.inputs)
    assert split is not None
    return Case(split.sums, tuple(case.inputs[i] for i in split.summed), case.varying)


def finish_of(case: Case) -> Case:
    split, sums = case.op.split(*case.signature.inputs), sums_of(case)
    assert split is not None
    made = sums.op.evaluate(*sums.inputs)
    rest = (*(case.inputs[i] for i in split.finishing), *split.tables)
    return Case(split.finish, (made, *rest))


SUMS: dict[type[Op], st.SearchStrategy[Case]] = {
    QConv2dSum: SPLITTABLE[QConv2d].map(sums_of),
    QDenseSum: SPLITTABLE[QDense].map(sums_of),
    QMatMulSum: SPLITTABLE[QMatMul].map(sums_of),
    RescaleSums: st.one_of(*(SPLITTABLE[op] for op in (QConv2d, QDense, QMatMul))).map(finish_of),
    GatherSum: GATHER[Gather].filter(_is_split).map(sums_of),
}
