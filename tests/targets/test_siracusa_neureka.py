"""Networks on Siracusa with N-EUREKA: the simulated chip computes what the plan says."""

from dataclasses import replace

import numpy as np
import pytest

from digits import MODEL, some_digits
from siracusa_bench import needs_compiler
from tilewright.ir.graph import Contract
from tilewright.ir.program import Offload
from tilewright.ir.target import Role, Target
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.run.host import HostOptions
from tilewright.run.inputs import match_inputs
from tilewright.run.interpret import interpret
from tilewright.targets.siracusa.runner import run_on_siracusa
from tilewright.targets.siracusa.target import SIRACUSA


def compiled(contract: Contract, target: Target = SIRACUSA) -> Compilation:
    return compile_model(MODEL, target, Options(contract=contract))


def offloaded(made: Compilation) -> int:
    """Calls of an engine beside the cores."""
    return sum(isinstance(a, Offload) for layer in made.program.layers for a in layer.flat())


@needs_compiler
def test_the_chip_computes_the_network_under_the_pulp_contract() -> None:
    made = compiled(Contract.PULP)
    assert offloaded(made) > 0
    digits = some_digits(2)
    batch = match_inputs(made.graph, {"image": digits})
    options = HostOptions(repeat=2)
    ran = run_on_siracusa(made.bundle, made.program, made.target.toolchain, batch, options)
    for name, array in ran.outputs.items():
        for index in range(2):
            wanted = interpret(made.program, made.graph, batch.one(index)).outputs[name]
            assert (np.asarray(array[index]) == wanted).all()
    assert ran.runs_identical


def test_other_contracts_leave_the_engine_idle() -> None:
    assert offloaded(compiled(Contract.ONNX)) == 0


def test_weights_of_the_engine_lie_in_the_weight_memory_and_tables_do_not() -> None:
    made = compiled(Contract.PULP)
    calls = [c for c in made.program.calls if c.engine.name == "neureka"]
    for call in calls:
        for index, name in enumerate(call.node.inputs[1:], 1):
            is_table = index in call.kernel.tables
            if made.program.constant(name) is None:  # a sum has two inputs
                continue
            stands_in = made.program.shared.get(name, name)
            assert (made.program.constants_in[stands_in] == "WMEM") is not is_table


@pytest.mark.parametrize("size", [0, 64])
def test_without_room_in_the_weight_memory_weights_travel(size: int) -> None:
    smaller = replace(
        SIRACUSA,
        memories=tuple(
            replace(m, size=size) if m.holds == frozenset({Role.WEIGHT}) else m
            for m in SIRACUSA.memories
        ),
    )
    made = compiled(Contract.PULP, smaller)
    assert "L2" in made.program.constants_in.values()
