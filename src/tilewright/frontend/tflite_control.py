"""Control flow without a choice at run time: CALL, IF and WHILE become the operators that they run.

Bodies are imported where they are called, once per turn. How often a WHILE runs has to be known at
import; an IF whose condition is computed runs both branches and chooses between real numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.tflite_file import TfliteFile, TfliteOperator
from tilewright.frontend.tflite_network import Network
from tilewright.frontend.tflite_steps import Steps
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array
from tilewright.ops.convert import Select

CONTROL = {"CALL": (0,), "IF": (0, 1), "WHILE": (0, 1)}
"""Operators, and where among their options the subgraphs stand."""

LARGEST_TRIP = 4096
"""Turns; more would make a program that no microcontroller holds."""

Run = Callable[[Network], None]
"""Imports every operator of a network."""

Given = ValueName | Array
"""What stands at an operand: a value, or a constant."""


def bodies(file: TfliteFile, op: TfliteOperator) -> tuple[TfliteFile, ...]:
    """The subgraphs that an operator runs. Raises ModelError for one that there is not."""
    found: list[TfliteFile] = []
    for slot in CONTROL.get(op.kind, ()):
        index = 0 if op.options is None else op.options.integer(slot, "int32")
        if not 0 <= index < len(file.subgraphs):
            raise ModelError(
                f"{file.name}: operator {op.index} ({op.kind}) runs subgraph {index} of "
                f"{len(file.subgraphs)}"
            )
        found.append(file.subgraphs[index])
    return tuple(found)


@dataclass(slots=True)
class _Caller:
    """One operator that runs subgraphs."""

    network: Network
    op: TfliteOperator
    run: Run
    calls: int = 0

    def operands(self, first: int) -> list[Given]:
        """What the operator hands on."""
        return [self._given(self.network, index) for index in self.op.inputs[first:]]

    def called(self, body: TfliteFile, given: Sequence[Given]) -> list[Given]:
        """The results of a subgraph."""
        if len(given) != len(body.inputs):
            raise ModelError(
                f"{self.network.label(self.op)}: hands {len(given)} tensors to a subgraph of "
                f"{len(body.inputs)}"
            )
        place = f"{self.network.result(self.op).name}/{self.calls}"
        self.calls += 1
        self.network.calls.append(place)
        if len(self.network.calls) > 2 * LARGEST_TRIP:
            raise UnsupportedError(f"{self.network.label(self.op)}: too many turns in all")
        tensors = tuple(replace(t, name=f"{place}/{t.name}") for t in body.tensors)
        first = 1000 * (self.op.index + 1) + 100 * self.calls
        operators = tuple(replace(o, index=first + o.index) for o in body.operators)
        own = replace(
            body, tensors=tensors, operators=operators, subgraphs=self.network.file.subgraphs
        )
        inner = replace(self.network, file=own, constants={}, names={}, has_given_shapes=True)
        for index, what in zip(body.inputs, given, strict=True):
            if isinstance(what, str):
                inner.names[index] = what
            else:
                inner.constants[index] = what
        self.run(inner)
        return [self._given(inner, index) for index in body.outputs]

    def finish(self, results: Sequence[Given]) -> None:
        """The operator's results."""
        for index, what in zip(self.op.outputs, results, strict=True):
            if isinstance(what, str):
                self.network.names[index] = what
            else:
                self.network.constants[index] = what

    def _given(self, network: Network, index: int) -> Given:
        if index in network.names:
            return network.names[index]
        tensor = network.file.tensors[index]
        if index in network.constants:
            return network.constants[index]
        if tensor.data is None:
            raise ModelError(f"{self.network.label(self.op)}: nothing makes {tensor.name}")
        return tensor.array()


def import_control(network: Network, op: TfliteOperator, run: Run) -> None:
    """CALL, IF or WHILE. Raises UnsupportedError where the number of turns is computed."""
    caller, found = _Caller(network, op, run), bodies(network.file, op)
    match op.kind:
        case "CALL":
            caller.finish(caller.called(found[0], caller.operands(0)))
        case "IF":
            _import_if(caller, found)
        case _:
            _import_while(caller, *found)


def _import_if(caller: _Caller, branches: Sequence[TfliteFile]) -> None:
    condition, *given = caller.operands(0)
    if not isinstance(condition, str):
        caller.finish(caller.called(branches[0 if condition.all() else 1], given))
        return
    ours, theirs = (caller.called(branch, given) for branch in branches)
    steps = Steps(caller.network, caller.op)
    for output, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if not (isinstance(a, str) and isinstance(b, str) and steps.type(a) == steps.type(b)):
            raise UnsupportedError(
                f"{steps.label}: its branches make constants or different shapes, and the "
                "condition is computed at run time"
            )
        steps.end(Select(), steps.expanded(condition, steps.shape(a)), a, b, output=output)


def _import_while(caller: _Caller, condition: TfliteFile, body: TfliteFile) -> None:
    carried = caller.operands(0)
    for _ in range(LARGEST_TRIP):
        (goes_on,) = caller.called(condition, carried)
        if isinstance(goes_on, str):
            raise UnsupportedError(
                f"{caller.network.label(caller.op)}: whether it goes on is computed at run time; "
                "only a constant number of turns is supported"
            )
        if not goes_on.all():
            caller.finish(carried)
            return
        carried = caller.called(body, carried)
    raise UnsupportedError(
        f"{caller.network.label(caller.op)}: runs more than {LARGEST_TRIP} times"
    )
