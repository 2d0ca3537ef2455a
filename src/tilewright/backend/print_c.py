"""Program → C text: one function per layer, one run function that reads like the network.

Every number that is printed carries its name: designated initialisers in argument structs, an
enum for the arena map, a comment with shape and lifetime for every tensor.
"""

from collections.abc import Iterator

from tilewright.backend.c_names import CNames
from tilewright.backend.print_constants import c_float
from tilewright.ir.graph import Value
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.program import Call, InArena, InConstant, Operand, Program
from tilewright.ir.types import TensorType


def print_network(program: Program, plan: Plan, names: CNames, banner: str) -> str:
    """Text of NAME.c."""
    name = program.name
    headers = sorted({call.kernel.header.name for call in program.calls})
    needs_math = any(c_uses_infinity(call) for call in program.calls)
    lines = [
        *(f"// {line}".rstrip() for line in banner.splitlines()),
        f'#include "{name}.h"',
        "",
        *(["#include <math.h>", ""] if needs_math else []),
        *(f'#include "kernels/{header}"' for header in headers),
        '#include "kernels/tilewright.h"',
        f'#include "{name}_weights.h"',
        "",
        *_arena_map(program, plan, names),
        "",
    ]
    for index in range(len(program.calls)):
        lines += [*_layer(program, index, names), ""]
    lines += [*_binders(program, names), "", *_run(program, names)]
    return "\n".join(lines) + "\n"


def c_shape(type_: TensorType) -> str:
    """The shape as C would declare it: [1][49][10]."""
    return "".join(f"[{n}]" for n in type_.shape)


def offset_name(program: Program, tensor: str) -> str:
    """The enum constant that holds a tensor's place in the arena."""
    return f"{program.name}_at_{tensor}".upper()


def c_uses_infinity(call: Call) -> bool:
    """Whether some argument prints as INFINITY."""
    fields = call.kernel.fields(call.node.op, call.signature)
    return any("INFINITY" in c_float(v) for v in fields.values() if isinstance(v, float))


def _arena_map(program: Program, plan: Plan, names: CNames) -> Iterator[str]:
    """The table of what lies where and when, and an enum with every offset."""
    yield f"// Arena map: {sum(program.arena_bytes.values())} bytes."
    yield "//   first    last   bytes  layers   tensor"
    steps = _layer_of_step(plan)
    for buffer in sorted(plan.buffers, key=lambda b: (b.offset, b.lifetime)):
        first, last = steps[buffer.lifetime.start], steps[buffer.lifetime.stop - 1]
        yield (
            f"//   {buffer.offset:5d} {buffer.bytes.stop - 1:7d} {buffer.size:7d}"
            f"  {f'{first}-{last}':7s}  {_contents(buffer, names)}"
        )
    yield "enum { // byte offsets into the arena"
    seen: set[str] = set()
    for operand in _placed(program):
        constant = offset_name(program, names.tensors[operand.value.name])
        if constant not in seen:
            seen.add(constant)
            assert isinstance(operand.place, InArena)
            yield f"  {constant} = {operand.place.offset}, // {operand.value.type}"
    for index, call in enumerate(program.calls):
        if call.scratch is not None:
            yield (
                f"  {_scratch_name(program, index)} = {call.scratch.offset}, "
                f"// {call.scratch_bytes} bytes while layer {index} runs"
            )
    yield "};"


def _layer_of_step(plan: Plan) -> list[int]:
    """Step → index of the layer function that runs in it, or that ran last before it."""
    layers: list[int] = []
    count = 0
    for step in plan.steps:
        layers.append(max(count - 1, 0) if step.kernel is None else count)
        count += step.kernel is not None
    return layers


def _contents(buffer: Buffer, names: CNames) -> str:
    known = dict.fromkeys(names.tensors[v] for v in buffer.values if v in names.tensors)
    return ", ".join(known) if known else f"scratch ({buffer.name})"


def _placed(program: Program) -> Iterator[Operand]:
    yield from program.inputs
    for call in program.calls:
        yield call.output
    yield from program.outputs


def _scratch_name(program: Program, index: int) -> str:
    return f"{program.name}_at_scratch_{index:02d}".upper()


def _varying(call: Call) -> Iterator[tuple[str, Operand]]:
    """Inputs that are no constants, with the kernel's name for them."""
    for pointer, operand in zip(call.kernel.pointers, call.inputs, strict=False):
        if isinstance(operand.place, InArena):
            yield pointer, operand


def _layer(program: Program, index: int, names: CNames) -> Iterator[str]:
    """One layer: what it is, where it comes from, its argument struct, its call."""
    call = program.calls[index]
    output = call.kernel.pointers[-1]
    yield from _layer_comment(call, index)
    parameters = [f"const {o.value.type.dtype.c} *{p}" for p, o in _varying(call)]
    parameters.append(f"{call.output.value.type.dtype.c} *{output}")
    if call.scratch is not None:
        parameters.append("void *scratch")
    yield f"static TW_LAYER void {names.layers[index]}({', '.join(parameters)}) {{"
    yield from _arguments(call, names)
    items = call.kernel.items(call.node.op, call.signature)
    symbol = f"{program.name}_{call.kernel.symbol}"
    if call.piece_items:
        yield f"  tw_backward({symbol}, &args, {items}, {call.piece_items});"
    else:
        yield f"  tw_parallel({symbol}, &args, {items});"
    yield f"  tw_observe({index}, {output}, {call.output.value.type.nbytes});"
    yield "}"


def _layer_comment(call: Call, index: int) -> Iterator[str]:
    """Operator, node and tensor of the source file, types of every operand, work."""
    yield f"// Layer {index}: {call.node.op}"
    yield f"//   node    {call.node.name}"
    origin = call.output.value.origin
    if origin is not None and origin.name != call.node.name:
        yield f"//   tensor  {origin.name}"
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
    if call.scratch is not None:
        yield "      .scratch = scratch,"
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
        yield f"tw_{program.name}_{kind} tw_{program.name}_{kind}_in(void *arena) {{"
        yield "  uint8_t *const base = arena;"
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
    return f"({operand.value.type.dtype.c} *)(void *)(base + {offset_name(program, tensor)})"


def _run(program: Program, names: CNames) -> Iterator[str]:
    """The network as a sequence of layers on named tensors."""
    name = program.name
    yield f"int tw_{name}_run(void *arena, const tw_{name}_inputs *inputs,"
    yield f"{' ' * (len(name) + 12)}const tw_{name}_outputs *outputs) {{"
    yield "  if (arena == 0 || inputs == 0 || outputs == 0) {"
    yield "    return TW_ERROR_NULL;"
    yield "  }"
    yield f"  if ((uintptr_t)arena % TW_{name.upper()}_ARENA_ALIGN != 0) {{"
    yield "    return TW_ERROR_ALIGNMENT;"
    yield "  }"
    yield "  uint8_t *const base = arena;"
    yield from _tensor_pointers(program, names)
    yield ""
    for index, call in enumerate(program.calls):
        arguments = [names.tensors[operand.value.name] for _, operand in _varying(call)]
        arguments.append(names.tensors[call.output.value.name])
        if call.scratch is not None:
            arguments.append(f"base + {_scratch_name(program, index)}")
        yield f"  {names.layers[index]}({', '.join(arguments)});"
    yield "  return TW_OK;"
    yield "}"


def _tensor_pointers(program: Program, names: CNames) -> Iterator[str]:
    """A typed pointer for every tensor: the caller's for inputs and outputs, else in the arena."""
    places: dict[str, tuple[TensorType, str]] = {}
    for kind, operands in (("inputs", program.inputs), ("outputs", program.outputs)):
        for operand in operands:
            tensor = names.tensors[operand.value.name]
            places.setdefault(tensor, (operand.value.type, f"{kind}->{tensor}"))
    for call in program.calls:
        tensor = names.tensors[call.output.value.name]
        place = _pointer(program, call.output, tensor)
        places.setdefault(tensor, (call.output.value.type, place))
    for tensor, (type_, place) in places.items():
        yield f"  {type_.dtype.c} *const {tensor} = {place}; // {c_shape(type_)}"
