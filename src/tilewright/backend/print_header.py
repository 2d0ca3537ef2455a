"""Program → the public header: what a firmware engineer includes."""

from collections.abc import Iterable, Iterator, Sequence

from tilewright.backend.c_names import CNames, base_name
from tilewright.backend.print_constants import c_float
from tilewright.backend.print_lines import in_words, wrapped
from tilewright.ir.program import Operand, Program
from tilewright.ir.types import TensorType


def print_header(
    entries: Sequence[tuple[Program, CNames]], banner: str, digest: str, states: Iterable[str], *,
    checks_weights: bool,
) -> str:  # fmt: skip
    """Text of NAME.h. ``states``: what it says about them; ``checks_weights``: whether a run may
    find the constants of another compilation."""
    program, _ = entries[0]
    upper = program.bundle.upper()
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
        f"  TW_{upper}_ARENA_ALIGN = {program.arena_align},",
        *(line for entry in entries for line in _sizes(*entry)),
        "};",
        "",
        *(line for entry in entries for line in _quantisation_constants(*entry)),
        *_arenas(program),
        *(line for entry in entries for line in _entry(*entry, checks_weights=checks_weights)),
        *states,
        *(line for entry in entries for line in _converters(*entry)),
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _entry(program: Program, names: CNames, *, checks_weights: bool) -> Iterator[str]:
    """One function, and the tensors that it takes and gives."""
    name = program.name
    if program.family:
        yield f"// Entry {name.removeprefix(f'{program.family}_')}"
        yield ""
    yield from (
        "/// What a run reads.",
        *print_struct(program, names, "inputs", program.inputs, "const "),
        "",
        "/// What a run writes.",
        *print_struct(program, names, "outputs", program.outputs, ""),
        "",
        "/// Where the plan keeps inputs and outputs inside the arena: fill inputs there before",
        "/// every run, which overwrites them. Or point the members of the structs at memory of",
        "/// your own, aligned for its element type: such inputs are only read.",
        *(f"{place_of_input(program, names, operand)};" for operand in program.inputs),
        f"tw_{name}_outputs tw_{name}_outputs_in({arena_parameter(program)});",
        "",
        *_run_comment(checks_weights),
        *_said_of_arguments(program),
        *run_prototype(program, ";"),
    )
    if program.family:
        yield ""


def c_shape(type_: TensorType) -> str:
    """The shape as C would declare it: [1][49][10]."""
    return "".join(f"[{n}]" for n in type_.shape)


def arena_parameter(program: Program) -> str:
    """How memory is handed over: one block, or a struct of one block per memory."""
    if len(program.arena_bytes) == 1:
        return "void *arena"
    return f"const tw_{program.bundle}_arenas *arenas"


def place_of_input(program: Program, names: CNames, operand: Operand) -> str:
    """The function that says where the plan keeps an input."""
    function = f"tw_{program.name}_{names.tensors[operand.value.name]}_in"
    return f"{operand.value.type.dtype.c} *{function}({arena_parameter(program)})"


def run_prototype(program: Program, tail: str) -> list[str]:
    """One inference as a C function."""
    kinds = [f"const tw_{program.name}_{kind} *{kind}" for kind in ("inputs", "outputs")]
    given = [arena_parameter(program), *kinds, *(f"int32_t {a.name}" for a in program.arguments)]
    return wrapped(f"int {program.function}(", given, f"){tail}")


def _said_of_arguments(program: Program) -> Iterator[str]:
    if not program.arguments:
        return
    yield "///   4  an argument is not within its range; nothing has been done then"
    ranges = ", ".join(f"{argument.name} 1 .. {argument.most}" for argument in program.arguments)
    yield f"/// Arguments: {ranges}."
    for number, least, most in program.ranges:
        yield f"/// Together: {number} is {least} .. {most}."


def offset_name(program: Program, tensor: str) -> str:
    """The enum constant that holds a tensor's place in the arena."""
    return f"{program.name}_at_{tensor}".upper()


def _run_comment(checks_weights: bool) -> Iterator[str]:
    yield "/// One inference. Returns 0, or"
    yield "///   1  a pointer is null"
    yield "///   2  the arena is not aligned"
    if checks_weights:
        yield "///   3  the program was linked with the binary constants of another compilation"


def _arena_sizes(program: Program) -> Iterator[str]:
    upper = program.bundle.upper()
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
    upper = program.bundle.upper()
    yield f"/// One block per memory, each aligned to TW_{upper}_ARENA_ALIGN."
    yield "typedef struct {"
    for memory in program.arena_bytes:
        block = base_name(program, memory)
        yield f"  void *{block}; // TW_{upper}_{block.upper()}_BYTES bytes"
    yield f"}} tw_{program.bundle}_arenas;"
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


def print_struct(
    program: Program, names: CNames, kind: str, operands: tuple[Operand, ...], qualifier: str
) -> Iterator[str]:
    """A struct of pointers to tensors: tw_NAME_KIND."""
    yield "typedef struct {"
    for operand in operands:
        value = operand.value
        tensor, source = names.tensors[value.name], value.origin.name if value.origin else ""
        note = f", {in_words(source)} in the model file" if source not in ("", tensor) else ""
        yield f"  {qualifier}{value.type.dtype.c} *{tensor}; // {c_shape(value.type)}{note}"
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
