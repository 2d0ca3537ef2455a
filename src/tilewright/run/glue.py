"""The one generated C file that lets the host's main program see a network without its name."""

from collections.abc import Sequence

from tilewright.backend.c_names import CNames, base_name
from tilewright.ir.program import Operand, Program


def print_glue(program: Program, names: CNames, section: str | None = None) -> str:
    """Text of glue.c: implements tilewright_host.h for one network; the arena in ``section``."""
    attribute = f'__attribute__((section("{section}"))) ' if section else ""
    name = program.name
    given = "arena" if len(program.arena_bytes) == 1 else "&arenas"
    return f"""\
#include "tilewright_host.h"
#include "{name}.h"

{_arenas(program, attribute)}

static const int32_t input_bytes[] = {{{_sizes(program.inputs)}}};
static const int32_t output_bytes[] = {{{_sizes(program.outputs)}}};
static void *inputs_in_arena[{len(program.inputs)}];
static void *outputs_in_arena[{len(program.outputs)}];

harness_network harness_open(void) {{
  const tw_{name}_outputs outputs = tw_{name}_outputs_in({given});
{_lines(f"  inputs_in_arena[{{i}}] = tw_{name}_{{member}}_in({given});", program.inputs, names)}
{_lines("  outputs_in_arena[{i}] = outputs.{member};", program.outputs, names)}
  return (harness_network){{
      .inputs = {len(program.inputs)},
      .outputs = {len(program.outputs)},
      .input_bytes = input_bytes,
      .output_bytes = output_bytes,
      .planned_inputs = inputs_in_arena,
      .planned_outputs = outputs_in_arena,
      .arena = (void *)&arena,
      .arena_bytes = sizeof arena,
  }};
}}

int harness_run(void *const *inputs, void *const *outputs) {{
  const tw_{name}_inputs in = {{
{_lines("      .{member} = inputs[{i}],", program.inputs, names)}
  }};
  const tw_{name}_outputs out = {{
{_lines("      .{member} = outputs[{i}],", program.outputs, names)}
  }};
  return tw_{name}_run({given}, &in, &out);
}}
"""


def _arenas(program: Program, attribute: str) -> str:
    """One block, or one object with a block per memory and the struct that points at them."""
    upper = program.name.upper()
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
static const tw_{program.name}_arenas arenas = {{{pointers}}};"""


def _sizes(operands: Sequence[Operand]) -> str:
    return ", ".join(str(operand.value.type.nbytes) for operand in operands)


def _lines(form: str, operands: Sequence[Operand], names: CNames) -> str:
    members = [names.tensors[operand.value.name] for operand in operands]
    return "\n".join(form.format(i=i, member=member) for i, member in enumerate(members))
