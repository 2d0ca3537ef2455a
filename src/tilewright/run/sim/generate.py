"""From the instruction tables to C: decoder, executor, disassembler and their names.

The result is one header that core/cpu.c and core/decode.c include; it is never committed.
"""

import re

from tilewright.run.sim.families import FAMILIES, FP_INTRINSICS, Family
from tilewright.run.sim.isa_format import Format, read_formats
from tilewright.run.sim.isa_table import Row, read_rows

FIRST_OP = 2  # 0: not decoded, 1: look before executing

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

FP_CLASSES = ("fp", "fpmove", "fpcompare", "fpconvert", "fdiv", "fload", "fstore", "frep")
"""Timing classes of the floating-point subsystem, in the order of tw_fp_class of snitch.h."""

_SETTLED = {"offload": "offload_settled"}
_KINDS = {"": "0", "r": "TW_KIND_INTEGER", "f": "TW_KIND_SINGLE", "d": "TW_KIND_DOUBLE"}


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
        *(_family(family, rows) for family in FAMILIES),
        "#ifdef TW_FP_UNIT",
        *_fp_unit(rows, formats),
        "#endif",
    ]
    return "\n".join(parts) + "\n"


def _tables(rows: tuple[Row, ...], formats: dict[str, Format]) -> str:
    numbers = {name: index for index, name in enumerate(formats)}
    lines = ["#ifdef TW_ROWS", "static const tw_row tw_rows[] = {"]
    lines += [
        f"  {{0x{row.match:08x}u, 0x{row.mask:08x}u, {row.needs}, {row.size}, "
        f"{numbers[row.form]}, {_uses(row, formats[row.form])}, {int(_writes_at_once(row))}, "
        f'"{row.name}", '
        f'"{formats[row.form].syntax}"}},'
        for row in rows
    ]
    lines += ["};", f"enum {{ TW_ROW_COUNT = {len(rows)}, TW_FIRST_OP = {FIRST_OP} }};", "#endif"]
    return "\n".join(lines)


def _writes_at_once(row: Row) -> bool:
    """Whether rd is written in the cycle of issue, for pipelines that have one write port."""
    return row.timing in ("alu", "jump", "csr") and row.uses("rd")


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


def _family(family: Family, rows: tuple[Row, ...]) -> str:
    """Labels of every row, and the code of those that cores of this family can have."""
    own = [row for row in rows if row.extension in family.extensions]
    labels = {row.symbol: _label(row, family) for row in own}
    names = [labels.get(row.symbol, "undecoded") for row in rows]
    parts = [
        f"#ifdef {family.macro}",
        _labels("labels", ["undecoded", "look", *names]),
        *([_labels("settled", ["undecoded", "undecoded", *map(_behind, names)])] * family.settles),
        "goto resume;",
        *(_executor(row, family) for row in own if labels[row.symbol] != "offload"),
        "#endif",
    ]
    return "\n".join(parts)


def _label(row: Row, family: Family) -> str:
    return "offload" if row.timing in family.offloads else f"op_{row.symbol}"


def _behind(label: str) -> str:
    return label.replace("op_", "do_") if label.startswith("op_") else _SETTLED.get(label, label)


def _labels(name: str, labels: list[str]) -> str:
    listed = ", ".join(f"&&{label}" for label in labels)
    return f"static const void *const {name}[] = {{{listed}}};"


def _executor(row: Row, family: Family) -> str:
    before, after = family.tails[row.timing]
    declared = [text for name, text in LOCALS.items() if _needs(row, name)]
    meaning = _called(row.meaning, family.intrinsics)
    written = [f"x[ip->{name}] = {name};" for name in ("base", "rd") if _assigns(row, name)]
    body = " ".join([*declared, before, meaning, *written, after])
    if family.settles:
        return f"op_{row.symbol}: if (s->pending != 0) goto settle;\ndo_{row.symbol}: {{ {body} }}"
    return f"op_{row.symbol}: {{ {body} }}"


def _called(meaning: str, intrinsics: dict[str, str]) -> str:
    return re.sub(r"\b(\w+)\(", lambda m: intrinsics.get(m[1], m[1] + "("), meaning)


def _fp_unit(rows: tuple[Row, ...], formats: dict[str, Format]) -> list[str]:
    """What the floating-point subsystem executes: a table by row, and the meanings as a switch."""
    numbered = enumerate(rows, start=FIRST_OP)
    floating = [(i, row) for i, row in numbered if row.timing in FP_CLASSES]
    table = [
        f"  [{i}] = {{TW_FP_{row.timing.upper()}, "
        + ", ".join(_KINDS[_kind(row, formats, o)] for o in ("rd", "rs1", "rs2", "rs3"))
        + "},"
        for i, row in floating
    ]
    return [
        "static const tw_fp_row tw_fp_rows[] = {", *table, "};",
        "static uint64_t tw_fp_meaning(tw_sim *sim, tw_core *core, int64_t cycle, "
        "const tw_fp_op *o, const uint64_t *v) {",
        "  (void)sim; (void)cycle;",
        "  switch (o->op) {",
        *(_fp_case(i, row, formats[row.form]) for i, row in floating if row.timing != "frep"),
        "  default: return 0;", "  }", "}",
    ]  # fmt: skip


def _kind(row: Row, formats: dict[str, Format], operand: str) -> str:
    return formats[row.form].kind(operand) if row.uses(operand) else ""


def _fp_case(number: int, row: Row, form: Format) -> str:
    is_raw = row.timing == "fstore" or row.name == "fmv.x.w"  # these move bits, boxed or not
    single = "(uint32_t)v[{0}]" if is_raw else "tw_unbox(v[{0}])"
    takes = {"r": "(uint32_t)v[{0}]", "f": single, "d": "v[{0}]"}
    types = {"r": "uint32_t", "f": "uint32_t", "d": "uint64_t"}
    declared = [
        f"const {types[form.kind(name)]} {name} = {takes[form.kind(name)].format(i)};"
        for i, name in enumerate(("rs1", "rs2", "rs3"))
        if row.uses(name)
    ]
    for name, text in (("rm", "const uint32_t rm = (uint32_t)o->imm;"),
                       ("imm", "const int32_t imm = o->imm;")):  # fmt: skip
        declared += [text] if row.uses(name) else []
    meaning = _called(row.meaning, FP_INTRINSICS)
    if not _assigns(row, "rd"):
        return f"  case {number}: {{ {' '.join(declared)} {meaning} return 0; }}"
    result = "tw_box(rd)" if form.kind("rd") == "f" else "rd"
    declared.append(f"{types[form.kind('rd')]} rd;")
    return f"  case {number}: {{ {' '.join(declared)} {meaning} return {result}; }}"


def _needs(row: Row, name: str) -> bool:
    return row.uses(name) or (name == "pc" and row.timing == "branch")


def _assigns(row: Row, name: str) -> bool:
    return re.search(rf"\b{name} = ", row.meaning) is not None
