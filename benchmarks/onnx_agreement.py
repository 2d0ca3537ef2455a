"""How far each layer is from ONNX Runtime on equal inputs, as a markdown table.

Reads the QDQ networks from ../shared/models, runs every layer of ours and the same part of the file
in ONNX Runtime (graph optimisations off) on the integers that our layers before it made, and counts
the bytes that differ. Needs `pip install .[verify]`, and the tests' own modules: run it as
`PYTHONPATH=tests python benchmarks/onnx_agreement.py`. Prints to stdout and writes
benchmarks/results/onnx_agreement.md. Exit code 1 where a byte differs by more than one.
"""

import sys
from pathlib import Path

from layer_agreement import LayerAgreement, layer_agreement

ROOT = Path(__file__).parents[1]
MODELS = ROOT.parent / "shared/models"
RESULTS = ROOT / "benchmarks/results/onnx_agreement.md"
SEEDS = range(32)

FILES = (
    "mlperf_tiny/resnet8_qdq.onnx",
    "mlperf_tiny/kws_qdq.onnx",
    "mlperf_tiny/vww_qdq.onnx",
    "mlperf_tiny/ad_qdq.onnx",
    "onnx_quant/micro_kws_m_static_qdq.onnx",
)


def main() -> int:
    """Print the tables; 0 if no byte is off by more than one."""
    text = [f"Bytes that differ from ONNX Runtime, {len(SEEDS)} random inputs, seeds from 0.\n"]
    worst = 0
    for file in FILES:
        rows = layer_agreement(MODELS / file, SEEDS)
        worst = max(worst, *(row.largest for row in rows))
        text += [f"## {Path(file).name}\n", *table(rows), ""]
    print("\n".join(text))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(text))
    return int(worst > 1)


def table(rows: list[LayerAgreement]) -> list[str]:
    """One line per layer and a sum."""
    lines = [
        "| layer | operator | bytes | differing | share | largest |",
        "|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        line(row.node.split(";")[0][-40:], row.operator, row.elements, row.differing, row.largest)
        for row in rows
    ]
    elements, differing = sum(r.elements for r in rows), sum(r.differing for r in rows)
    return [*lines, line("**all**", "", elements, differing, max(r.largest for r in rows))]


def line(name: str, operator: str, elements: int, differing: int, largest: int) -> str:
    """One line of a table."""
    share = f"{100 * differing / elements:.4f} %"
    return f"| {name} | {operator} | {elements:,} | {differing:,} | {share} | {largest} |"


if __name__ == "__main__":
    sys.exit(main())
