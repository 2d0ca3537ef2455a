"""Program → C text: one function per layer, one run function that reads like the network.

Every number that is printed carries its name: designated initialisers in argument structs, an
enum for the arena map, a comment with shape and lifetime for every tensor.
"""

import re
from collections.abc import Collection, Iterator

from tilewright.backend.c_names import CNames, base_name
from tilewright.backend.print_calls import call_lines, scratch_name
from tilewright.backend.print_constants import c_float
from tilewright.backend.print_header import arena_parameter, c_shape
from tilewright.backend.print_lines import in_words, wrapped
from tilewright.backend.print_tiled_layer import TiledLayer, is_plain, parameters
from tilewright.ir.graph import Value
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.program import Call, InArena, InConstant, Keep, Operand, Program
from tilewright.ir.target import Role
from tilewright.ir.types import TensorType


def print_network(
    program: Program, plan: Plan, names: CNames, banner: str
) -> tuple[str, dict[str, int]]:
    """(text of NAME.c, bytes of every table in it)."""
    name = program.name
    headers = sorted({call.kernel.header.name for call in program.calls})
    headers += [path.name for path in (*program.runtime, *program.parallel) if path.suffix == ".h"]
    needs_math = any(c_uses_infinity(call) for call in program.calls)
    lines = [
        *(f"// {line}".rstrip() for line in banner.splitlines()),
        f'#include "{name}.h"',
        "",
        *(["#include <math.h>"] if needs_math else []),
        *(["#include <string.h>"] if _moves_rows(program) else []),
        *([""] if needs_math or _moves_rows(program) else []),
        *(f'#include "kernels/{header}"' for header in headers),
        '#include "kernels/tilewright.h"',
        f'#include "{name}_weights.h"',
        "",
        *_arena_map(program, plan, names),
        "",
    ]
    tables: dict[str, int] = {}
    for index, layer in enumerate(program.layers):
        for call in layer.calls:
            lines += _layer_comment(call, index)
        if is_plain(layer):
            lines += [*_layer(program, index, names), ""]
        else:
            tiled = TiledLayer.of(program, names, index)
            lines += [*tiled.comment(), *tiled.text(), ""]
            tables |= tiled.tables.sizes()
    lines += [*_binders(program, names), "", *_run(program, names)]
    return "\n".join(lines) + "\n", tables


def _moves_rows(program: Program) -> bool:
    return any(isinstance(action, Keep) for layer in program.layers for action in layer.flat())


def offset_name(program: Program, tensor: str) -> str:
    """The enum constant that holds a tensor's place in the arena."""
    return f"{program.name}_at_{tensor}".upper()


def c_uses_infinity(call: Call) -> bool:
    """Whether some argument prints as INFINITY."""
    fields = call.kernel.fields(call.node.op, call.signature)
    return any("INFINITY" in c_float(v) for v in fields.values() if isinstance(v, float))


def _arena_map(program: Program, plan: Plan, names: CNames) -> Iterator[str]:
    """The table of what lies where and when, and an enum with every offset."""
    steps = _layer_of_step(plan)
    for memory, size in program.arena_bytes.items():
        yield f"// {'Arena' if len(program.arena_bytes) == 1 else memory} map: {size} bytes."
        yield "//   first    last   bytes  layers   tensor"
        inside = [buffer for buffer in plan.buffers if buffer.memory == memory]
        for buffer in sorted(inside, key=lambda b: (b.offset, b.lifetime)):
            first, last = steps[buffer.lifetime.start], steps[buffer.lifetime.stop - 1]
            yield (
                f"//   {buffer.offset:5d} {buffer.bytes.stop - 1:7d} {buffer.size:7d}"
                f"  {f'{first}-{last}':7s}  {_contents(buffer, plan, names)}"
            )
    yield "enum { // byte offsets into the arena"
    yield from (
        f"  {name} = {offset}, // {what}" for name, offset, what in _offsets(program, names)
    )
    yield "};"


def _offsets(program: Program, names: CNames) -> Iterator[tuple[str, int, str]]:
    """(enum constant, offset, comment) of everything that the code names."""
    seen: set[str] = set()
    for operand in _placed(program):
        constant = offset_name(program, names.tensors[operand.value.name])
        if constant not in seen:
            seen.add(constant)
            assert isinstance(operand.place, InArena)
            yield constant, operand.place.offset, str(operand.value.type)
    for layer in program.layers:
        for value, place in layer.tiles_used():
            constant = names.tiles[place.buffer]
            if constant not in seen:
                seen.add(constant)
                yield constant, place.offset, f"part of {in_words(str(value))}"
    numbers = [number for number, layer in enumerate(program.layers) for _ in layer.calls]
    for index, call in enumerate(program.calls):
        if call.scratch is not None:
            what = f"{call.scratch_bytes} bytes while layer {numbers[index]} runs"
            yield scratch_name(program, index), call.scratch.offset, what


def _layer_of_step(plan: Plan) -> list[int]:
    """Step → index of the layer function that runs in it, or that ran last before it."""
    layers: list[int] = []
    count = 0
    for group in plan.groups:
        steps = plan.steps[group.steps.start : group.steps.stop]
        works = any(step.kernel for step in steps)
        layers += [count if works else max(count - 1, 0)] * len(steps)
        count += works
    return layers


def _contents(buffer: Buffer, plan: Plan, names: CNames) -> str:
    if buffer.role is Role.SCRATCH:
        return f"scratch of {in_words(plan.steps[buffer.lifetime.start].node.name)}"
    if buffer.role is Role.TILE:
        copies = f"{buffer.copies} x " if buffer.copies > 1 else ""
        known = [names.constants.get(v, names.tensors.get(v, str(v))) for v in buffer.values]
        return f"{copies}part of {', '.join(known)}"
    return ", ".join(dict.fromkeys(names.tensors[v] for v in buffer.values if v in names.tensors))


def _placed(program: Program) -> Iterator[Operand]:
    """Every tensor that lies whole in an arena."""
    yield from program.inputs
    for layer in program.layers:
        for call in layer.observed:
            yield Operand(call.output.value, layer.home(call))
    yield from program.outputs


def _varying(call: Call) -> Iterator[tuple[str, Operand]]:
    """Inputs that are no constants, with the kernel's name for them."""
    for pointer, operand in zip(call.kernel.pointers, call.inputs, strict=False):
        if isinstance(operand.place, InArena):
            yield pointer, operand


def _layer(program: Program, index: int, names: CNames) -> Iterator[str]:
    """One call on whole tensors: its argument struct, its call."""
    (call,) = program.layers[index].calls
    output = call.kernel.pointers[-1]
    parameters = [f"const {o.value.type.dtype.c} *{p}" for p, o in _varying(call)]
    parameters.append(f"{call.output.value.type.dtype.c} *{output}")
    if call.scratch is not None:
        parameters.append("void *scratch")
    yield f"static TW_LAYER void {names.layers[index]}({', '.join(parameters)}) {{"
    yield from _arguments(call, names)
    items = call.kernel.items(call.node.op, call.signature)
    symbol = f"{program.name}_{call.kernel.symbol}"
    scratch = "scratch" if call.scratch else None
    yield from (f"  {line}" for line in call_lines(call, symbol, str(items), scratch))
    number, size = program.observed.index(call), call.output.value.type.nbytes
    yield f"  tw_observe({number}, {output}, {size});"
    yield "}"


def _layer_comment(call: Call, index: int) -> Iterator[str]:
    """Operator, node and tensor of the source file, types of every operand, work."""
    yield f"// Layer {index}: {call.node.op}"
    yield f"//   node    {in_words(call.node.name)}"
    origin = call.output.value.origin
    if origin is not None and origin.name != call.node.name:
        yield f"//   tensor  {in_words(origin.name)}"
    for pointer, operand in zip(call.kernel.pointers, (*call.inputs, call.output), strict=True):
        yield f"//   {pointer:<7s} {_described(operand.value)}"
    macs = call.node.op.macs(*call.signature.inputs)
    yield f"//   {macs} MACs" if macs else "//   no MACs"


def _arguments(call: Call, names: CNames) -> Iterator[str]:
    """The kernel's argument struct with every member named."""
    output = call.kernel.pointers[-1]
    yield f"  const {call.kernel.struct} args = {{"
    for pointer, operand in zip(call.kernel.pointers, call.inputs, strict=False):
        place = operand.place
        source = names.constants[place.name] if isinstance(place, InConstant) else pointer
        yield f"      .{pointer} = {source},"
    yield f"      .{output} = {output},"
    for member, value in call.kernel.fields(call.node.op, call.signature).items():
        yield f"      .{member} = {_literal(value)},"
    yield "  };"


def _literal(value: float) -> str:
    if isinstance(value, float):
        return c_float(value)
    return "INT32_MIN" if value == -(2**31) else str(value)


def _described(value: Value) -> str:
    text = str(value.type)
    return f"{text}, {value.quantisation}" if value.quantisation is not None else text


def _binders(program: Program, names: CNames) -> Iterator[str]:
    """Functions that say where the plan keeps inputs and outputs."""
    for kind, operands in (("inputs", program.inputs), ("outputs", program.outputs)):
        given = arena_parameter(program)
        yield f"tw_{program.name}_{kind} tw_{program.name}_{kind}_in({given}) {{"
        places = [operand.place for operand in operands]
        yield from _bases(program, {p.memory for p in places if isinstance(p, InArena)})
        yield f"  return (tw_{program.name}_{kind}){{"
        for operand in operands:
            tensor = names.tensors[operand.value.name]
            place = _pointer(program, operand, tensor)
            yield f"      .{tensor} = {place},"
        yield "  };"
        yield "}"
        if kind == "inputs":
            yield ""


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


def _run(program: Program, names: CNames) -> Iterator[str]:
    """The network as a sequence of layers on named tensors."""
    name = program.name
    yield f"int tw_{name}_run({arena_parameter(program)}, const tw_{name}_inputs *inputs,"
    yield f"{' ' * (len(name) + 12)}const tw_{name}_outputs *outputs) {{"
    arenas = (
        ["arena"] if len(program.arena_bytes) == 1
        else [f"arenas->{base_name(program, memory)}" for memory in program.arena_bytes]
    )  # fmt: skip
    pointers = arenas if len(arenas) == 1 else ["arenas", *arenas]
    yield f"  if ({' || '.join(f'{p} == 0' for p in (*pointers, 'inputs', 'outputs'))}) {{"
    yield "    return TW_ERROR_NULL;"
    yield "  }"
    tests = (f"(uintptr_t){p} % TW_{name.upper()}_ARENA_ALIGN != 0" for p in arenas)
    yield from wrapped("  if (", list(tests), ") {", " ||")
    yield "    return TW_ERROR_ALIGNMENT;"
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
    first = 0
    for index, layer in enumerate(program.layers):
        if is_plain(layer):
            (call,) = layer.calls
            arguments = [names.tensors[operand.value.name] for _, operand in _varying(call)]
            arguments.append(names.tensors[call.output.value.name])
            if call.scratch is not None:
                base = base_name(program, call.scratch.memory)
                arguments.append(f"{base} + {scratch_name(program, first)}")
        else:
            arguments = list(parameters(program, layer, names))
        yield from wrapped(f"  {names.layers[index]}(", arguments, ");")
        first += len(layer.calls)


def _tensor_pointers(program: Program, names: CNames) -> Iterator[str]:
    """A typed pointer for every tensor: the caller's for inputs and outputs, else in the arena."""
    places: dict[str, tuple[TensorType, str]] = {}
    for kind, operands in (("inputs", program.inputs), ("outputs", program.outputs)):
        for operand in operands:
            tensor = names.tensors[operand.value.name]
            places.setdefault(tensor, (operand.value.type, f"{kind}->{tensor}"))
    for layer in program.layers:
        for call in layer.observed:
            tensor = names.tensors[call.output.value.name]
            operand = Operand(call.output.value, layer.home(call))
            places.setdefault(tensor, (operand.value.type, _pointer(program, operand, tensor)))
    for tensor, (type_, place) in places.items():
        yield f"  {type_.dtype.c} *const {tensor} = {place}; // {c_shape(type_)}"
