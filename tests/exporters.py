"""Small networks as public exporters write them: one function per pattern.

A pattern fills a ``Model`` and says what its outputs are and how far results may be off.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from onnx import helper

from onnx_models import Model
from tilewright.ir.types import Array

Outputs = dict[str, type]


@dataclass
class Pattern:
    """One pattern while it is written; ``step`` is how far real results may be off."""

    model: Model
    rng: np.random.Generator
    step: float = 1e-4
    extra: dict[str, Array] = field(default_factory=dict)

    def real(self, name: str, *shape: int, scale: float = 0.5) -> str:
        drawn = (self.rng.standard_normal(shape) * scale).astype(np.float32)
        return self.model.constant(name, drawn)

    def stored(self, name: str, *shape: int, dtype: type = np.int8, low: int | None = None) -> str:
        info = np.iinfo(dtype)
        low = info.min if low is None else low
        drawn = self.rng.integers(low, info.max + 1, shape).astype(dtype)
        return self.model.constant(name, drawn)

    def weights(self, name: str, *shape: int, axis: int | None = None) -> str:
        """int8 weights behind DequantizeLinear."""
        stored = self.stored(name, *shape, low=-127)
        if axis is None:
            return self.model.dequantise(stored, 0.01, 0, np.int8)
        scales = self.rng.uniform(0.005, 0.02, shape[axis]).astype(np.float32)
        zeros = np.zeros(shape[axis], np.int8)
        return self.model.dequantise(stored, scales, zeros, np.int8, axis=axis)

    def bias(self, name: str, size: int, scale: float) -> str:
        drawn = self.rng.integers(-2000, 2000, size).astype(np.int32)
        stored = self.model.constant(name, drawn)
        scales = (
            np.broadcast_to(np.asarray(scale, np.float32), (size,)) if np.ndim(scale) else scale
        )
        zeros = np.zeros(size, np.int32) if np.ndim(scale) else 0
        return self.model.dequantise(stored, scales, zeros, np.int32, axis=0)

    def qdq(self, x: str, scale: float, zero: int = 0, dtype: type = np.int8) -> str:
        """A QuantizeLinear and a DequantizeLinear behind a tensor."""
        stored = self.model.quantise(x, scale, zero, dtype, f"{x}.q")
        return self.model.dequantise(stored, scale, zero, dtype)

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        return self.model.node(kind, inputs, output, **attributes)

    def several(
        self,
        kind: str,
        inputs: list[str],
        outputs: list[str],
        domain: str = "",
        **attributes: object,
    ) -> None:
        """A node of several results, or of another domain."""
        made = helper.make_node(kind, inputs, outputs, domain=domain, **attributes)
        self.model.nodes.append(made)

    def held(self, name: str, value: object, dtype: type = np.float32) -> str:
        """A small constant."""
        return self.model.constant(name, np.array(value, dtype))

    def end(self, x: str, scale: float, zero: int = 0, dtype: type = np.int8) -> Outputs:
        """The last pair; results may be off by one step of it."""
        self.step = scale
        self.node("Identity", [self.qdq(x, scale, zero, dtype)], "y")
        return REAL


REAL: Outputs = {"y": np.float32}

PATTERNS: dict[str, Callable[[Pattern], Outputs]] = {}


def pattern(rule: Callable[[Pattern], Outputs]) -> Callable[[Pattern], Outputs]:
    PATTERNS[rule.__name__] = rule
    return rule
