"""What the compiler prints for tiled layers, as text that a reviewer reads.

Two layers with plans made by hand: one convolution cut along rows and channels, its operands in two
copies; and a chain of two whose intermediate exists only as the rows that are needed.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from case import Case
from tiled import Tiled, graph_of, steps_of, tiled
from tiled_chain import chain
from tilewright.ir.dump import dump_plan, dump_program
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Span
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.ops.window2d import Window2d
from tilewright.targets.host.target import HIERARCHY, HOST

GOLDEN = Path(__file__).parent / "tiled"
SAME = Window2d((3, 3), (1, 1), (1, 1, 1, 1))


def copied() -> Tiled:
    rng = np.random.default_rng(0)
    constants = (
        rng.integers(-128, 128, (8, 3, 3, 4)).astype(np.int8),
        rng.integers(-99, 99, 8).astype(np.int32),
        np.full(8, 1 << 30, np.int32),
        np.full(8, -7, np.int8),
    )
    x = rng.integers(-128, 128, (1, 14, 6, 4)).astype(np.int8)
    op = QConv2d(SAME, output=Requantise(Rounding.DOUBLE, 0, -128, 127))
    graph, _ = graph_of(Case(op, (x, *constants)))
    steps = steps_of(graph, HIERARCHY)
    assert steps is not None
    holds = {n: Hold.DOUBLE if n in ("x0", "c1", "y") else Hold.SINGLE for n in graph.values}
    return tiled(graph, steps, [Group(Span(0, 1), (1, 3, 6, 4), (3, 1), holds)], HIERARCHY)


def fused() -> Tiled:
    graph = chain([SAME, SAME], 12, is_residual=False)
    steps = steps_of(graph, HOST)
    assert steps is not None
    holds = {n: Hold.CARRIED if n == "y0" else Hold.DIRECT for n in graph.values}
    output = steps[-1].signature.output.shape
    return tiled(graph, steps, [Group(Span(0, 2), (1, 2, *output[2:]), (1,), holds)], HOST)


@pytest.mark.parametrize("net", [copied, fused], ids=["copied", "fused"])
def test_tiled_layer_is_as_reviewed(net, pytestconfig: pytest.Config):
    made = net()
    text = {
        "plan.txt": dump_plan(made.plan),
        "program.txt": dump_program(made.program),
        "net.c": made.bundle.files["net.c"],
        "net.h": made.bundle.files["net.h"],
    }
    for name, content in text.items():
        path = GOLDEN / f"{net.__name__}_{name}"
        if pytestconfig.getoption("update_snapshots"):
            GOLDEN.mkdir(exist_ok=True)
            path.write_text(content)
        assert content == path.read_text(), "changed on purpose? run with --snapshot-update"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("net", [copied, fused], ids=["copied", "fused"])
def test_tiled_c_compiles_without_a_warning(net, compiler: str, tmp_path: Path):
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    bundle = net().bundle
    bundle.write_to(tmp_path / "net")
    strict = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"]
    for source in bundle.sources:
        done = subprocess.run(
            [compiler, "-std=c11", "-O2", *strict, "-c", source, "-o", "object.o"],
            cwd=tmp_path / "net", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
