"""Every kernel for ITA, for one version of the engine."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.tiles import TileAttention, TileAttentionMasked
from tilewright.targets.packs.ita.kernels.attention import ATTENTION_KERNEL, MASKED_KERNEL
from tilewright.targets.packs.ita.kernels.products import NORMED, PRODUCT, PRODUCT_ADDED

QUEUE_HEADERS = tuple(
    Path(__file__).parent / f"kernels/{name}.h" for name in ("ita_queue", "tw_xdma")
)
"""For a target's runtime, which feeds the engine while it waits for something else."""

FEED_HEADERS = (*QUEUE_HEADERS, Path(__file__).parent / "kernels/ita_feed.h")
"""For a target's startup code, which has the one copy of how that is done."""


@dataclass(frozen=True, slots=True)
class Version:
    """Of the hardware: jobs that it takes ahead, a power of two, and the shift of its softmax."""

    contexts: int
    softmax_shift: int


NEWEST = Version(4, 0)
SHIFT_5 = Version(2, 5)


def ita_kernels(version: Version) -> tuple[Kernel, ...]:
    """The pack for a version of the engine."""
    kernels = (PRODUCT, PRODUCT_ADDED, ATTENTION_KERNEL, MASKED_KERNEL, NORMED)
    return tuple(_of(kernel, version) for kernel in kernels)


def _of(kernel: Kernel, version: Version) -> Kernel:
    def variant(op: Op) -> str | None:
        is_attention = isinstance(op, TileAttention | TileAttentionMasked)
        if is_attention and op.softmax_shift != version.softmax_shift:
            return (
                f"its softmax shifts by {version.softmax_shift}, the operator's by "
                f"{op.softmax_shift}"
            )
        return None

    return replace(kernel, fields=_with_contexts(kernel.fields, version), variant=variant)


def _with_contexts(
    fields: Callable[[Op, Signature], Fields], version: Version
) -> Callable[[Op, Signature], Fields]:
    def made(op: Op, signature: Signature) -> Fields:
        return {**fields(op, signature), "contexts": version.contexts}

    return made
