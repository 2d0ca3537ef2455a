"""What every format's hyper-parameters must satisfy, and what its weights must be."""

from dataclasses import fields

import numpy as np

from tilewright.errors import ModelError
from tilewright.llm.model import Llama, LlamaShape

LARGEST = 2**31 - 1
"""Of any hyper-parameter: formats store them in 32 bits, and so do generated programs."""


def checked_shape(name: str, shape: LlamaShape) -> LlamaShape:
    """The shape, if a Llama can have it. Raises ModelError naming the numbers otherwise."""
    for field in ("dim", "hidden_dim", "layers", "heads", "kv_heads", "head_dim", "vocabulary",
                  "context"):  # fmt: skip
        value = getattr(shape, field)
        if not 0 < value <= LARGEST:
            raise ModelError(f"{name}: {field} is {value}; it must be 1 to {LARGEST}")
    if shape.heads % shape.kv_heads:
        raise ModelError(
            f"{name}: {shape.heads} heads cannot share {shape.kv_heads} key/value heads equally"
        )
    if shape.head_dim % 2:
        raise ModelError(
            f"{name}: heads of {shape.head_dim} elements cannot be rotated in pairs; head_dim "
            "must be even"
        )
    if not (0 < shape.norm_eps < 1 and 1 < shape.rope_theta < 1e12):
        raise ModelError(
            f"{name}: epsilon of the norms {shape.norm_eps:g} or RoPE theta "
            f"{shape.rope_theta:g} makes no sense; they are about 1e-5 and 10000"
        )
    return shape


def checked(llama: Llama) -> Llama:
    """The model, if its sizes are those of its shape and every weight is a number.

    Raises ModelError naming the tensor.
    """
    llama.check()
    named = [
        ("embedding", llama.embedding),
        ("final_norm", llama.final_norm),
        ("head", llama.head),
        *(
            (f"layer {index} {field.name}", getattr(layer, field.name))
            for index, layer in enumerate(llama.layers)
            for field in fields(layer)
        ),
    ]
    for name, array in named:
        wrong = int(np.count_nonzero(~np.isfinite(array)))
        if wrong:
            raise ModelError(
                f"{llama.name}: {name} has {wrong} values of {array.size} that are infinite or "
                "no number; the file is damaged, or the training diverged"
            )
    return llama


def divided(name: str, dim: int, heads: int) -> int:
    """Elements per head where a format does not store them. Raises ModelError for a remainder."""
    if heads < 1 or dim < 1 or dim % heads:
        raise ModelError(f"{name}: a width of {dim} cannot be divided among {heads} heads")
    return dim // heads
