"""Program → C text: one function per layer, one run function that reads like the network."""

import re
from collections.abc import Collection, Iterator, Sequence

from tilewright.backend.c_names import CNames, base_name
from tilewright.backend.kernel_files import kernel_headers
from tilewright.backend.print_constants import c_float
from tilewright.backend.print_header import (
    c_shape,
    offset_name,
    place_of_input,
    run_prototype,
)
from tilewright.backend.print_layer import LayerText, parameters
from tilewright.backend.print_lines import wrapped
from tilewright.backend.print_notes import Notes, arena_map, legend
from tilewright.backend.print_states import (
    arena_pointer,
    argument_checks,
    bases,
    binders,
    checks,
    print_states,
)
from tilewright.ir.plan import Plan
from tilewright.ir.program import Call, InArena, Keep, Operand, Program
from tilewright.ir.types import TensorType


def print_network(
    program: Program, plan: Plan, names: CNames, notes: Notes, banner: str, check: str | None
) -> tuple[str, dict[str, int]]:
    """(text of NAME.c, bytes of every table in it). ``check``: the function that says whether the
    constants are this network's, where they lie in a file of their own."""
    lines = [
        *(f"// {line}".rstrip() for line in banner.splitlines()),
        "//",
        *(legend(program) if program.layers else ()),
        "",
        *_includes(program),
        "",
        *arena_map(program, plan, notes),
        "enum { // byte offsets of whole tensors",
        *_offsets(program, names),
        "};",
        "",
    ]
    tables: dict[str, int] = {}
    for index in range(len(program.layers)):
        layer = LayerText.of(program, names, index, notes)
        lines += [*layer.text(), ""]
        tables |= layer.tables.sizes()
    lines += [*_places(program, names), "", *_run(program, names, check)]
    if not program.family:
        lines += print_states(program, names)
    return "\n".join(lines) + "\n", tables


def _includes(program: Program) -> Iterator[str]:
    headers = kernel_headers(program)
    headers += [path.name for path in (*program.runtime, *program.parallel) if path.suffix == ".h"]
    yield f'#include "{program.bundle}.h"'
    yield ""
    system = ["<math.h>"] if any(c_uses_infinity(call) for call in program.calls) else []
    moves_rows = any(isinstance(a, Keep) for layer in program.layers for a in layer.flat())
    system += ["<string.h>"] if moves_rows or (program.states and not program.family) else []
    yield from (f"#include {header}" for header in system)
    yield from [""] if system else []
    yield from (f'#include "kernels/{header}"' for header in (*headers, "tilewright.h"))
    yield f'#include "{program.bundle}_weights.h"'


def c_uses_infinity(call: Call) -> bool:
    """Whether some argument is printed as INFINITY or NAN."""
    fields = call.kernel.fields(call.node.op, call.signature)
    return any(c_float(v).strip("-").isupper() for v in fields.values() if isinstance(v, float))


def _offsets(program: Program, names: CNames) -> Iterator[str]:
    """An enum constant with the offset of every tensor that lies whole in an arena."""
    seen: set[str] = set()
    for operand in _placed(program):
        constant = offset_name(program, names.tensors[operand.value.name])
        if constant not in seen:
            seen.add(constant)
            assert isinstance(operand.place, InArena)
            yield f"  {constant} = {operand.place.offset}, // {operand.value.type}"


def _placed(program: Program) -> Iterator[Operand]:
    """Every tensor that lies whole in an arena."""
    yield from program.inputs
    yield from (state.operand for state in program.states)
    for layer in program.layers:
        for call in layer.observed:
            yield Operand(call.output.value, layer.home(call))
    yield from program.outputs


def _places(program: Program, names: CNames) -> Iterator[str]:
    """Functions that say where the plan keeps inputs and outputs."""
    for operand in program.inputs:
        yield f"{place_of_input(program, names, operand)} {{"
        yield from bases(program, _memories([operand]))
        yield f"  return {arena_pointer(program, operand, names.tensors[operand.value.name])};"
        yield "}"
        yield ""
    yield from binders(program, names, (("outputs", program.outputs),))


def _memories(operands: Sequence[Operand]) -> set[str]:
    return {operand.place.memory for operand in operands if isinstance(operand.place, InArena)}


def _run(program: Program, names: CNames, check: str | None) -> Iterator[str]:
    """The network as a sequence of layers on named tensors."""
    yield from run_prototype(program, " {")
    yield from checks(program, ("inputs", "outputs"))
    yield from argument_checks(program)
    if check is not None:
        yield f"  if (!{check}()) {{"
        yield "    return TW_ERROR_WEIGHTS;"
        yield "  }"
    calls = [*_layer_calls(program, names)]
    used = set(re.findall(r"\w+", " ".join(calls)))
    body = [*_tensor_pointers(program, names, used), "", *calls]
    words = set(re.findall(r"\w+", " ".join(body)))
    yield from bases(program, {m for m in program.arena_bytes if base_name(program, m) in words})
    if program.channels:
        yield f"  tw_channel channels[{program.channels}] = {{0}};"
    if program.jobs:
        yield f"  tw_job jobs[{program.jobs}] = {{0}};"
    yield from body
    yield "  return TW_OK;"
    yield "}"


def _layer_calls(program: Program, names: CNames) -> Iterator[str]:
    for name, layer in zip(names.layers, program.layers, strict=True):
        yield from wrapped(f"  {name}(", list(parameters(program, layer, names)), ");")


def _tensor_pointers(program: Program, names: CNames, used: Collection[str]) -> Iterator[str]:
    """A typed pointer for every tensor: the caller's for inputs and outputs, else in the arena.

    used  names that layers are given: a state need not be among them
    """
    places: dict[str, tuple[str, TensorType, str]] = {}
    for kind, operands in (("inputs", program.inputs), ("outputs", program.outputs)):
        for operand in operands:
            tensor, type_ = names.tensors[operand.value.name], operand.value.type
            c = f"{'const ' if kind == 'inputs' else ''}{type_.dtype.c}"
            places.setdefault(tensor, (c, type_, f"{kind}->{tensor}"))
    for state in program.states:
        tensor, type_ = names.tensors[state.operand.value.name], state.operand.value.type
        if tensor in used:
            pointer = arena_pointer(program, state.operand, tensor)
            places[tensor] = (type_.dtype.c, type_, pointer)
    for layer in program.layers:
        for call in layer.observed:
            tensor, type_ = names.tensors[call.output.value.name], call.output.value.type
            pointer = arena_pointer(program, Operand(call.output.value, layer.home(call)), tensor)
            places.setdefault(tensor, (type_.dtype.c, type_, pointer))
    for tensor, (c, type_, place) in places.items():
        yield f"  {c} *const {tensor} = {place}; // {c_shape(type_)}"
