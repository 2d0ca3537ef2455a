/// Runs one compiled network on a batch of inputs, several times, in one process.
///
/// program INPUTS OUTPUTS LAYERS INFERENCES RUNS
///   INPUTS   file: the inputs of each inference, one after another
///   OUTPUTS  file, written: for each run and inference its outputs, then one int32: stack bytes
///   LAYERS   file, written where the network is built with -DTW_OBSERVE: for each inference of
///            the first run and each layer, int32 layer, int32 bytes, result
///
/// Every run begins with a reset of the network's states; inferences of one run follow one another.
/// Runs alternate between tensors inside the arena, where the plan keeps them, and tensors of the
/// caller's: both are promised to work.
#include "tilewright_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POISON = 0xA5, ARGUMENTS = 6 };

static FILE *layers;

void tw_observe(int32_t layer, const void *result, int32_t bytes);
void harness_counted(void *const *inputs, void *const *outputs);

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(EXIT_FAILURE);
}

static FILE *open_or_fail(const char *path, const char *mode) {
  FILE *file = fopen(path, mode);
  if (file == NULL) {
    fail(path);
  }
  return file;
}

static void write_or_fail(const void *data, int32_t bytes, FILE *file) {
  if (fwrite(data, 1, (size_t)bytes, file) != (size_t)bytes) {
    fail("cannot write results: is the disk full?");
  }
}

void tw_observe(int32_t layer, const void *result, int32_t bytes) {
  if (layers != NULL) {
    const int32_t head[2] = {layer, bytes};
    write_or_fail(head, sizeof head, layers);
    write_or_fail(result, bytes, layers);
  }
}

static void **own_tensors(int32_t tensors, const int32_t *bytes) {
  void **own = calloc((size_t)tensors, sizeof *own);
  for (int32_t i = 0; own != NULL && i < tensors; ++i) {
    own[i] = malloc((size_t)bytes[i]);
    if (own[i] == NULL) {
      fail("out of memory");
    }
  }
  if (own == NULL) {
    fail("out of memory");
  }
  return own;
}

static void free_tensors(void **own, int32_t tensors) {
  for (int32_t i = 0; i < tensors; ++i) {
    free(own[i]);
  }
  free(own);
}

/// Outputs are poisoned before inputs are written: in the arena the two may share bytes.
static void load(const harness_network *net, FILE *file, void *const *inputs,
                 void *const *outputs) {
  for (int32_t i = 0; i < net->outputs; ++i) {
    memset(outputs[i], POISON, (size_t)net->output_bytes[i]);
  }
  for (int32_t i = 0; i < net->inputs; ++i) {
    const size_t bytes = (size_t)net->input_bytes[i];
    if (fread(inputs[i], 1, bytes, file) != bytes) {
      fail("the input file is too short");
    }
  }
}

static void store(const harness_network *net, FILE *file, void *const *outputs) {
  for (int32_t i = 0; i < net->outputs; ++i) {
    write_or_fail(outputs[i], net->output_bytes[i], file);
  }
}

/// Nothing but states lives from one inference to the next.
static void poison(const harness_network *net) {
  int32_t bytes = 0;
  for (int32_t i = 0; i < net->states; ++i) {
    bytes += net->state_bytes[i];
  }
  uint8_t *kept = malloc((size_t)bytes + 1);
  if (kept == NULL) {
    fail("out of memory");
  }
  uint8_t *at = kept;
  for (int32_t i = 0; i < net->states; at += net->state_bytes[i], ++i) {
    memcpy(at, net->states_in[i], (size_t)net->state_bytes[i]);
  }
  memset(net->arena, POISON, (size_t)net->arena_bytes);
  at = kept;
  for (int32_t i = 0; i < net->states; at += net->state_bytes[i], ++i) {
    memcpy(net->states_in[i], at, (size_t)net->state_bytes[i]);
  }
  free(kept);
}

static void run_or_fail(void *const *inputs, void *const *outputs) {
  const int status = harness_run(inputs, outputs);
  if (status != 0) {
    fprintf(stderr, "tw_run returned %d\n", status);
    exit(EXIT_FAILURE);
  }
}

/// Under this name profilers see the inferences after the first run, on planned tensors.
__attribute__((noinline)) void harness_counted(void *const *inputs, void *const *outputs) {
  run_or_fail(inputs, outputs);
}

int main(int argc, char **argv) {
  if (argc != ARGUMENTS) {
    fail("usage: program INPUTS OUTPUTS LAYERS INFERENCES RUNS");
  }
  const harness_network net = harness_open();
  FILE *in = open_or_fail(argv[1], "rb");
  FILE *out = open_or_fail(argv[2], "wb");
  layers = open_or_fail(argv[3], "wb");
  const long inferences = strtol(argv[4], NULL, 10);
  const long runs = strtol(argv[5], NULL, 10);
  void **own_inputs = own_tensors(net.inputs, net.input_bytes);
  void **own_outputs = own_tensors(net.outputs, net.output_bytes);
  for (long run = 0; run < runs; ++run) {
    void *const *inputs = run % 2 == 0 ? net.planned_inputs : own_inputs;
    void *const *outputs = run % 2 == 0 ? net.planned_outputs : own_outputs;
    rewind(in);
    if (harness_reset() != 0) {
      fail("tw_reset failed");
    }
    for (long i = 0; i < inferences; ++i) {
      poison(&net);
      load(&net, in, inputs, outputs);
      if (run == 2) {
        harness_counted(inputs, outputs);
      } else {
        run_or_fail(inputs, outputs);
      }
      store(&net, out, outputs);
    }
    if (layers != NULL) {
      fclose(layers);
      layers = NULL;
    }
  }
  const int32_t stack = harness_stack_bytes(net.planned_inputs, net.planned_outputs);
  write_or_fail(&stack, sizeof stack, out);
  free_tensors(own_inputs, net.inputs);
  free_tensors(own_outputs, net.outputs);
  fclose(in);
  return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
