/// Runs one compiled network on a cluster: a batch of inputs, several times.
///
/// Inputs come with the program, and results are written beside them: whoever runs the program
/// reads them by the symbols of the linker script, or is told: where nobody can look into memory,
/// the program says at its end, in lines of "tilewright NAME HEXADECIMAL BYTES", what these symbols
/// name and how long the inference to measure took.
///   inputs_start   int32 inferences, int32 runs, int32 whether to say what came out, then the
///                  inputs of each inference
///   results_start  for each run and inference its outputs
///   layers_start   where the network is built with -DTW_OBSERVE: for each inference of the first
///                  run and each layer, int32 layer, int32 bytes, result; then int32 -1
///
/// Runs alternate between tensors of the caller's and tensors inside the arena, where the plan
/// keeps them: both are promised to work. The second run, warm and on the latter, is the one to
/// measure.
#include "cluster.h"
#include "tilewright_host.h"

#include <string.h>

enum { POISON = 0xA5, FAILED = 1, HEAD_WORDS = 3, LINE = 32 };

extern uint8_t unused_start[], unused_stop[];
extern uint8_t inputs_start[], results_start[], layers_start[], results_stop[];

static uint8_t *layers;
static uint32_t last_cycles; // of the latest inference, with what hands it its tensors

void tw_observe(int32_t layer, const void *result, int32_t bytes);
int32_t harness_inference(void *const *inputs, void *const *outputs);
void harness_after(void);

static void fail(const char *what) {
  tw_say(what);
  tw_say("\n");
  tw_exit(FAILED);
}

static void say_bytes(const char *what, const void *from, const void *stop) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *at = from;
  while (at < (const uint8_t *)stop) {
    char line[2 * LINE + 2];
    char *end = line;
    for (int32_t i = 0; i < LINE && at < (const uint8_t *)stop; ++i) {
      *end++ = digits[*at >> 4];
      *end++ = digits[*at++ & 15];
    }
    *end++ = '\n';
    *end = 0;
    tw_say("tilewright ");
    tw_say(what);
    tw_say(line);
  }
}

static uint8_t *append(uint8_t *at, const void *data, int32_t bytes) {
  if (results_stop - at < bytes) {
    fail("results do not fit their memory: run fewer inferences");
  }
  memcpy(at, data, (size_t)bytes);
  return at + bytes;
}

void tw_observe(int32_t layer, const void *result, int32_t bytes) {
  if (layers != 0) {
    const int32_t head[2] = {layer, bytes};
    layers = append(layers, head, sizeof head);
    layers = append(layers, result, bytes);
  }
}

/// Tensors of the caller's, in memory that the network does not use.
static uint8_t *place(void **own, int32_t tensors, const int32_t *bytes, uint8_t *free_from) {
  for (int32_t i = 0; i < tensors; ++i) {
    const int32_t padded = (bytes[i] + 15) / 16 * 16;
    if (unused_stop - free_from < padded) {
      fail("L2 has no room for a second copy of inputs and outputs");
    }
    own[i] = free_from;
    free_from += padded;
  }
  return free_from;
}

/// Every core's share of the second call is warm; whoever counts does so up to this function.
__attribute__((noinline)) void harness_after(void) { __asm__ volatile(""); }

__attribute__((noinline)) int32_t harness_inference(void *const *inputs, void *const *outputs) {
  const uint32_t start = tw_cycles();
  const int32_t status = harness_run(inputs, outputs);
  harness_after();
  last_cycles = tw_cycles() - start;
  return status;
}

static uint8_t *run_batch(const harness_network *net, void *const *inputs, void *const *outputs,
                          int32_t inferences, uint8_t *results) {
  const uint8_t *from = inputs_start + HEAD_WORDS * sizeof(int32_t);
  for (int32_t i = 0; i < inferences; ++i) {
    for (int32_t o = 0; o < net->outputs; ++o) { // before inputs: they may share bytes
      memset(outputs[o], POISON, (size_t)net->output_bytes[o]);
    }
    for (int32_t n = 0; n < net->inputs; ++n) {
      memcpy(inputs[n], from, (size_t)net->input_bytes[n]);
      from += net->input_bytes[n];
    }
    if (harness_inference(inputs, outputs) != 0) {
      fail("tw_NAME_run returned an error");
    }
    for (int32_t o = 0; o < net->outputs; ++o) {
      results = append(results, outputs[o], net->output_bytes[o]);
    }
  }
  return results;
}

int main(void) {
  const harness_network net = harness_open();
  const int32_t *const head = (const int32_t *)(const void *)inputs_start;
  memset(net.arena, POISON, (size_t)net.arena_bytes);
  void **const own_inputs = (void **)(void *)unused_start;
  void **const own_outputs = own_inputs + net.inputs;
  uint8_t *free_from = unused_start + (net.inputs + net.outputs + 4) / 4 * 4 * 4;
  free_from = place(own_inputs, net.inputs, net.input_bytes, free_from);
  place(own_outputs, net.outputs, net.output_bytes, free_from);
  layers = layers_start;
  uint8_t *results = results_start, *layers_stop = layers_start;
  uint32_t warm_cycles = 0; // of the last inference of the second run, or of the only one
  for (int32_t run = 0; run < head[1]; ++run) {
    if (harness_reset() != 0) {
      fail("tw_NAME_reset returned an error");
    }
    void *const *inputs = run % 2 != 0 ? net.planned_inputs : own_inputs;
    void *const *outputs = run % 2 != 0 ? net.planned_outputs : own_outputs;
    results = run_batch(&net, inputs, outputs, head[0], results);
    if (run < 2) {
      warm_cycles = last_cycles;
    }
    if (layers != 0) {
      const int32_t end = -1;
      layers_stop = append(layers, &end, sizeof end);
      layers = 0;
    }
  }
  if (head[2] != 0) {
    say_bytes("layers ", layers_start, layers_stop);
    say_bytes("results ", results_start, results);
    say_bytes("cycles ", &warm_cycles, &warm_cycles + 1);
    tw_say("tilewright end\n");
  }
  return 0;
}
