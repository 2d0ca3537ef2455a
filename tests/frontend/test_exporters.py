"""Some sixty patterns of public exporters compile and compute what ONNX Runtime computes."""

from importlib import import_module
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from exporters import PATTERNS, Pattern
from layer_agreement import run_onnx
from onnx_models import Model, both
from tilewright.ir.types import Array

MODULES = "exporters_layers", "exporters_quantised", "exporters_runtime", "exporters_attention"

for module in MODULES:
    import_module(module)


def tensor(name: str, array: Array) -> onnx.TensorProto:
    if array.dtype == np.int8:
        return helper.make_tensor(name, TensorProto.INT4, array.shape, array.reshape(-1).tolist())
    return numpy_helper.from_array(array, name)


def drawn(model: Model, rng: np.random.Generator) -> dict[str, Array]:
    made: dict[str, Array] = {}
    for name, (dtype, shape) in model.inputs.items():
        whole = tuple(n if isinstance(n, int) else 1 for n in shape)
        if dtype == np.float32:
            made[name] = rng.standard_normal(whole).astype(np.float32)
        elif dtype == np.int64:
            made[name] = rng.integers(0, 250, whole)
        else:
            info = np.iinfo(dtype)
            made[name] = rng.integers(info.min, info.max + 1, whole).astype(dtype)
    return made


ROUND = {"ROUND": np.rint, "FLOOR": np.floor}


class Quant(OpRun):
    """As QONNX defines it; ONNX Runtime does not know it."""

    op_domain = "qonnx.custom_op.general"

    def _run(self, x, scale, zero, bits, *, signed=1, narrow=0, rounding_mode="ROUND"):
        high = 2.0 ** (bits - signed) - 1 - (0 if signed else narrow)
        low = (-high - 1 + narrow) if signed else 0.0 * high
        stored = np.clip(ROUND[rounding_mode](x / scale + zero), low, high)
        return (((stored - zero) * scale).astype(np.float32),)


class BipolarQuant(OpRun):
    op_domain = "qonnx.custom_op.general"

    def _run(self, x, scale):
        return (np.where(x >= 0, scale, -scale).astype(np.float32),)


class Trunc(OpRun):
    op_domain = "qonnx.custom_op.general"

    def _run(self, x, scale, zero, before, after, rounding_mode="FLOOR"):
        steps = np.rint(x / scale + zero) / 2.0 ** (before - after)
        return (((ROUND[rounding_mode](steps) - zero) * scale).astype(np.float32),)


def reference(proto: onnx.ModelProto, inputs: dict[str, Array]) -> list[Array]:
    if not any(node.domain == Quant.op_domain for node in proto.graph.node):
        return run_onnx(proto, inputs)
    proto.opset_import.append(helper.make_opsetid(Quant.op_domain, 1))
    return ReferenceEvaluator(proto, new_ops=[Quant, BipolarQuant, Trunc]).run(None, inputs)


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_compiles_and_agrees(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(len(name))
    p = Pattern(Model(), rng)
    outputs = PATTERNS[name](p)
    proto = p.model.proto(outputs)
    proto.graph.initializer.extend(tensor(n, array) for n, array in p.extra.items())
    if p.model.opset > 20:
        proto.ir_version = 10
    inputs = drawn(p.model, rng)
    pairs = both(tmp_path, proto, inputs, reference=reference, allow_float=True)
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape
        allowed = 1 if theirs.dtype.kind in "iu" else 1.01 * p.step
        off = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
        assert off.max() <= allowed, f"off by {off.max()}"
