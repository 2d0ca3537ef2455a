#include "decode.h"

#include "decode_fields.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  uint32_t match, mask, needs;
  uint8_t size, form, uses, writes_at_once;
  const char *name, *syntax;
} tw_row;

#define TW_ROWS
#define TW_UNPACK
#include "generated.h"

static const char *const REGISTER_NAMES[] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

int32_t tw_find_row(uint32_t word, uint32_t extensions) {
  const uint8_t size = (word & 3) == 3 ? 2 : 1;
  const uint32_t w = size == 2 ? word : word & 0xffff;
  for (int32_t row = 0; row < TW_ROW_COUNT; row++) {
    const tw_row *r = &tw_rows[row];
    if (r->size == size && (w & r->mask) == r->match && (r->needs & ~extensions) == 0) {
      tw_insn scratch;
      return tw_unpack(&scratch, r->form, w, 0) ? row : -1;
    }
  }
  return -1;
}

static uint64_t bit_of(uint32_t index) {
  return 1ull << (index >= TW_FLOAT ? index - TW_FLOAT + 32 : index);
}

bool tw_decode(tw_insn *insn, uint32_t word, uint32_t pc, uint32_t extensions) {
  const uint8_t is_loop_end = insn->is_loop_end;
  const int32_t row = tw_find_row(word, extensions);
  if (row < 0) {
    return false;
  }
  const tw_row *r = &tw_rows[row];
  memset(insn, 0, sizeof *insn);
  tw_unpack(insn, r->form, r->size == 2 ? word : word & 0xffff, pc);
  const uint8_t written = insn->rd;
  insn->reads = (r->uses & 1 ? bit_of(insn->rs1) : 0) | (r->uses & 2 ? bit_of(insn->rs2) : 0) |
                (r->uses & 4 ? bit_of(insn->rs3) : 0) | (r->uses & 32 ? bit_of(written) : 0);
  if ((r->uses & 8) != 0) {
    insn->rs3 = written;
    insn->reads |= bit_of(written);
  }
  // A loop instruction keeps the number of its loop in rd.
  if (written == 0 && strncmp(r->name, "lp.", 3) != 0) {
    insn->rd = TW_SINK;
  }
  insn->base = insn->rs1 == 0 ? TW_SINK : insn->rs1;
  insn->reads &= ~1ull;
  insn->size = r->size;
  insn->pc = pc;
  insn->writes_at_once = r->writes_at_once != 0 && written != 0;
  insn->op = (uint16_t)(row + TW_FIRST_OP);
  insn->is_loop_end = is_loop_end;
  const bool starts_line = (pc & 15) == 0 || (pc & 15) == 14;
  const bool spans = (pc & 15) + 2u * r->size > 16;
  insn->entry = starts_line || spans || is_loop_end ? 1 : insn->op;
  return true;
}

bool tw_decode_at(tw_sim *sim, tw_core *core, tw_memory *memory, tw_insn *ip, uint32_t pc,
                  uint32_t offset) {
  uint32_t word = 0;
  const uint32_t left = memory->size - offset;
  if (offset >= memory->size) {
    tw_raise(sim, core, TW_F_FETCH, pc, 2);
    return false;
  }
  memcpy(&word, memory->bytes + offset, left < 4 ? 2 : 4);
  if (!tw_decode(ip, word, pc, core->extensions)) {
    tw_raise(sim, core, TW_F_ILLEGAL, pc, 0);
    return false;
  }
  if (sim->observes || (sim->has_breakpoint && pc == sim->breakpoint)) {
    ip->entry = 1; // must be looked at
  }
  memory->has_code[offset >> 6] = 1;
  memory->has_code[(offset + 2) >> 6] = 1;
  return true;
}

const char *tw_row_name(int32_t row) {
  return row >= 0 && row < TW_ROW_COUNT ? tw_rows[row].name : NULL;
}

static int write_register(char *text, size_t room, uint32_t index) {
  if (index >= TW_FLOAT) {
    return snprintf(text, room, "f%u", index - TW_FLOAT);
  }
  return snprintf(text, room, "%s", REGISTER_NAMES[index & 31]);
}

// Writes the operand whose name `syntax` begins with; returns the length of the name.
static size_t write_operand(char *text, size_t room, const char *syntax, const tw_insn *insn,
                            bool is_target) {
  const struct {
    const char *name;
    uint32_t index;
  } registers[] = {
      {"rd", insn->rd == TW_SINK ? 0 : insn->rd},
      {"rs1", insn->rs1},
      {"rs2", insn->rs2},
      {"rs3", insn->rs3},
  };
  for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
    if (strncmp(syntax, registers[i].name, strlen(registers[i].name)) == 0) {
      write_register(text, room, registers[i].index);
      return strlen(registers[i].name);
    }
  }
  if (strncmp(syntax, "imm", 3) == 0) {
    if (is_target) {
      snprintf(text, room, "0x%x", insn->pc + (uint32_t)insn->imm);
    } else {
      snprintf(text, room, "%d", insn->imm);
    }
    return 3;
  }
  if (strncmp(syntax, "field", 5) == 0) {
    snprintf(text, room, "%d", (int8_t)insn->rs2);
    return 5;
  }
  if (strncmp(syntax, "loop", 4) == 0) {
    snprintf(text, room, "x%u", insn->rd & 1);
    return 4;
  }
  snprintf(text, room, "%c", *syntax);
  return 1;
}

void tw_disassemble(char *text, size_t room, uint32_t word, uint32_t pc, uint32_t extensions) {
  tw_insn insn = {0};
  if (!tw_decode(&insn, word, pc, extensions)) {
    snprintf(text, room, (word & 3) == 3 ? ".word 0x%08x" : ".half 0x%04x",
             (word & 3) == 3 ? word : word & 0xffff);
    return;
  }
  const tw_row *row = &tw_rows[insn.op - TW_FIRST_OP];
  size_t length = (size_t)snprintf(text, room, "%-10s ", row->name);
  const char *syntax = row->syntax;
  while (*syntax != '\0' && length + 16 < room) {
    const bool is_target = *syntax == '@';
    syntax += is_target;
    syntax += write_operand(text + length, room - length, syntax, &insn, is_target);
    length += strlen(text + length);
  }
}
