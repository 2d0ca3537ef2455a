"""A small attention block as an .onnx file in QDQ form: two heads, every tensor int8."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from onnx_models import Model, output_parameters, random_integers, saved
from tilewright.ir.types import Array

SEQUENCE, HEADS, DEPTH = 24, 2, 8
WIDTH = HEADS * DEPTH


@dataclass
class Block:
    """The file being written: every real tensor is stored as int8, with scales of a float run."""

    model: Model = field(default_factory=Model)
    inputs: dict[str, Array] = field(default_factory=dict)

    def input(self, name: str, shape: tuple[int, ...]) -> str:
        self.model.input(name, shape, np.int8)
        self.inputs[name] = random_integers(7, shape, np.int8)
        return self.model.dequantise(name, 0.02, 5, np.int8)

    def do(self, kind: str, operands: tuple[str, ...], name: str, **attributes: object) -> str:
        """One operator, stored, and read again as real numbers."""
        real = self.model.node(kind, operands, f"{name}.float", **attributes)
        scale, zero = output_parameters(self.model, real, self.inputs, np.int8)
        self.model.quantise(real, scale, zero, np.int8, name)
        return self.model.dequantise(name, scale, zero, np.int8)

    def move(self, kind: str, operands: tuple[str, ...], name: str, **attributes: object) -> str:
        """One that only moves elements: no scale of its own."""
        return self.model.node(kind, operands, name, **attributes)

    def dense(self, x: str, name: str, seed: int) -> str:
        self.model.constant(f"{name}.w", random_integers(seed, (WIDTH, WIDTH), np.int8))
        return self.do("MatMul", (x, self.model.dequantise(f"{name}.w", 0.01, 0, np.int8)), name)

    def heads(self, x: str, name: str, perm: tuple[int, ...]) -> str:
        """[1,S,H*D] as [1,S,H,D], its dimensions in another order."""
        shape = self.model.constant(f"{name}.shape", np.array([1, SEQUENCE, HEADS, DEPTH]))
        apart = self.move("Reshape", (x, shape), f"{name}.apart")
        return self.move("Transpose", (apart,), f"{name}.heads", perm=perm)


def attention(folder: Path) -> Path:
    """x → q, k, v → softmax(q k^T / sqrt(D)) v, heads joined → dense."""
    block = Block()
    x = block.input("x", (1, SEQUENCE, WIDTH))
    q, k, v = (block.dense(x, name, seed) for seed, name in enumerate("qkv"))
    queries = block.heads(q, "queries", (0, 2, 1, 3))
    keys = block.heads(k, "keys", (0, 2, 3, 1))
    values = block.heads(v, "values", (0, 2, 1, 3))
    scores = block.do("MatMul", (queries, keys), "scores")
    step = block.model.constant("step", np.float32(1 / np.sqrt(DEPTH)))
    scaled = block.do("Mul", (scores, step), "scaled")
    weights = block.do("Softmax", (scaled,), "weights", axis=-1)
    mixed = block.do("MatMul", (weights, values), "mixed")
    together = block.move("Transpose", (mixed,), "together", perm=(0, 2, 1, 3))
    shape = block.model.constant("flat.shape", np.array([1, SEQUENCE, WIDTH]))
    flat = block.move("Reshape", (together, shape), "flat")
    block.dense(flat, "y", 9)
    return saved(folder, block.model.proto({"y": np.int8}))
