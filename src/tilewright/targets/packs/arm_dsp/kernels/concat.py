"""Bindings of concat_dsp.c: concatenation of two to four inputs."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature, Terms
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE
from tilewright.targets.packs.portable.kernels.concat import CONCAT

MOST = 4
"""Inputs."""


def _moved(rows: int, sizes: list[int]) -> tuple[int, ...]:
    """Pieces, and what they are moved by."""
    return (
        rows, rows * len(sizes), rows * sum(size // 16 for size in sizes),
        rows * sum(size % 16 // 4 for size in sizes), rows * sum(size % 4 for size in sizes),
    )  # fmt: skip


def _kernel(portable: Kernel) -> Kernel:
    def terms(op: Op, signature: Signature) -> tuple[int, ...]:
        sizes = [
            int(portable.fields(op, signature)[f"bytes{i}"]) for i in range(len(signature.inputs))
        ]
        return _moved(portable.items(op, signature), sizes)

    return replace(
        portable,
        symbol=f"{portable.symbol}_dsp",
        struct=f"{portable.symbol}_dsp_args",
        header=HERE / "concat_dsp.h",
        source=HERE / "concat_dsp.c",
        terms=Terms(("rows", "pieces", "sixteens", "words", "bytes"), terms),
        includes=(HERE / "dsp_words.h", *portable.includes),
    )


CONCAT_DSP = tuple(_kernel(kernel) for kernel in CONCAT if len(kernel.pointers) - 1 <= MOST)
