"""The files through which a harness program takes a batch of inputs and gives back results."""

from collections.abc import Sequence

import numpy as np

from tilewright.ir.graph import ValueName
from tilewright.ir.program import Operand, Program
from tilewright.ir.types import Array
from tilewright.run.inputs import Batch


def input_bytes(program: Program, batch: Batch) -> bytes:
    """The inputs of each inference, one inference after another."""
    columns = [
        np.ascontiguousarray(batch.arrays[operand.value.name])
        .reshape(batch.inferences, -1)
        .view(np.uint8)
        for operand in program.inputs
    ]
    return np.concatenate(columns, axis=1).tobytes() if columns else b""  # it may have none


def split_outputs(
    program: Program, raw: bytes, inferences: int, runs: int
) -> tuple[dict[ValueName, Array], bool]:
    """Outputs of the first run, and whether all runs gave the same bytes.

    raw  for each run and inference its outputs
    """
    rows = np.frombuffer(raw, np.uint8).reshape(runs, inferences, -1)
    return _by_name(rows[0], program.outputs), bool((rows == rows[:1]).all())


def _by_name(rows: Array, operands: Sequence[Operand]) -> dict[ValueName, Array]:
    outputs: dict[ValueName, Array] = {}
    start = 0
    for operand in operands:
        type_ = operand.value.type
        column = np.ascontiguousarray(rows[:, start : start + type_.nbytes])
        outputs[operand.value.name] = column.view(type_.dtype.numpy).reshape(-1, *type_.shape)
        start += type_.nbytes
    return outputs


def split_layers(raw: bytes, layers: int, inferences: int) -> tuple[tuple[bytes, ...], ...]:
    """[inferences][layer] results, from what tw_observe wrote: int32 layer, int32 bytes, result."""
    found: list[bytes] = []
    at = 0
    while at < len(raw):
        layer, size = np.frombuffer(raw, np.int32, 2, at).tolist()
        assert layer == len(found) % layers, f"layer {layer} reported out of order"
        found.append(raw[at + 8 : at + 8 + size])
        at += 8 + size
    assert len(found) == layers * inferences, f"{len(found)} layer results, wanted {layers}"
    return tuple(tuple(found[i * layers : (i + 1) * layers]) for i in range(inferences))
