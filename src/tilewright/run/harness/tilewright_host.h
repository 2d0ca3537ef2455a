/// What the host's main program and the glue generated for one network share.
#pragma once

#include <stdint.h>

/// One network, seen without its name. Written by run/glue.py.
typedef struct {
  int32_t inputs, outputs;      // how many there are
  const int32_t *input_bytes;   // [inputs] size of each
  const int32_t *output_bytes;  // [outputs] size of each
  void *const *planned_inputs;  // [inputs] where the plan keeps them in the arena
  void *const *planned_outputs; // [outputs] likewise
  int32_t states;
  const int32_t *state_bytes; // [states] size of each
  void *const *states_in;     // [states] where they are in the arena
  uint8_t *arena;
  int32_t arena_bytes;
} harness_network;

/// Binds the arena and describes the network.
harness_network harness_open(void);

/// One inference on the given tensors: tw_NAME_run on the arena of harness_open.
int harness_run(void *const *inputs, void *const *outputs);

/// Makes every state what it is before the first run; nothing where there are none.
int harness_reset(void);

/// Bytes of stack that one inference takes; -1 where this machine has no way to tell.
int32_t harness_stack_bytes(void *const *inputs, void *const *outputs);
