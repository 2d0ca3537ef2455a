/// Measures stack by painting one: run an inference on a stack full of a known byte, then look
/// how far up the paint is gone. An empty call on the same stack is the zero of the scale.
#define _XOPEN_SOURCE 700
#include "tilewright_host.h"

// Contexts are in glibc but not in every libc, and sanitizers want to know about every stack.
#if defined(__GLIBC__) && !defined(HARNESS_SANITIZED)
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

enum { STACK_BYTES = 1 << 20, PAINT = 0x5A };

static _Alignas(64) uint8_t stack[STACK_BYTES];
static ucontext_t here, there;
static void *const *job_inputs;
static void *const *job_outputs;
static volatile int status;

static void nothing(void) { status = 0; }
static void inference(void) { status = harness_run(job_inputs, job_outputs); }

/// Bytes that `job` wrote on its stack, the context's own entry included.
static int32_t used_by(void (*job)(void)) {
  memset(stack, PAINT, sizeof stack);
  if (getcontext(&there) != 0) {
    return -1;
  }
  there.uc_stack.ss_sp = stack;
  there.uc_stack.ss_size = sizeof stack;
  there.uc_link = &here;
  makecontext(&there, job, 0);
  if (swapcontext(&here, &there) != 0) {
    return -1;
  }
  int32_t untouched = 0;
  while (untouched < STACK_BYTES && stack[untouched] == PAINT) {
    ++untouched;
  }
  return STACK_BYTES - untouched;
}

int32_t harness_stack_bytes(void *const *inputs, void *const *outputs) {
  job_inputs = inputs;
  job_outputs = outputs;
  const int32_t zero = used_by(nothing);
  const int32_t all = used_by(inference);
  return zero < 0 || all < zero || status != 0 ? -1 : all - zero;
}
#else
int32_t harness_stack_bytes(void *const *inputs, void *const *outputs) {
  (void)inputs;
  (void)outputs;
  return -1;
}
#endif
