"""ONNX's standard interface of a backend: ``prepare``, ``run_model``, ``supports_device``.

    import tilewright.onnx_backend as backend
    outputs = backend.prepare(onnx.load("model.onnx")).run([x])

Models are compiled for the host, and each ``run`` builds and runs the generated C.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import helper
from onnx.backend.base import Backend, BackendRep

from tilewright.conformance.outcome import stored_input
from tilewright.errors import CompileError, OptionError
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.runners import run_bundle

Inputs = Sequence[Array] | Mapping[str, Array]


@dataclass(slots=True)
class Prepared(BackendRep):
    """A compiled model.

    types  of the outputs in the file: 64-bit integers and truth are 32 bits wide in the C
    """

    compilation: Compilation
    types: tuple["np.dtype[np.generic]", ...]

    def run(self, inputs: Inputs, **kwargs: object) -> tuple[Array, ...]:
        """One inference; arrays by name, or in the order of the model's inputs.

        Raises OptionError for arrays that do not fit, ToolError without a C compiler.
        """
        del kwargs
        made = self.compilation
        given = self._given(inputs)
        batch = Batch({name: array[np.newaxis] for name, array in given.items()}, 1, False)
        result = run_bundle(
            made.bundle, made.program, made.target.toolchain, batch, HostOptions(repeat=1)
        )
        outputs = (result.outputs[operand.value.name][0] for operand in made.program.outputs)
        return tuple(array.astype(t) for array, t in zip(outputs, self.types, strict=True))

    def _given(self, inputs: Inputs) -> dict[ValueName, Array]:
        graph = self.compilation.graph
        if not isinstance(inputs, Mapping):
            if len(inputs) != len(graph.given):
                raise OptionError(f"{len(inputs)} arrays; the model takes {len(graph.given)}")
            inputs = dict(zip(graph.given, inputs, strict=True))
        found: dict[ValueName, Array] = {}
        for name in graph.given:
            if name not in inputs:
                raise OptionError(f"no array for input {name}")
            array = np.asarray(inputs[name])
            if tuple(array.shape) != graph.type(name).shape:
                raise OptionError(
                    f"input {name} has shape {list(array.shape)}, not {graph.type(name)}"
                )
            stored = stored_input(array, graph.type(name))
            if stored is None:
                raise OptionError(f"input {name} has values that {graph.type(name)} cannot hold")
            found[name] = stored
        return found


class TilewrightBackend(Backend):
    """Compiles for the host and runs the C; devices other than the CPU there are none."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: object) -> bool:
        """Whether the model compiles."""
        try:
            cls.prepare(model, device, **kwargs)
        except CompileError:
            return False
        return True

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: object) -> Prepared:
        """Compile. Raises CompileError with the reason where that cannot be done."""
        del kwargs
        if not cls.supports_device(device):
            raise OptionError(f"device {device}: there is CPU")
        with tempfile.TemporaryDirectory(prefix="tilewright-") as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(model.SerializeToString())
            made = compile_model(path, "host", Options(effort="quick"))
        kinds = (output.type.tensor_type.elem_type for output in model.graph.output)
        return Prepared(made, tuple(helper.tensor_dtype_to_np_dtype(kind) for kind in kinds))

    @classmethod
    def run_model(
        cls, model: onnx.ModelProto, inputs: Inputs, device: str = "CPU", **kwargs: object
    ) -> tuple[Array, ...]:
        """Compile and run once."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """The CPU, whatever its number."""
        return device.partition(":")[0] == "CPU"


is_compatible = TilewrightBackend.is_compatible
prepare = TilewrightBackend.prepare
run_model = TilewrightBackend.run_model
supports_device = TilewrightBackend.supports_device
