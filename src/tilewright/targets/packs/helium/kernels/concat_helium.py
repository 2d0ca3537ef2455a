"""Bindings of concat_helium.c: concatenation of two to four inputs."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature, Terms
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.portable.kernels.concat import CONCAT
from tilewright.targets.packs.terms import groups

MOST = 4
"""Inputs."""


def _moved(rows: int, sizes: list[int]) -> tuple[int, ...]:
    """Pieces, and their vectors."""
    return rows, rows * len(sizes), rows * sum(groups(size, 16) for size in sizes)


def _kernel(portable: Kernel) -> Kernel:
    def terms(op: Op, signature: Signature) -> tuple[int, ...]:
        sizes = [
            int(portable.fields(op, signature)[f"bytes{i}"]) for i in range(len(signature.inputs))
        ]
        return _moved(portable.items(op, signature), sizes)

    return replace(
        portable,
        symbol=f"{portable.symbol}_helium",
        struct=f"{portable.symbol}_helium_args",
        header=HERE / "concat_helium.h",
        source=HERE / "concat_helium.c",
        terms=Terms(("rows", "pieces", "vectors"), terms),
        includes=portable.includes,
    )


CONCAT_HELIUM = tuple(_kernel(kernel) for kernel in CONCAT if len(kernel.pointers) - 1 <= MOST)
