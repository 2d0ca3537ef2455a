/// Runs one compiled network on an emulated board: a batch of inputs, several times.
///
/// Files, in the folder in which the emulator runs:
///   inputs.bin   int32 inferences, int32 runs, then the inputs of each inference
///   outputs.bin  written: for each run and inference its outputs, then one int32: stack bytes
///   layers.bin   written where the network is built with -DTW_OBSERVE: for each inference of the
///                first run and each layer, int32 layer, int32 bytes, result
///
/// Runs alternate between tensors inside the arena, where the plan keeps them, and tensors of the
/// caller's: both are promised to work.
#include "semihosting.h"
#include "tilewright_host.h"

#include <string.h>

enum { POISON = 0xA5, PAINT = 0x5A, READ = 1, WRITE = 5, CLOSED = -1, FAILED = 1 };

// Defined by the linker script; only their addresses mean something.
extern uint8_t unused_start[], unused_stop[], stack_bottom[];

typedef struct {
  int32_t inferences, runs;
} batch_head;

static int32_t layers = CLOSED;

int main(void);
void fault(void);
void tw_observe(int32_t layer, const void *result, int32_t bytes);
int harness_inference(void *const *inputs, void *const *outputs);
void harness_after(void);

static void fail(const char *what) {
  semihosting_say(what);
  semihosting_say("\n");
  semihosting_exit(FAILED);
}

void fault(void) { fail("the processor took a fault or an unexpected interrupt"); }

static int32_t open_or_fail(const char *path, int32_t mode) {
  const int32_t file = semihosting_open(path, mode);
  if (file < 0) {
    fail(path);
  }
  return file;
}

static void read_or_fail(void *data, int32_t bytes, int32_t file) {
  if (semihosting_read(file, data, bytes) != 0) {
    fail("the input file is too short");
  }
}

static void write_or_fail(const void *data, int32_t bytes, int32_t file) {
  if (semihosting_write(file, data, bytes) != 0) {
    fail("cannot write results: is the disk full?");
  }
}

void tw_observe(int32_t layer, const void *result, int32_t bytes) {
  if (layers != CLOSED) {
    const int32_t head[2] = {layer, bytes};
    write_or_fail(head, sizeof head, layers);
    write_or_fail(result, bytes, layers);
  }
}

/// Tensors of the caller's, in memory that the network does not use.
static uint8_t *place(void **own, int32_t tensors, const int32_t *bytes, uint8_t *free_from) {
  for (int32_t i = 0; i < tensors; ++i) {
    const int32_t padded = (bytes[i] + 15) / 16 * 16;
    if (unused_stop - free_from < padded) {
      fail("the board has no room for a second copy of inputs and outputs");
    }
    own[i] = free_from;
    free_from += padded;
  }
  return free_from;
}

/// Outputs are poisoned before inputs are written: in the arena the two may share bytes.
static void load(const harness_network *net, int32_t file, void *const *inputs,
                 void *const *outputs) {
  for (int32_t i = 0; i < net->outputs; ++i) {
    memset(outputs[i], POISON, (size_t)net->output_bytes[i]);
  }
  for (int32_t i = 0; i < net->inputs; ++i) {
    read_or_fail(inputs[i], net->input_bytes[i], file);
  }
}

/// The plugin counts from the entry of tw_NAME_run to the entry of this function.
__attribute__((noinline)) void harness_after(void) { __asm volatile(""); }

__attribute__((noinline)) int harness_inference(void *const *inputs, void *const *outputs) {
  const int status = harness_run(inputs, outputs);
  harness_after();
  return status;
}

static void run_or_fail(void *const *inputs, void *const *outputs) {
  if (harness_inference(inputs, outputs) != 0) {
    fail("tw_NAME_run returned an error");
  }
}

/// Paints the unused stack, runs, looks how far down from the call the paint is gone.
int32_t harness_stack_bytes(void *const *inputs, void *const *outputs) {
  uint8_t *here;
  __asm volatile("mov %0, sp" : "=r"(here));
  for (volatile uint8_t *at = stack_bottom; at < here; ++at) {
    *at = PAINT;
  }
  if (harness_run(inputs, outputs) != 0) {
    fail("tw_NAME_run returned an error");
  }
  const volatile uint8_t *at = stack_bottom;
  while (at < here && *at == PAINT) {
    ++at;
  }
  if (at == stack_bottom) {
    fail("the stack is too small for this network");
  }
  return here - at;
}

static void run_batch(const harness_network *net, void *const *inputs, void *const *outputs,
                      const int32_t files[2], int32_t inferences) {
  semihosting_seek(files[0], (int32_t)sizeof(batch_head));
  if (harness_reset() != 0) {
    fail("tw_NAME_reset returned an error");
  }
  for (int32_t i = 0; i < inferences; ++i) {
    load(net, files[0], inputs, outputs);
    run_or_fail(inputs, outputs);
    for (int32_t o = 0; o < net->outputs; ++o) {
      write_or_fail(outputs[o], net->output_bytes[o], files[1]);
    }
  }
}

int main(void) {
  const harness_network net = harness_open();
  memset(net.arena, POISON, (size_t)net.arena_bytes);
  void **const own_inputs = (void **)(void *)unused_start;
  void **const own_outputs = own_inputs + net.inputs;
  uint8_t *free_from = unused_start + (net.inputs + net.outputs + 4) / 4 * 4 * 4;
  free_from = place(own_inputs, net.inputs, net.input_bytes, free_from);
  place(own_outputs, net.outputs, net.output_bytes, free_from);
  const int32_t files[2] = {open_or_fail("inputs.bin", READ), open_or_fail("outputs.bin", WRITE)};
  layers = open_or_fail("layers.bin", WRITE);
  batch_head head;
  read_or_fail(&head, sizeof head, files[0]);
  for (int32_t run = 0; run < head.runs; ++run) {
    void *const *inputs = run % 2 == 0 ? net.planned_inputs : own_inputs;
    void *const *outputs = run % 2 == 0 ? net.planned_outputs : own_outputs;
    run_batch(&net, inputs, outputs, files, head.inferences);
    if (layers != CLOSED) {
      semihosting_close(layers);
      layers = CLOSED;
    }
  }
  const int32_t stack = harness_stack_bytes(net.planned_inputs, net.planned_outputs);
  write_or_fail(&stack, sizeof stack, files[1]);
  semihosting_close(files[1]);
  return 0;
}
