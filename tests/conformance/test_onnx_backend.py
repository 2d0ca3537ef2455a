"""The standard interface: the package's own cases through prepare and run."""

import numpy as np
import onnx
import pytest

import tilewright.onnx_backend as backend
from tilewright import TilewrightError
from tilewright.conformance.cases import node_cases

SAMPLE = ("test_relu", "test_argmax_default_axis_example", "test_conv_with_strides_padding")


def cases():
    return [case for case in node_cases() if case.name in SAMPLE]


def test_cases_of_the_package_give_what_the_standard_demands() -> None:
    found = cases()
    assert sorted(case.name for case in found) == sorted(SAMPLE)
    for case in found:
        assert backend.is_compatible(_bound(case))
        (made,) = backend.run_model(_bound(case), case.inputs[:1])
        assert made.dtype == case.outputs[0].dtype
        np.testing.assert_allclose(made, case.outputs[0], rtol=1e-4, atol=1e-5)


def _bound(case) -> onnx.ModelProto:
    """Weights as initialisers, as files have them."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    for item, array in list(zip(case.model.graph.input, case.inputs, strict=True))[1:]:
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, item.name))
    return model


def test_arrays_by_name_and_what_does_not_fit() -> None:
    case = next(case for case in cases() if case.name == "test_relu")
    prepared = backend.prepare(case.model, "CPU:0")
    np.testing.assert_array_equal(prepared.run({"x": case.inputs[0]})[0], case.outputs[0])
    with pytest.raises(TilewrightError, match="2 arrays; the model takes 1"):
        prepared.run([case.inputs[0]] * 2)
    with pytest.raises(TilewrightError, match="no array for input x"):
        prepared.run({"y": case.inputs[0]})
    with pytest.raises(TilewrightError, match=r"input x has shape \[3\]"):
        prepared.run([case.inputs[0][0, 0, :3]])
    with pytest.raises(TilewrightError, match="device CUDA: there is CPU"):
        backend.prepare(case.model, "CUDA")
    assert backend.supports_device("CPU")
    assert not backend.supports_device("CUDA:1")
