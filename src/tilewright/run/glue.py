"""The one generated C file that lets the host's main program see a network without its name."""

from collections.abc import Mapping, Sequence

from tilewright.backend.c_names import CNames, base_name
from tilewright.ir.program import Operand, Program


def print_glue(
    program: Program,
    names: CNames,
    section: str | None = None,
    apart: Mapping[str, str] | None = None,
) -> str:
    """Text of glue.c: implements tilewright_host.h for one network; the arena in ``section``.

    apart  memory → section of its block, where a linker puts the blocks of several memories
    """
    attribute = f'__attribute__((section("{section}"))) ' if section else ""
    name = program.name
    states = _kept(program)
    given = "arena" if len(program.arena_bytes) == 1 else "&arenas"
    placed = f"  inputs_in_arena[{{i}}] = tw_{program.name}_{{member}}_in({given});"
    arenas = print_arenas_apart(program, apart) if apart else print_arenas(program, attribute)
    return f"""\
#include "tilewright_host.h"
#include "{name}.h"

{arenas}

static const int32_t input_bytes[] = {{{sizes_of(program.inputs)}}};
static const int32_t output_bytes[] = {{{sizes_of(program.outputs)}}};
static void *inputs_in_arena[{len(program.inputs)}];
static void *outputs_in_arena[{len(program.outputs)}];
static const int32_t state_bytes[] = {{{sizes_of(states) or "0"}}};
static void *states_in_arena[{max(len(states), 1)}];

harness_network harness_open(void) {{
  const tw_{name}_outputs outputs = tw_{name}_outputs_in({given});
{member_lines(placed, program.inputs, names)}
{member_lines("  outputs_in_arena[{i}] = outputs.{member};", program.outputs, names)}
{_states(program, names, given)}\
{_opened(program, len(states))}
}}

int harness_run(void *const *inputs, void *const *outputs) {{
{bound_tensors(program, names)}
  return tw_{name}_run({given}, &in, &out);
}}

int harness_reset(void) {{ return {f"tw_{name}_reset({given})" if states else "0"}; }}
"""


def _opened(program: Program, states: int) -> str:
    """C that returns what the harness asks of a network."""
    return f"""\
  return (harness_network){{
      .inputs = {len(program.inputs)},
      .outputs = {len(program.outputs)},
      .input_bytes = input_bytes,
      .output_bytes = output_bytes,
      .planned_inputs = inputs_in_arena,
      .planned_outputs = outputs_in_arena,
      .states = {states},
      .state_bytes = state_bytes,
      .states_in = states_in_arena,
      .arena = (void *)&arena,
      .arena_bytes = sizeof arena,
  }};"""


def bound_tensors(program: Program, names: CNames) -> str:
    """C that makes the structs ``in`` and ``out`` of arrays of pointers."""
    return f"""\
  const tw_{program.name}_inputs in = {{
{member_lines("      .{member} = inputs[{i}],", program.inputs, names)}
  }};
  const tw_{program.name}_outputs out = {{
{member_lines("      .{member} = outputs[{i}],", program.outputs, names)}
  }};"""


def _states(program: Program, names: CNames, given: str) -> str:
    states, name = _kept(program), program.name
    if not states:
        return ""
    return f"""\
  const tw_{name}_states states = tw_{name}_states_in({given});
{member_lines("  states_in_arena[{i}] = states.{member};", states, names)}
"""


def _kept(program: Program) -> tuple[Operand, ...]:
    return tuple(state.operand for state in program.states)


def print_arenas(program: Program, attribute: str) -> str:
    """One block, or one object with a block per memory and the struct that points at them."""
    upper = program.bundle.upper()
    align = f"_Alignas(TW_{upper}_ARENA_ALIGN) uint8_t"
    if len(program.arena_bytes) == 1:
        return f"{attribute}static {align} arena[TW_{upper}_ARENA_BYTES];"
    blocks = [base_name(program, memory) for memory in program.arena_bytes]
    members = "\n".join(f"  {align} {b}[TW_{upper}_{b.upper()}_BYTES];" for b in blocks)
    pointers = ", ".join(f".{block} = arena.{block}" for block in blocks)
    return f"""\
{attribute}static struct {{
{members}
}} arena;
static const tw_{program.bundle}_arenas arenas = {{{pointers}}};"""


def print_arenas_apart(program: Program, apart: Mapping[str, str]) -> str:
    """A block per memory, each in a section of its own; ``arena`` is the first of them."""
    upper = program.bundle.upper()
    align = f"_Alignas(TW_{upper}_ARENA_ALIGN) uint8_t"
    if len(program.arena_bytes) == 1:
        (memory,) = program.arena_bytes
        attribute = f'__attribute__((section("{apart[memory]}")))'
        return f"{attribute} static {align} arena[TW_{upper}_ARENA_BYTES];"
    blocks = {memory: base_name(program, memory) for memory in program.arena_bytes}
    first, *_ = program.arena_bytes
    lines = [
        f'__attribute__((section("{apart[memory]}"))) static {align} '
        f"{'arena' if memory == first else block}[TW_{upper}_{block.upper()}_BYTES];"
        for memory, block in blocks.items()
    ]
    pointers = ", ".join(
        f".{block} = {'arena' if memory == first else block}" for memory, block in blocks.items()
    )
    lines.append(f"static const tw_{program.bundle}_arenas arenas = {{{pointers}}};")
    return "\n".join(lines)


def sizes_of(operands: Sequence[Operand]) -> str:
    """Bytes of each, as the elements of a C array."""
    return ", ".join(str(operand.value.type.nbytes) for operand in operands)


def member_lines(form: str, operands: Sequence[Operand], names: CNames) -> str:
    """A line per operand: ``form`` with its number as i and its C name as member."""
    members = [names.tensors[operand.value.name] for operand in operands]
    return "\n".join(form.format(i=i, member=member) for i, member in enumerate(members))
