"""Program → C text: one function per layer, one run function that reads like the network."""

import re
from collections.abc import Collection, Iterator, Sequence

from tilewright.backend.c_names import CNames, base_name
from tilewright.backend.kernel_files import kernel_headers
from tilewright.backend.print_constants import c_float
from tilewright.backend.print_header import (
    arena_parameter,
    c_shape,
    place_of_input,
    run_prototype,
)
from tilewright.backend.print_layer import LayerText, parameters
from tilewright.backend.print_lines import wrapped
from tilewright.backend.print_notes import Notes, arena_map, legend
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
    return "\n".join(lines) + "\n", tables


def _includes(program: Program) -> Iterator[str]:
    headers = kernel_headers(program)
    headers += [path.name for path in (*program.runtime, *program.parallel) if path.suffix == ".h"]
    yield f'#include "{program.name}.h"'
    yield ""
    system = ["<math.h>"] if any(c_uses_infinity(call) for call in program.calls) else []
    moves_rows = any(isinstance(a, Keep) for layer in program.layers for a in layer.flat())
    system += ["<string.h>"] if moves_rows else []
    yield from (f"#include {header}" for header in system)
    yield from [""] if system else []
    yield from (f'#include "kernels/{header}"' for header in (*headers, "tilewright.h"))
    yield f'#include "{program.name}_weights.h"'


def offset_name(program: Program, tensor: str) -> str:
    """The enum constant that holds a tensor's place in the arena."""
    return f"{program.name}_at_{tensor}".upper()


def c_uses_infinity(call: Call) -> bool:
    """Whether some argument prints as INFINITY."""
    fields = call.kernel.fields(call.node.op, call.signature)
    return any("INFINITY" in c_float(v) for v in fields.values() if isinstance(v, float))


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
    for layer in program.layers:
        for call in layer.observed:
            yield Operand(call.output.value, layer.home(call))
    yield from program.outputs


def _places(program: Program, names: CNames) -> Iterator[str]:
    """Functions that say where the plan keeps inputs and outputs."""
    for operand in program.inputs:
        yield f"{place_of_input(program, names, operand)} {{"
        yield from _bases(program, _memories([operand]))
        yield f"  return {_pointer(program, operand, names.tensors[operand.value.name])};"
        yield "}"
        yield ""
    outputs = f"tw_{program.name}_outputs"
    yield f"{outputs} {outputs}_in({arena_parameter(program)}) {{"
    yield from _bases(program, _memories(program.outputs))
    yield f"  return ({outputs}){{"
    for operand in program.outputs:
        tensor = names.tensors[operand.value.name]
        yield f"      .{tensor} = {_pointer(program, operand, tensor)},"
    yield "  };"
    yield "}"


def _memories(operands: Sequence[Operand]) -> set[str]:
    return {operand.place.memory for operand in operands if isinstance(operand.place, InArena)}


def _pointer(program: Program, operand: Operand, tensor: str) -> str:
    # void * between: the cast is safe, the arena and every offset are aligned for the type.
    assert isinstance(operand.place, InArena)
    base = base_name(program, operand.place.memory)
    return f"({operand.value.type.dtype.c} *)(void *)({base} + {offset_name(program, tensor)})"


def _bases(program: Program, used: Collection[str]) -> Iterator[str]:
    """A variable for each arena that is used."""
    if len(program.arena_bytes) == 1:
        yield "  uint8_t *const base = arena;"
        return
    for memory in program.arena_bytes:
        if memory in used:
            name = base_name(program, memory)
            yield f"  uint8_t *const {name} = arenas->{name};"


def _run(program: Program, names: CNames, check: str | None) -> Iterator[str]:
    """The network as a sequence of layers on named tensors."""
    yield from run_prototype(program, " {")
    arenas = (
        ["arena"] if len(program.arena_bytes) == 1
        else [f"arenas->{base_name(program, memory)}" for memory in program.arena_bytes]
    )  # fmt: skip
    pointers = arenas if len(arenas) == 1 else ["arenas", *arenas]
    yield f"  if ({' || '.join(f'{p} == 0' for p in (*pointers, 'inputs', 'outputs'))}) {{"
    yield "    return TW_ERROR_NULL;"
    yield "  }"
    tests = (f"(uintptr_t){p} % TW_{program.name.upper()}_ARENA_ALIGN != 0" for p in arenas)
    yield from wrapped("  if (", list(tests), ") {", " ||")
    yield "    return TW_ERROR_ALIGNMENT;"
    yield "  }"
    if check is not None:
        yield f"  if (!{check}()) {{"
        yield "    return TW_ERROR_WEIGHTS;"
        yield "  }"
    body = [*_tensor_pointers(program, names), "", *_layer_calls(program, names)]
    words = set(re.findall(r"\w+", " ".join(body)))
    yield from _bases(program, {m for m in program.arena_bytes if base_name(program, m) in words})
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


def _tensor_pointers(program: Program, names: CNames) -> Iterator[str]:
    """A typed pointer for every tensor: the caller's for inputs and outputs, else in the arena."""
    places: dict[str, tuple[str, TensorType, str]] = {}
    for kind, operands in (("inputs", program.inputs), ("outputs", program.outputs)):
        for operand in operands:
            tensor, type_ = names.tensors[operand.value.name], operand.value.type
            c = f"{'const ' if kind == 'inputs' else ''}{type_.dtype.c}"
            places.setdefault(tensor, (c, type_, f"{kind}->{tensor}"))
    for layer in program.layers:
        for call in layer.observed:
            tensor, type_ = names.tensors[call.output.value.name], call.output.value.type
            pointer = _pointer(program, Operand(call.output.value, layer.home(call)), tensor)
            places.setdefault(tensor, (type_.dtype.c, type_, pointer))
    for tensor, (c, type_, place) in places.items():
        yield f"  {c} *const {tensor} = {place}; // {c_shape(type_)}"
