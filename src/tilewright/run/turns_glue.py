"""The generated C file that lets turns.c see a network with several entries without its names."""

from collections.abc import Sequence

from tilewright.backend.c_names import CNames
from tilewright.ir.program import Program
from tilewright.run.glue import bound_tensors, member_lines, print_arenas, sizes_of


def print_turns_glue(programs: Sequence[Program], names: Sequence[CNames]) -> str:
    """Text of the glue: implements tilewright_turns.h."""
    first = programs[0]
    given = "arena" if len(first.arena_bytes) == 1 else "&arenas"
    pairs = [*zip(programs, names, strict=True)]
    blocks = [_entry(program, own, given) for program, own in pairs]
    entries = "\n".join(_described(program) for program in programs)
    opened = "\n".join(_opened(program, own, given) for program, own in pairs)
    states = tuple(state.operand for state in first.states)
    bundle = first.bundle
    kept = ""
    if states:
        kept = f"""\
  const tw_{bundle}_states states = tw_{bundle}_states_in({given});
{member_lines("  states_in_arena[{i}] = states.{member};", states, names[0])}
"""
    return f"""\
#include "tilewright_turns.h"
#include "{bundle}.h"

{print_arenas(first, "")}

static const int32_t state_bytes[] = {{{sizes_of(states) or "0"}}};
static void *states_in_arena[{max(len(states), 1)}];

{"".join(blocks)}
static const turns_entry entries[] = {{
{entries}
}};

turns_network turns_open(void) {{
{opened}
{kept}\
  return (turns_network){{
      .entry = entries,
      .states = {len(states)},
      .state_bytes = state_bytes,
      .states_in = states_in_arena,
      .arena = (void *)&arena,
      .arena_bytes = sizeof arena,
  }};
}}

int turns_reset(void) {{ return {f"tw_{bundle}_reset({given})" if states else "0"}; }}
"""


def _entry(program: Program, names: CNames, given: str) -> str:
    name = program.name
    arguments = "".join(f", arguments[{i}]" for i in range(len(program.arguments)))
    unused = "" if program.arguments else "  (void)arguments;\n"
    return f"""\
static const int32_t {name}_input_bytes[] = {{{sizes_of(program.inputs)}}};
static const int32_t {name}_output_bytes[] = {{{sizes_of(program.outputs)}}};
static void *{name}_planned_inputs[{len(program.inputs)}];
static void *{name}_planned_outputs[{len(program.outputs)}];

static int {name}_run_on(void *const *inputs, void *const *outputs, const int32_t *arguments) {{
{unused}\
{bound_tensors(program, names)}
  return {program.function}({given}, &in, &out{arguments});
}}

"""


def _described(program: Program) -> str:
    name = program.name
    return f"""\
    {{
        .arguments = {len(program.arguments)},
        .inputs = {len(program.inputs)},
        .outputs = {len(program.outputs)},
        .input_bytes = {name}_input_bytes,
        .output_bytes = {name}_output_bytes,
        .planned_inputs = {name}_planned_inputs,
        .planned_outputs = {name}_planned_outputs,
        .run = {name}_run_on,
    }},"""


def _opened(program: Program, names: CNames, given: str) -> str:
    name = program.name

    inputs = member_lines(
        f"  {name}_planned_inputs[{{i}}] = tw_{name}_{{member}}_in({given});", program.inputs, names
    )
    outputs = member_lines(
        f"  {name}_planned_outputs[{{i}}] = {name}_outputs.{{member}};", program.outputs, names
    )
    return f"""\
{inputs}
  const tw_{name}_outputs {name}_outputs = tw_{name}_outputs_in({given});
{outputs}"""
