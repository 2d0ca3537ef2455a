"""The first look at Tilewright: the digits network compiled, run, verified and summed up.

``./try`` at the root of the repository sets up what this needs and calls it. The C is left in
out/digits. Exit code 1 where the numbers do not agree.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

import tilewright
from tilewright.report.compiled import CompileReport
from tilewright.report.running import RunReport
from tilewright.report.text import facts, size_text, table
from tilewright.report.verified import VerifyReport

DIGITS = Path(__file__).parent
MODEL = DIGITS / "digits_int8.onnx"
OUT = Path("out/digits")
SHADES = " ░▒▓█"
VERIFIED_IMAGES = 50


def picture(stored: NDArray[np.int8], label: int, probabilities: NDArray[np.float64]) -> Panel:
    """One image in shades, under what the network says about it."""
    ink = (stored.reshape(8, 8).astype(int) + 128) * (len(SHADES) - 1) // 255
    lines = ["".join(SHADES[level] * 2 for level in row) for row in ink]
    found = int(probabilities.argmax())
    said = f"reads {found} ({probabilities[found]:.0%})"
    style = "green" if found == label else "red"
    return Panel(Text("\n".join(lines)), title=f"a {label}", subtitle=Text(said, style))


def show_accuracy(console: Console, correct: int) -> None:
    """Held-out images that each form of the network gets right."""
    stored = json.loads((DIGITS / "accuracy.json").read_text())
    images = stored["held_out_images"]
    stages = (
        ("trained, float32", "ONNX Runtime", stored["onnxruntime_float32_correct"]),
        ("quantised, int8", "ONNX Runtime", stored["onnxruntime_int8_correct"]),
        ("compiled, int8", f"the C in {OUT}", correct),
    )
    rows = [(what, who, f"{right}", f"{right / images:.1%}") for what, who, right in stages]
    title = f"Accuracy on {images} images that training never saw"
    console.print(table(title, ("Network", "Computed by", ">Right", ">Share"), rows))


def show_agreement(console: Console, report: VerifyReport) -> None:
    """Who agrees with whom."""
    rows = [
        (
            f"{c.left} = {c.right}",
            c.what,
            c.tolerance.value,
            f"{c.elements:,}",
            f"{c.differing:,}",
            "yes" if c.holds else "NO",
        )
        for c in report.verification.comparisons
    ]
    columns = ("Who", "On", "Promise", ">Numbers", ">Differ", "Kept")
    title = f"Agreement on {report.verification.inferences} images"
    console.print(table(title, columns, rows))
    for reason in report.verification.skipped:
        console.print(f"left out: {reason}", style="yellow", markup=False)


def show_network(console: Console, compiled: CompileReport, run: RunReport) -> None:
    """Layers and memory."""
    rows = [
        (row.name, row.op, row.shape, f"{row.macs:,}", f"{row.constants:,}")
        for row in compiled.layers
    ]
    columns = ("Layer", "Operator", "Output", ">MACs", ">Constants, B")
    console.print(table("Layers", columns, rows))
    console.print(
        facts(
            (
                memory.name.upper(),
                f"{size_text(memory.used)}: "
                + ", ".join(f"{part} {size_text(size)}" for part, size in memory.parts.items()),
            )
            for memory in run.memories
        )
    )


def main() -> int:
    """Compile, run, verify, tell."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    options = tilewright.Options(name="digits")
    start = time.perf_counter()
    compiled = tilewright.compile_to(MODEL, OUT, options=options)
    seconds = time.perf_counter() - start
    console.rule("Tilewright: handwritten digits, from an int8 ONNX file to C")
    console.print(
        f"\n{MODEL.name} compiled in {seconds:.1f} s: {len(compiled.files)} files of C in {OUT}, "
        "no heap, no library\n"
    )
    with np.load(DIGITS / "digits_test.npz") as test:
        images, labels = test["image"], test["label"]
    run = tilewright.run_model(MODEL, options=options, inputs={"image": images})
    (stored,) = run.outputs.values()
    probabilities = (stored.reshape(len(labels), 10).astype(float) + 128) / 256
    pictures = [picture(images[i], labels[i], probabilities[i]) for i in range(2, 6)]
    console.print(Columns(pictures, width=20))
    console.print()
    show_accuracy(console, int((probabilities.argmax(axis=1) == labels).sum()))
    some = {"image": images[:VERIFIED_IMAGES]}
    verification = tilewright.verify_model(MODEL, options=options, inputs=some)
    show_agreement(console, verification)
    show_network(console, compiled, run)
    console.print(
        f"\nWhat next?\n"
        f"  read the C                     less {OUT}/digits.c\n"
        "  call it from your own main.c   docs/tutorial.md\n"
        "  compile a network of yours     .venv/bin/tilewright compile MODEL -o out/mine\n"
        "  pass the tests                 ./check",
        markup=False,
    )
    return 0 if verification.holds and run.runs_identical else 1


if __name__ == "__main__":
    sys.exit(main())
