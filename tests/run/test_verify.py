"""verify finds who is wrong, where: faults are planted in the C, the plan and the definition."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from digits import MODEL, compiled_digits, some_digits
from tilewright import run_model, verify_model
from tilewright.backend.c_names import c_names
from tilewright.ir.graph import Graph
from tilewright.run.inputs import Batch, match_inputs
from tilewright.run.subject import Subject
from tilewright.run.verify import Verification, verify

FAULTY = "down"
"""The node that faults are planted in: layers before and after it must stay innocent."""


def a_subject() -> Subject:
    c = compiled_digits()
    quick = replace(c.target.toolchain, flags=("-O0",))
    return Subject(MODEL, c.lowered, c.graph, c.program, c.bundle, quick)


def a_batch() -> Batch:
    return match_inputs(compiled_digits().graph, {"image": some_digits(2)})


def verified(subject: Subject) -> Verification:
    return verify(subject, a_batch(), sanitizes=False, tell=lambda text: None)


def comparison(verification: Verification, left: str, what: str) -> object:
    return next(c for c in verification.comparisons if (c.left, c.what) == (left, what))


def test_all_parties_agree_on_the_digits_network() -> None:
    pytest.importorskip("onnxruntime")
    verification = verified(a_subject())
    assert verification.holds
    assert verification.skipped == ()
    assert len(verification.comparisons) == 5
    (agreement,) = verification.agreements
    assert (agreement.output, agreement.same_top) == ("probabilities", 2)
    assert all(c.tensors > 0 and c.elements > 0 for c in verification.comparisons)


def test_a_wrong_weight_in_the_c_is_found_in_its_layer() -> None:
    subject = a_subject()
    call = next(c for c in subject.program.observed if c.node.name == FAULTY)
    bias = c_names(subject.program).constants[call.inputs[2].value.name]
    file = f"{subject.bundle.name}_weights.c"
    text = subject.bundle.files[file]
    wrong = re.sub(rf"({bias}\[\d+\] = \{{\s*)-?\d+", r"\g<1>2000000", text)
    assert wrong != text
    bundle = replace(subject.bundle, files={**subject.bundle.files, file: wrong})
    verification = verified(replace(subject, bundle=bundle))
    assert not verification.holds
    found = comparison(verification, "planned", "every layer")
    assert found.first.node == FAULTY
    assert found.first.index[-1] == 0
    assert found.first.right == 127
    assert comparison(verification, "definition", "layers and outputs").holds


def with_wrong_bias(graph: Graph) -> Graph:
    """Channel 0 of the faulty node saturates; equal shapes, other numbers."""
    node = next(n for n in graph.nodes if n.name == FAULTY)
    bias = graph.constants[node.inputs[2]].copy()
    bias[0] = 2_000_000
    return replace(graph, constants={**graph.constants, node.inputs[2]: bias})


def test_a_wrong_definition_is_found_by_onnx_runtime_in_its_layer_alone() -> None:
    pytest.importorskip("onnxruntime")
    subject = a_subject()
    verification = verified(replace(subject, lowered=with_wrong_bias(subject.lowered)))
    found = comparison(verification, "definition", "each layer, equal inputs")
    assert not found.holds
    assert found.first.node == FAULTY
    node = next(n for n in subject.lowered.nodes if n.name == FAULTY)
    per_channel = np.prod(subject.lowered.type(node.output).shape[:-1])
    # Were layers judged on ONNX Runtime's own inputs, every later layer would differ, too.
    assert found.differing <= per_channel * 2


def test_a_wrong_optimisation_is_found_between_the_definitions() -> None:
    subject = a_subject()
    verification = verified(replace(subject, graph=with_wrong_bias(subject.graph)))
    found = comparison(verification, "definition", "layers and outputs")
    assert not found.holds
    assert found.first.node == FAULTY


def test_several_inputs_and_outputs_and_uint8_outside(tmp_path: Path) -> None:
    """sum = a + b in uint8 and both = [sum | sum]: two inputs, two outputs, one read by a layer."""
    pytest.importorskip("onnxruntime")
    nodes = [
        helper.make_node("DequantizeLinear", ["a", "fine", "high"], ["a.f32"]),
        helper.make_node("DequantizeLinear", ["b", "coarse", "low"], ["b.f32"]),
        helper.make_node("Add", ["a.f32", "b.f32"], ["sum.f32"]),
        helper.make_node("QuantizeLinear", ["sum.f32", "coarse", "low"], ["sum"]),
        helper.make_node("Concat", ["sum", "sum"], ["both"], axis=1),
    ]
    constants = [
        helper.make_tensor("fine", TensorProto.FLOAT, (), [0.05]),
        helper.make_tensor("coarse", TensorProto.FLOAT, (), [0.13]),
        helper.make_tensor("high", TensorProto.UINT8, (), [200]),
        helper.make_tensor("low", TensorProto.UINT8, (), [9]),
    ]
    ports = {
        name: helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
        for name, shape in (("a", (1, 5)), ("b", (1, 5)), ("sum", (1, 5)))
    }
    ports["both"] = helper.make_tensor_value_info("both", TensorProto.UINT8, (1, 10))
    graph = helper.make_graph(
        nodes, "net", [ports["a"], ports["b"]], [ports["sum"], ports["both"]], constants
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "net.onnx")
    report = verify_model(tmp_path / "net.onnx", inputs=4, sanitizes=True)
    assert report.holds
    outputs = run_model(tmp_path / "net.onnx", inputs={"a": np.uint8([[0, 50, 200, 250, 255]]),
        "b": np.uint8([[9, 9, 9, 19, 255]])}).outputs  # fmt: skip
    # (a - 200) * 0.05 + (b - 9) * 0.13 in steps of 0.13, plus 9, at least 0
    assert outputs["sum"].tolist() == [[0, 0, 9, 38, 255]]
    assert outputs["both"].tolist() == [[0, 0, 9, 38, 255] * 2]
    assert outputs["sum"].dtype == np.uint8


def test_without_the_third_party_the_others_are_still_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    verification = verified(a_subject())
    assert verification.holds
    assert len(verification.comparisons) == 3
    assert "pip install onnxruntime" in verification.skipped[0]
