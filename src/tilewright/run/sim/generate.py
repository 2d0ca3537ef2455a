"""From the instruction tables to C: decoder, executor, disassembler and their names.

The result is one header that core/cpu.c and core/decode.c include; it is never committed.
"""

import re

from tilewright.run.sim.isa_format import Format, read_formats
from tilewright.run.sim.isa_table import Row, read_rows

FIRST_OP = 2  # 0: not decoded, 1: look before executing

INTRINSICS = {
    "load": "tw_load(sim, core, cycle, &latency, ",
    "store": "tw_store(sim, core, cycle, &latency, ",
    "modify": "modify(sim, core, cycle, ",
    "load_reserved": "load_reserved(sim, core, cycle, &latency, ",
    "store_conditional": "store_conditional(sim, core, cycle, &latency, ",
    "csr_swap": "csr_swap(sim, core, cycle, ip, ",
    "csr_set": "csr_set(sim, core, cycle, ip, ",
    "csr_clear": "csr_clear(sim, core, cycle, ip, ",
    "loop_start": "set_loop_start(core, ip->rd, ",
    "loop_end": "set_loop_end(sim, core, ip->rd, ",
    "loop_count": "set_loop_count(core, ip->rd, ",
}
"""Functions that a meaning calls, and the C call with the context that they need."""

LOCALS = {
    "rs1": "const uint32_t rs1 = x[ip->rs1];",
    "rs2": "const uint32_t rs2 = x[ip->rs2];",
    "rs3": "const uint32_t rs3 = x[ip->rs3];",
    "old": "const uint32_t old = x[ip->rs3];",
    "imm": "const int32_t imm = ip->imm;",
    "rm": "const uint32_t rm = (uint32_t)ip->imm;",
    "field": "const int32_t field = (int8_t)ip->rs2;",
    "index": "const uint32_t index = ip->rs2;",
    "field2": "const uint32_t field2 = (uint32_t)ip->imm;",
    "pc": "const uint32_t pc = ip->pc;",
    "next_pc": "const uint32_t next_pc = ip->pc + 2u * ip->size;",
    "wants_read": "const bool wants_read = ip->rd != TW_SINK;",
    "wants_write": "const bool wants_write = ip->rs1 != 0;",
    "rd": "uint32_t rd;",
    "base": "uint32_t base;",
    "taken": "bool taken;",
}

SHARED = "if (cycle > sim->horizon) goto park;"  # others see what the instruction does
NEXT = (
    "if (after) goto loop_back; cycle += 1 + stall; stall = 0; count++; ip += ip->size; "
    "goto *labels[ip->entry];"
)
TAILS: dict[str, tuple[str, str]] = {
    "alu": ("", NEXT),
    "hwloop": ("", NEXT),
    "csr": ("core->instructions += count; count = 0;", "goto step;"),
    "system": (SHARED + " core->pc = ip->pc; core->cycle = cycle;", "goto step;"),
    "branch": ("", "if (taken) { target = pc + (uint32_t)ip->imm; goto take_branch; } " + NEXT),
    "jump": ("", "goto take_jump;"),
    "load": (
        SHARED + " int32_t latency = 0; core->load_register = ip->rd;",
        "after_latency = latency; goto after_load;",
    ),
    "elw": (
        SHARED + " int32_t latency = 0; core->sleep_stall = stall + core->timing[TW_T_ELW];"
        " core->wake_register = ip->rd;",
        "if (core->state == TW_RUNNING) { core->wake_register = TW_SINK; core->sleep_stall = 0; }"
        " stall += core->timing[TW_T_ELW]; after_latency = latency; goto after_load;",
    ),
    "fload": (
        SHARED + " int32_t latency = 0;",
        "after_latency = latency; goto after_float_load;",
    ),
    "store": (
        SHARED + " int32_t latency = 0;",
        "stall += latency; if (sim->needs_attention) goto step; " + NEXT,
    ),
    "mul": ("", "goto after_mul;"),
    "mulh": ("", "stall += core->timing[TW_T_MULH]; " + NEXT),
    "sdiv": ("", "stall += tw_divider(core, rs2, true); " + NEXT),
    "udiv": ("", "stall += tw_divider(core, rs2, false); " + NEXT),
    "fp": ("TAKE_FPU", NEXT),
    "fdiv": ("TAKE_DIVIDER", NEXT),
}
"""Timing class to what comes before and after the meaning."""

UNITS = {
    "TAKE_FPU": "if (core->fpu >= 0) { " + SHARED + " stall += tw_take_fpu(sim, core, cycle); }",
    "TAKE_DIVIDER": SHARED + " stall += tw_take_divider(sim, core, cycle);",
}


def generate_header() -> str:
    """The whole header: tables for everybody, and the executor inside TW_EXECUTOR."""
    rows = read_rows()
    formats = read_formats()
    parts = [
        "// Made from isa/*.isa by generate.py. Do not edit.",
        _tables(rows, formats),
        "#ifdef TW_UNPACK",
        _unpack(formats),
        "#endif",
        "#ifdef TW_EXECUTOR",
        "static const void *const labels[] = {&&undecoded, &&look, "
        + ", ".join(f"&&op_{row.symbol}" for row in rows)
        + "};",
        "goto resume;",
        *(_executor(row) for row in rows),
        "#endif",
    ]
    return "\n".join(parts) + "\n"


def _tables(rows: tuple[Row, ...], formats: dict[str, Format]) -> str:
    numbers = {name: index for index, name in enumerate(formats)}
    lines = ["#ifdef TW_ROWS", "static const tw_row tw_rows[] = {"]
    lines += [
        f"  {{0x{row.match:08x}u, 0x{row.mask:08x}u, {row.needs}, {row.size}, "
        f'{numbers[row.form]}, {_uses(row, formats[row.form])}, "{row.name}", '
        f'"{formats[row.form].syntax}"}},'
        for row in rows
    ]
    lines += ["};", f"enum {{ TW_ROW_COUNT = {len(rows)}, TW_FIRST_OP = {FIRST_OP} }};", "#endif"]
    return "\n".join(lines)


def _uses(row: Row, form: Format) -> int:
    """Bits: 1 rs1, 2 rs2, 4 rs3, 8 the old rd are read; 32 a float is loaded over rd."""
    bits = sum(
        1 << bit
        for bit, operand in enumerate(("rs1", "rs2", "rs3"))
        if row.uses(operand) and operand in form.operands
    )
    return bits | (8 if row.uses("old") else 0) | (32 if row.timing == "fload" else 0)


def _unpack(formats: dict[str, Format]) -> str:
    """A function that fills in the operands; false where the format calls the word reserved."""
    lines = [
        "static bool tw_unpack(tw_insn *i, int form, uint32_t w, uint32_t pc) {",
        "  (void)pc;",
        "  switch (form) {",
    ]
    for number, (name, form) in enumerate(formats.items()):
        lines.append(f"  case {number}: // {name}")
        for operand, where in form.operands.items():
            match operand:
                case "imm":
                    lines.append(f"    i->imm = {where};")
                case "field":
                    lines.append(f"    i->rs2 = (uint8_t)({where});")
                case "loop":
                    lines.append(f"    i->rd = (uint8_t)({where});")
                case "legal":
                    pass
                case _:
                    lines.append(f"    i->{operand} = (uint8_t)({form.register(operand)});")
        lines.append(f"    return {form.operands.get('legal', 'true')};")
    return "\n".join([*lines, "  default:", "    return false;", "  }", "}"])


def _executor(row: Row) -> str:
    before, after = TAILS[row.timing]
    before = UNITS.get(before, before)
    declared = [text for name, text in LOCALS.items() if _needs(row, name)]
    meaning = re.sub(r"\b(\w+)\(", lambda m: INTRINSICS.get(m[1], m[1] + "("), row.meaning)
    written = [f"x[ip->{name}] = {name};" for name in ("base", "rd") if _assigns(row, name)]
    body = " ".join([*declared, before, meaning, *written, after])
    return f"op_{row.symbol}: {{ {body} }}"


def _needs(row: Row, name: str) -> bool:
    return row.uses(name) or (name == "pc" and row.timing == "branch")


def _assigns(row: Row, name: str) -> bool:
    return re.search(rf"\b{name} = ", row.meaning) is not None
