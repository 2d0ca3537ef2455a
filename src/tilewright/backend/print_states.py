"""States in C: where they are, and the function that makes them what they are at first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tilewright.backend.c_names import CNames, base_name
from tilewright.backend.print_constants import elements
from tilewright.backend.print_header import arena_parameter, offset_name, print_struct
from tilewright.backend.print_lines import wrapped
from tilewright.ir.program import InArena, Kept, Operand, Program


def declare_states(program: Program, names: CNames) -> Iterator[str]:
    """What the header says; nothing where there are no states."""
    if not program.states:
        return
    name = program.bundle
    states = tuple(state.operand for state in program.states)
    if not program.family:
        yield ""
    yield "/// What lives in the arena from one run to the next. Between two runs all other bytes"
    yield "/// of the arena are yours; these are not."
    yield from print_struct(replace(program, name=name), names, "states", states, "")
    yield ""
    yield "/// Where the states are: to look at them, to store them, to set them."
    yield f"tw_{name}_states tw_{name}_states_in({arena_parameter(program)});"
    yield ""
    yield "/// Makes every state what it is before the first run: call it once before that, and"
    yield "/// again to start anew. Returns what a run returns."
    yield f"int tw_{name}_reset({arena_parameter(program)});"


def print_common(program: Program, names: CNames, banner: str) -> str:
    """Text of NAME.c where several entries have files of their own."""
    common = replace(program, name=program.bundle)
    lines = [
        *(f"// {line}".rstrip() for line in banner.splitlines()),
        f'#include "{program.bundle}.h"',
        "",
        "#include <string.h>",
        "",
        '#include "kernels/tilewright.h"',
        f'#include "{program.bundle}_weights.h"',
        "",
        "enum { // byte offsets into the arena",
    ]
    for state in program.states:
        tensor = names.tensors[state.operand.value.name]
        type_ = state.operand.value.type
        lines.append(f"  {offset_name(common, tensor)} = {state.place.offset}, // {type_}")
    return "\n".join([*lines, "};", *print_states(common, names)]) + "\n"


def print_states(program: Program, names: CNames) -> Iterator[str]:
    """The definitions of tw_NAME_states_in and tw_NAME_reset."""
    if not program.states:
        return
    states = tuple(state.operand for state in program.states)
    yield ""
    yield from binders(program, names, (("states", states),))
    yield ""
    yield f"int tw_{program.bundle}_reset({arena_parameter(program)}) {{"
    yield from checks(program, ())
    yield from bases(program, {state.place.memory for state in program.states})
    for state in program.states:
        yield from _fill(program, names, state)
    yield "  return TW_OK;"
    yield "}"


def binders(
    program: Program, names: CNames, kinds: Sequence[tuple[str, tuple[Operand, ...]]]
) -> Iterator[str]:
    """Functions that say where the plan keeps some tensors, with a blank line between them."""
    for number, (kind, operands) in enumerate(kinds):
        if number:
            yield ""
        given = arena_parameter(program)
        yield f"tw_{program.name}_{kind} tw_{program.name}_{kind}_in({given}) {{"
        places = [operand.place for operand in operands]
        yield from bases(program, {p.memory for p in places if isinstance(p, InArena)})
        yield f"  return (tw_{program.name}_{kind}){{"
        for operand in operands:
            tensor = names.tensors[operand.value.name]
            yield f"      .{tensor} = {arena_pointer(program, operand, tensor)},"
        yield "  };"
        yield "}"


def arena_pointer(program: Program, operand: Operand, tensor: str) -> str:
    """C for where a tensor lies in the arena."""
    # void * between: the cast is safe, the arena and every offset are aligned for the type.
    assert isinstance(operand.place, InArena)
    base = base_name(program, operand.place.memory)
    where = f"{base} + {offset_name(program, tensor)}"
    where += f" + ({operand.place.shift})" if operand.place.shift != 0 else ""
    return f"({operand.value.type.dtype.c} *)(void *)({where})"


def _fill(program: Program, names: CNames, state: Kept) -> Iterator[str]:
    tensor = names.tensors[state.operand.value.name]
    where = f"{base_name(program, state.place.memory)} + {offset_name(program, tensor)}"
    size = str(state.operand.value.type.nbytes)
    byte = state.same_byte
    if byte is None:
        source = elements(names.constants[state.constant], state.initial)
        yield from wrapped("  memcpy(", [where, source, size], ");")
    else:
        yield from wrapped("  memset(", [where, str(byte), size], ");")


def checks(program: Program, pointers: tuple[str, ...]) -> Iterator[str]:
    """Null pointers and arenas that are not aligned are refused; ``pointers``: further ones."""
    arenas = (
        ["arena"] if len(program.arena_bytes) == 1
        else [f"arenas->{base_name(program, memory)}" for memory in program.arena_bytes]
    )  # fmt: skip
    first = arenas if len(arenas) == 1 else ["arenas", *arenas]
    yield f"  if ({' || '.join(f'{p} == 0' for p in (*first, *pointers))}) {{"
    yield "    return TW_ERROR_NULL;"
    yield "  }"
    tests = (f"(uintptr_t){p} % TW_{program.bundle.upper()}_ARENA_ALIGN != 0" for p in arenas)
    yield from wrapped("  if (", list(tests), ") {", " ||")
    yield "    return TW_ERROR_ALIGNMENT;"
    yield "  }"


def argument_checks(program: Program) -> Iterator[str]:
    """Arguments beyond their ranges are refused before anything is read or written."""
    tests = [f"{a.name} < 1 || {a.name} > {a.most}" for a in program.arguments]
    for number, least, most in program.ranges:
        tests.append(f"{number} < {least} || {number} > {most}")
    if tests:
        yield from wrapped("  if (", tests, ") {", " ||")
        yield "    return TW_ERROR_ARGUMENT;"
        yield "  }"


def bases(program: Program, used: set[str] | Mapping[str, int]) -> Iterator[str]:
    """A variable for each arena that is used."""
    if len(program.arena_bytes) == 1:
        yield "  uint8_t *const base = arena;"
        return
    for memory in program.arena_bytes:
        if memory in used:
            name = base_name(program, memory)
            yield f"  uint8_t *const {name} = arenas->{name};"
