"""Bindings of dense_few_rv32.c: the portable dense layer with its channels as items."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import prod
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.targets.packs.portable.kernels.dense_s8 import DENSE_S8

HERE = Path(__file__).parent
MOST_ROWS = 4
"""With more of them the portable kernel, whose items are rows, keeps more cores busy, or all."""


def _rows(signature: Signature) -> int:
    return prod(signature.output.shape[:-1])


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    rows = _rows(signature)
    return None if rows <= MOST_ROWS else f"multiplies {rows} vectors, this kernel {MOST_ROWS}"


def _items(op: Op, signature: Signature) -> int:
    del op
    return signature.output.shape[-1]


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    return 2 * signature.inputs[1].shape[1]


def _with_rows(fields: Callable[[Op, Signature], Fields]) -> Callable[[Op, Signature], Fields]:
    def made(op: Op, signature: Signature) -> Fields:
        return {"rows": _rows(signature), **fields(op, signature)}

    return made


def _few(kernel: Kernel) -> Kernel:
    """The kernel that shares channels, in the place of a portable one; it costs as much."""
    return replace(
        kernel,
        symbol=kernel.symbol.replace("dense_s8", "dense_few_rv32"),
        struct="dense_few_rv32_args",
        header=HERE / "dense_few_rv32.h",
        source=HERE / "dense_few_rv32.c",
        fields=_with_rows(kernel.fields),
        items=_items,
        refuse=_refuse,
        scratch_bytes=_scratch_bytes,
        streaming=None,
    )


def dense_few(portable: Iterable[Kernel]) -> tuple[Kernel, ...]:
    """One for each of the portable dense kernels, at their cost."""
    symbols = {kernel.symbol for kernel in DENSE_S8}
    return tuple(_few(kernel) for kernel in portable if kernel.symbol in symbols)
