"""Program → the public header: what a firmware engineer includes."""

from collections.abc import Iterator

from tilewright.backend.c_names import CNames, base_name
from tilewright.backend.print_constants import c_float
from tilewright.backend.print_lines import in_words
from tilewright.ir.program import Operand, Program
from tilewright.ir.types import TensorType

ARENA_ALIGN = 16
"""Bytes; enough for every element type and for 128-bit vector loads."""


def print_header(program: Program, names: CNames, banner: str, digest: str) -> str:
    """Text of NAME.h."""
    upper = program.name.upper()
    name = program.name
    lines = [
        *(f"/// {line}".rstrip() for line in banner.splitlines()),
        "#pragma once",
        "",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f'#define TW_{upper}_DIGEST "{digest}"',
        "",
        "enum {",
        *_arena_sizes(program),
        f"  TW_{upper}_ARENA_ALIGN = {ARENA_ALIGN},",
        *_sizes(program, names),
        "};",
        "",
        *_quantisation_constants(program, names),
        *_arenas(program),
        *_struct(program, names, "inputs", program.inputs),
        "",
        *_struct(program, names, "outputs", program.outputs),
        "",
        "/// Where the plan keeps inputs and outputs inside the arena. You may instead point the",
        "/// members at memory of your own, aligned for its element type.",
        f"tw_{name}_inputs tw_{name}_inputs_in({arena_parameter(program)});",
        f"tw_{name}_outputs tw_{name}_outputs_in({arena_parameter(program)});",
        "",
        "/// One inference. Returns 0; 1 for a null pointer; 2 for an arena that is not aligned.",
        "/// Inputs that lie in the arena may be overwritten: fill them before every run.",
        f"int tw_{name}_run({arena_parameter(program)}, const tw_{name}_inputs *inputs,",
        f"{' ' * (len(name) + 12)}const tw_{name}_outputs *outputs);",
        *_converters(program, names),
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def c_shape(type_: TensorType) -> str:
    """The shape as C would declare it: [1][49][10]."""
    return "".join(f"[{n}]" for n in type_.shape)


def arena_parameter(program: Program) -> str:
    """How memory is handed over: one block, or a struct of one block per memory."""
    if len(program.arena_bytes) == 1:
        return "void *arena"
    return f"const tw_{program.name}_arenas *arenas"


def _arena_sizes(program: Program) -> Iterator[str]:
    upper = program.name.upper()
    if len(program.arena_bytes) == 1:
        (size,) = program.arena_bytes.values()
        yield f"  TW_{upper}_ARENA_BYTES = {size}, // the caller owns it"
        return
    for memory, size in program.arena_bytes.items():
        block = base_name(program, memory).upper()
        yield f"  TW_{upper}_{block}_BYTES = {size}, // of {memory}; the caller owns it"


def _arenas(program: Program) -> Iterator[str]:
    """The struct of blocks, where there are several memories."""
    if len(program.arena_bytes) == 1:
        return
    upper = program.name.upper()
    yield f"/// One block per memory, each aligned to TW_{upper}_ARENA_ALIGN."
    yield "typedef struct {"
    for memory in program.arena_bytes:
        block = base_name(program, memory)
        yield f"  void *{block}; // TW_{upper}_{block.upper()}_BYTES bytes"
    yield f"}} tw_{program.name}_arenas;"
    yield ""


def _borders(program: Program) -> Iterator[Operand]:
    seen: set[str] = set()
    for operand in (*program.inputs, *program.outputs):
        if operand.value.name not in seen:
            seen.add(operand.value.name)
            yield operand


def _sizes(program: Program, names: CNames) -> Iterator[str]:
    for operand in _borders(program):
        tensor = names.tensors[operand.value.name].upper()
        yield f"  TW_{program.name.upper()}_{tensor}_SIZE = {operand.value.type.size}, // elements"


def _quantisation_constants(program: Program, names: CNames) -> Iterator[str]:
    """Scale and zero point of every quantised input and output."""
    for operand in _borders(program):
        quantisation = operand.value.quantisation
        if quantisation is None or not quantisation.is_per_tensor:
            continue
        prefix = f"TW_{program.name.upper()}_{names.tensors[operand.value.name].upper()}"
        yield "// real = scale * (stored - zero_point)"
        yield f"#define {prefix}_SCALE {c_float(quantisation.scale)}"
        yield f"#define {prefix}_ZERO_POINT ({quantisation.zero_point})"
        yield ""


def _struct(
    program: Program, names: CNames, kind: str, operands: tuple[Operand, ...]
) -> Iterator[str]:
    yield "typedef struct {"
    for operand in operands:
        value = operand.value
        source = f" {in_words(value.origin.name)}" if value.origin else ""
        yield (
            f"  {value.type.dtype.c} *{names.tensors[value.name]}; // {c_shape(value.type)}{source}"
        )
    yield f"}} tw_{program.name}_{kind};"


def _converters(program: Program, names: CNames) -> Iterator[str]:
    """Helpers from and to float for quantised inputs and outputs."""
    for kind, operands in (("input", program.inputs), ("output", program.outputs)):
        for operand in operands:
            quantisation = operand.value.quantisation
            if quantisation is None or not quantisation.is_per_tensor:
                continue
            tensor = names.tensors[operand.value.name]
            make = _from_float if kind == "input" else _to_float
            yield ""
            yield from make(program.name, tensor, operand)


def _from_float(name: str, tensor: str, operand: Operand) -> Iterator[str]:
    dtype = operand.value.type.dtype
    prefix = f"TW_{name.upper()}_{tensor.upper()}"
    yield f"/// A real number as {tensor} stores it: nearest (ties away from zero), saturated."
    yield f"static inline {dtype.c} tw_{name}_{tensor}_from_float(float x) {{"
    yield f"  const float scaled = x / {prefix}_SCALE + {prefix}_ZERO_POINT;"
    yield f"  if (!(scaled > {dtype.low})) {{"
    yield f"    return {dtype.low};"
    yield "  }"
    yield f"  if (scaled > {dtype.high}) {{"
    yield f"    return {dtype.high};"
    yield "  }"
    yield f"  return ({dtype.c})(scaled < 0 ? scaled - 0.5f : scaled + 0.5f);"
    yield "}"


def _to_float(name: str, tensor: str, operand: Operand) -> Iterator[str]:
    prefix = f"TW_{name.upper()}_{tensor.upper()}"
    yield f"/// The real number that a stored element of {tensor} stands for."
    yield f"static inline float tw_{name}_{tensor}_to_float({operand.value.type.dtype.c} stored) {{"
    yield f"  return (float)(stored - {prefix}_ZERO_POINT) * {prefix}_SCALE;"
    yield "}"
