/// What turns.c and the glue generated for one network with several entries share.
#pragma once

#include <stdint.h>

/// One function of the network. Written by run/turns_glue.py.
typedef struct {
  int32_t arguments, inputs, outputs; // how many there are
  const int32_t *input_bytes;         // [inputs] size of each
  const int32_t *output_bytes;        // [outputs] likewise
  void *const *planned_inputs;        // [inputs] where the plan keeps them in the arena
  void *const *planned_outputs;       // [outputs] likewise
  int (*run)(void *const *inputs, void *const *outputs, const int32_t *arguments);
} turns_entry;

typedef struct {
  const turns_entry *entry;
  int32_t states;
  const int32_t *state_bytes; // [states] size of each
  void *const *states_in;     // [states] where they are in the arena
  uint8_t *arena;
  int32_t arena_bytes;
} turns_network;

/// Binds the arena and describes the network.
turns_network turns_open(void);

/// Makes every state what it is before the first run; nothing where there are none.
int turns_reset(void);
