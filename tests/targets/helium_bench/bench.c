/// Runs kernel calls that a file describes, on an emulated Cortex-M55, and writes memory back.
///
/// requests.bin, 32-bit words:
///   kernel, pointers, members, calls, bytes, scratch
///   pointers words   offsets of the operands in `memory`, in the order of the argument struct
///   members words    the struct's other members
///   calls * 2 words  ranges of work items
///   scratch          offset of the working memory in `memory`
///   bytes            what `memory` holds before the calls; a multiple of four
/// answers.bin: for each request, `memory` after the calls.
#include <stdint.h>

#include "tilewright.h"

enum {
  SYS_OPEN = 1,
  SYS_CLOSE = 2,
  SYS_WRITE = 5,
  SYS_READ = 6,
  SYS_EXIT_EXTENDED = 0x20,
  READ_BINARY = 1,
  WRITE_BINARY = 5,
  LARGEST_STRUCT = 64,
  LARGEST_CALLS = 8192,
  MEMORY_WORDS = 1 << 19,
};

extern tw_kernel *const kernels[];
extern uint32_t stack_top;
int main(void);
void reset(void);

static uint32_t memory[MEMORY_WORDS];
static uint32_t arguments[LARGEST_STRUCT];
static int32_t calls[2 * LARGEST_CALLS];

static uint32_t semihosting(uint32_t operation, const void *parameters) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = parameters;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static void leave(uint32_t code) {
  const uint32_t block[] = {0x20026, code};
  semihosting(SYS_EXIT_EXTENDED, block);
}

static uint32_t open(const char *name, uint32_t length, uint32_t mode) {
  const uint32_t block[] = {(uint32_t)name, mode, length};
  return semihosting(SYS_OPEN, block);
}

/// Whether all `bytes` were moved.
static int move(uint32_t operation, uint32_t file, void *data, uint32_t bytes) {
  const uint32_t block[] = {file, (uint32_t)data, bytes};
  return bytes == 0 || semihosting(operation, block) == 0;
}

int main(void) {
  const uint32_t in = open("requests.bin", 12, READ_BINARY);
  const uint32_t out = open("answers.bin", 11, WRITE_BINARY);
  uint32_t head[6];
  while (move(SYS_READ, in, head, sizeof head)) {
    const uint32_t words = head[1] + head[2];
    if (words > LARGEST_STRUCT || head[3] > LARGEST_CALLS || head[4] > sizeof memory) {
      leave(2);
    }
    move(SYS_READ, in, arguments, 4 * words);
    move(SYS_READ, in, calls, 8 * head[3]);
    move(SYS_READ, in, memory, head[4]);
    for (uint32_t i = 0; i < head[1]; i++) {
      arguments[i] += (uint32_t)memory;
    }
    for (uint32_t i = 0; i < head[3]; i++) {
      kernels[head[0]](arguments,
                       (tw_work){calls[2 * i], calls[2 * i + 1], 0, (uint8_t *)memory + head[5]});
    }
    if (!move(SYS_WRITE, out, memory, head[4])) {
      leave(3);
    }
  }
  semihosting(SYS_CLOSE, &out);
  leave(0);
  return 0;
}

static void fault(void) { leave(4); }

/// Coprocessors 10 and 11 (FPU and MVE) and low-overhead loops must be on before any vector code.
__attribute__((naked)) void reset(void) {
  __asm__ volatile("ldr r0, =0xE000ED88\n\t"
                   "ldr r1, [r0]\n\t"
                   "orr r1, #0xF00000\n\t"
                   "str r1, [r0]\n\t"
                   "ldr r0, =0xE000ED14\n\t"
                   "ldr r1, [r0]\n\t"
                   "orr r1, #0x80000\n\t"
                   "str r1, [r0]\n\t"
                   "dsb\n\t"
                   "isb\n\t"
                   "b main\n\t"
                   ".ltorg");
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top,    (void *)reset, (void *)fault, (void *)fault,
    (void *)fault, (void *)fault, (void *)fault,
};
