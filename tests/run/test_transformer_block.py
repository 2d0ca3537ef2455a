"""What transformers are made of between their products: one network, on every kind of machine."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from bare_metal import RUN_ON, needs_board
from onnx_models import Model, output_parameters, saved
from tilewright import verify_model
from tilewright.pipeline import Options, compile_model, load_target

ROWS, WIDTH = 12, 50
"""An odd number of vectors."""


def block() -> Model:
    """softmax(sigmoid(t) * t), t = rms_norm(layer_norm(x) * W + x), all quantised."""
    rng = np.random.default_rng(3)
    model = Model(opset=23)
    x = rng.integers(-128, 128, (1, ROWS, WIDTH)).astype(np.int8)
    model.input("x", x.shape, np.int8)

    def constant(name: str, middle: float) -> str:
        return model.constant(name, rng.normal(middle, 0.2, WIDTH).astype(np.float32))

    def quantised(kind: str, inputs: list[str], name: str, **attributes) -> str:
        real = model.node(kind, inputs, f"{name}.unrounded", **attributes)
        scale, zero = output_parameters(model, real, {"x": x}, np.int8)
        model.quantise(real, scale, zero, np.int8, name)
        return model.dequantise(name, scale, zero, np.int8)

    read = model.dequantise("x", 0.03, 4, np.int8)
    layer = quantised("LayerNormalization", [read, constant("g", 1), constant("b", 0)], "layer")
    model.constant("w", rng.integers(-127, 128, (WIDTH, WIDTH)).astype(np.int8))
    product = quantised("MatMul", [layer, model.dequantise("w", 0.003, 0, np.int8)], "product")
    total = quantised("Add", [product, read], "total")
    rms = quantised("RMSNormalization", [total, constant("h", 1)], "rms")
    gate = quantised("Sigmoid", [rms], "gate")
    gated = quantised("Mul", [gate, rms], "gated")
    quantised("Softmax", [gated], "y", axis=-1)
    return model


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("block"), block().proto({"y": np.dtype(np.int8)}))


@pytest.mark.parametrize("memory", [{}, {"L2": 1 << 16, "L1": 4096}], ids=["one", "near"])
def test_host_c_computes_the_definition_which_is_onnx_runtimes(network: Path, memory):
    report = verify_model(network, options=Options(memory=memory), sanitizes=True)
    assert report.verification.holds


@needs_board
@pytest.mark.parametrize("target", RUN_ON)
def test_boards_compute_the_definition(network: Path, target: str):
    assert verify_model(network, target, inputs=2).verification.holds


FAST = {
    "cortex-m4": [
        "rescaled_norm_s8_dsp", "rescaled_norm_s8_dsp", "lut_s8_dsp", "mul_s8_dsp_half_even",
        "table_softmax_s8_dsp_half_even",
    ],
    "cortex-m55": [
        "rescaled_norm_helium", "rescaled_norm_helium", "lut_helium", "mul_helium_half_even",
        "table_softmax_helium",
    ],
}  # fmt: skip


@pytest.mark.parametrize("target", FAST)
def test_boards_get_the_kernels_of_their_instruction_set(network: Path, target: str):
    plan = compile_model(network, load_target(target), Options()).plan
    symbols = [step.kernel.symbol for step in plan.steps if step.kernel]
    assert [s for s in symbols if s in FAST[target]] == FAST[target]
