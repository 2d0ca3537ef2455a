/// QEMU plugin: how often each instruction of one inference was executed, layer by layer.
///
/// Argument plan=FILE, native uint64: first address and number of bytes of code; entry address of
/// the network's run function; entry address of what runs after it; which inference to count,
/// 0 being the first; number of layers' entry addresses; those addresses. Argument out=FILE,
/// written: for each stretch between two entries (run, layers in the order of execution, after),
/// uint64 n, then n pairs of uint64: address, executions.
///
/// Source: QEMU's documentation "TCG plugins". QEMU ships no header for plugins with its programs,
/// so what is used of the interface is declared here.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Written by run/qemu_plugin.py: the version of the interface, and whether it counts inline.
#include "interface.h"

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;
typedef void translated(plugin_id id, struct qemu_plugin_tb *block);
typedef void executed(unsigned int cpu, void *data);
typedef void ended(plugin_id id, void *data);

enum { NO_REGISTERS = 0, ADD_U64 = 0 };

extern int qemu_plugin_version;
int qemu_plugin_version = PLUGIN_INTERFACE;

int qemu_plugin_install(plugin_id id, const void *info, int arguments, char **argument);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translated *callback);
void qemu_plugin_register_atexit_cb(plugin_id id, ended *callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction,
                                            executed *callback, int flags, void *data);
#if PLUGIN_COUNTS_INLINE
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *instruction, int operation,
                                                void *counter, uint64_t amount);
#endif

enum { CODE_START, CODE_BYTES, RUN, AFTER, WHICH, LAYERS, FIRST_LAYER, LONGEST_PLAN = 65536 };
enum { STEP = 2 }; // every instruction starts at a multiple

static uint64_t plan[LONGEST_PLAN];
static uint64_t *now, *before; // executions by address
static uint64_t runs_seen;
static int is_counting;
static FILE *out;

static uint64_t slots(void) { return plan[CODE_BYTES] / STEP; }

static void write_stretch(void) {
  uint64_t changed = 0;
  for (uint64_t i = 0; i < slots(); ++i) {
    changed += now[i] != before[i];
  }
  fwrite(&changed, sizeof changed, 1, out);
  for (uint64_t i = 0; i < slots(); ++i) {
    if (now[i] != before[i]) {
      const uint64_t pair[] = {plan[CODE_START] + i * STEP, now[i] - before[i]};
      fwrite(pair, sizeof pair, 1, out);
    }
  }
  memcpy(before, now, slots() * sizeof *now);
}

static void at_run(unsigned int cpu, void *data) {
  (void)cpu;
  (void)data;
  is_counting = runs_seen++ == plan[WHICH];
  if (is_counting) {
    memcpy(before, now, slots() * sizeof *now);
  }
}

static void at_boundary(unsigned int cpu, void *data) {
  (void)cpu;
  if (is_counting) {
    write_stretch();
    is_counting = data == NULL;
  }
}

#if !PLUGIN_COUNTS_INLINE
static void at_instruction(unsigned int cpu, void *counter) {
  (void)cpu;
  ++*(uint64_t *)counter;
}
#endif

static void watch(struct qemu_plugin_insn *instruction, uint64_t address) {
  if (address == plan[RUN]) {
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_run, NO_REGISTERS, NULL);
  } else if (address == plan[AFTER]) {
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_boundary, NO_REGISTERS, plan);
  }
  for (uint64_t layer = 0; layer < plan[LAYERS]; ++layer) {
    if (address == plan[FIRST_LAYER + layer]) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_boundary, NO_REGISTERS, NULL);
    }
  }
}

static void at_translation(plugin_id id, struct qemu_plugin_tb *block) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
    struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
    const uint64_t address = qemu_plugin_insn_vaddr(instruction);
    if (address < plan[CODE_START] || address >= plan[CODE_START] + plan[CODE_BYTES]) {
      continue;
    }
    watch(instruction, address);
    uint64_t *counter = &now[(address - plan[CODE_START]) / STEP];
#if PLUGIN_COUNTS_INLINE
    qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, counter, 1);
#else
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_instruction, NO_REGISTERS, counter);
#endif
  }
}

static void at_end(plugin_id id, void *data) {
  (void)id;
  (void)data;
  fclose(out);
}

int qemu_plugin_install(plugin_id id, const void *info, int arguments, char **argument) {
  (void)info;
  FILE *file = NULL;
  for (int i = 0; i < arguments; ++i) {
    if (strncmp(argument[i], "plan=", 5) == 0) {
      file = fopen(argument[i] + 5, "rb");
    } else if (strncmp(argument[i], "out=", 4) == 0) {
      out = fopen(argument[i] + 4, "wb");
    }
  }
  if (file == NULL || out == NULL || fread(plan, sizeof *plan, LONGEST_PLAN, file) < FIRST_LAYER) {
    return 1;
  }
  fclose(file);
  now = calloc(slots(), sizeof *now);
  before = calloc(slots(), sizeof *before);
  if (now == NULL || before == NULL) {
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, at_translation);
  qemu_plugin_register_atexit_cb(id, at_end, NULL);
  return 0;
}
