"""One strategy per operator class: ``STRATEGIES[Op]`` draws legal applications of it.

The properties of tests/ops/test_every_operator.py and the kernel bench run over this table, so an
operator gets both by one line here. Strategies live in ``strategies_<family>.py``, each of which
exports its part of the table.
"""

from hypothesis import strategies as st

from case import Case
from strategies_attention import ATTENTION
from strategies_gather import GATHER
from strategies_general import GENERAL
from strategies_layout import LAYOUT
from strategies_llm import LLM
from strategies_matmul import MATMUL
from strategies_norms import NORMS
from strategies_onnx import ONNX
from strategies_products import PRODUCTS
from strategies_real import REAL
from strategies_sums import SUMS
from strategies_tflite import TFLITE
from strategies_tiles import TILES
from strategies_wide import WIDE
from tilewright.ir.op import Op

STRATEGIES: dict[type[Op], st.SearchStrategy[Case]] = {
    **ATTENTION,
    **LAYOUT,
    **GATHER,
    **GENERAL,
    **LLM,
    **MATMUL,
    **NORMS,
    **ONNX,
    **PRODUCTS,
    **REAL,
    **SUMS,
    **TFLITE,
    **TILES,
    **WIDE,
}
